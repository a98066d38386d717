/** The rotation of a tenant's key in its object: one run at a time, whoever asks. */
import {
  beginRotation,
  beginWhatIsDue,
  goOnWithRotation,
  type RotationDeps,
} from "../../src/services/keys/rotation/rotate.ts";
import type { AskedBy } from "../../src/services/tenancy/jobs.ts";
import { SqliteRotationBook } from "./rotation-book.ts";

export class TenantRotation {
  readonly book: SqliteRotationBook;
  #running: Promise<boolean> | null = null;

  constructor(storage: DurableObjectStorage) {
    this.book = new SqliteRotationBook(storage);
  }

  get isUnderWay(): boolean {
    return this.book.get() !== null;
  }

  async begin(by: AskedBy, deps: RotationDeps): Promise<void> {
    await beginRotation(by, deps);
  }

  async beginWhatIsDue(deps: RotationDeps): Promise<void> {
    await beginWhatIsDue(deps);
  }

  /** Never throws. Resolves to whether something is left for the alarm. */
  async goOn(deps: RotationDeps): Promise<boolean> {
    if (!this.isUnderWay) return false;
    this.#running ??= goOnWithRotation(deps).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }
}
