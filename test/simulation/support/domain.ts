/** One domain: its object's storage, its copies, the truth about it. Outlives every incarnation of the object. */
import { makeId } from "../../../src/core/ids.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { deriveDomainKeys } from "../../../src/crypto/tenant-keys.ts";
import type { LogPosition } from "../../../src/services/ports.ts";
import { CELL_PEPPER, type Task } from "./actor.ts";
import { DurableStorage } from "./durable.ts";
import { JournalDouble } from "./journal-double.ts";
import { LedgerDouble } from "./ledger-double.ts";
import { Referee } from "./referee.ts";
import { ScheduleDouble } from "./schedule-double.ts";
import { SegmentDouble } from "./segment-double.ts";
import { Truth } from "./truth.ts";

export const DOMAIN_ID = makeId("domain", "eu", "01890a5d-ac96-7000-8000-000000000001");

export class SimulatedDomain {
  readonly domainId = DOMAIN_ID;
  readonly referee = new Referee();
  readonly storage = new DurableStorage(this.referee);
  readonly truth = new Truth(this.referee, this.storage);
  readonly ledger = new LedgerDouble(this.referee);
  readonly segments = new SegmentDouble(this.referee);
  readonly root: Uint8Array;
  readonly genesis: string;
  readonly journal: JournalDouble;
  readonly schedule: ScheduleDouble<Task>;

  constructor(root: Uint8Array) {
    this.root = root;
    this.genesis = Buffer.from(deriveDomainKeys(CELL_PEPPER, root, DOMAIN_ID).genesis).toString("hex");
    this.journal = new JournalDouble(this.storage, this.referee, {
      append: (row) => this.truth.append(row),
      copied: (position) => this.#reached(position, this.ledger.ever, "the ledger"),
      archived: (position) => this.#reached(position, this.segments.ever, "the archive"),
      released: (size) => {
        const held = Math.min(this.ledger.ever, this.segments.ever);
        this.referee.demand(size <= held, () => `${size} released, both copies held only ${held}`);
        this.referee.demand(!this.truth.forked, () => "an object that was set back lets entries go");
      },
    });
    this.schedule = new ScheduleDouble<Task>(this.storage);
  }

  hashAt(size: number): string | undefined {
    return size === 0 ? this.genesis : this.truth.rows[size - 1]?.entryHash;
  }

  #reached({ size, entryHash }: LogPosition, ever: number, copy: string): void {
    this.referee.demand(size <= ever, () => `${copy} is said to hold ${size} entries and never held more than ${ever}`);
    this.referee.demand(entryHash === this.hashAt(size), () => `${copy} is said to end with a hash that is not ours`);
  }
}
