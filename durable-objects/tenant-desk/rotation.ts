/** The rotation of a tenant's key in its object: one run at a time, whoever asks. */
import {
  beginRotation,
  beginWhatIsDue,
  goOnWithRotation,
  type Left,
  type RotationDeps,
} from "../../src/services/keys/rotation/rotate.ts";
import type { AskedBy } from "../../src/services/tenancy/jobs.ts";
import { SqliteRotationBook } from "./rotation-book.ts";

export class TenantRotation {
  readonly book: SqliteRotationBook;
  #running: Promise<Left> | null = null;

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

  /** Never throws. */
  async goOn(deps: RotationDeps): Promise<Left> {
    if (!this.isUnderWay) return "nothing";
    this.#running ??= goOnWithRotation(deps).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }
}
