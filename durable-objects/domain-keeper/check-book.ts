/** What a keeper remembers of its domain's self-check, in its own key-value storage: written whole, in one turn. */
import { type CheckBook, type CheckRecord, fromStored } from "../../src/services/self-check/record.ts";

const RECORD = "self_check";
const ANEW = "self_check_anew";

export class KvCheckBook implements CheckBook {
  readonly #storage: DurableObjectStorage;
  #isOver = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  get(): CheckRecord | null {
    const stored = this.#storage.kv.get<CheckRecord>(RECORD);
    return stored ? fromStored(stored) : null;
  }

  put(record: CheckRecord): void {
    if (!this.#isOver) this.#storage.kv.put(RECORD, record);
  }

  askAnew(forgetHeads: boolean): void {
    const asked = this.#storage.kv.get<{ forgetHeads: boolean }>(ANEW);
    this.#storage.kv.put(ANEW, { forgetHeads: forgetHeads || (asked?.forgetHeads ?? false) });
  }

  takeAnew(): { forgetHeads: boolean } | null {
    const asked = this.#storage.kv.get<{ forgetHeads: boolean }>(ANEW) ?? null;
    if (asked) this.#storage.kv.delete(ANEW);
    return asked;
  }

  /** The object's storage was emptied: a run that is under way writes nothing any more. */
  forget(): void {
    this.#isOver = true;
  }
}
