/** The keeper's way to entries that are hot or archived: one cache of segments for everybody who reads here. */
import type { ShardRange } from "../../src/core/shards.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import type { CellEnv } from "../../src/env.ts";
import type { ColdEntryCall, ColdFind, ColdFindCall, ColdPageCall } from "../../src/services/log/cold/calls.ts";
import { findCold } from "../../src/services/log/cold/find.ts";
import type { Floors } from "../../src/services/log/cold/floors.ts";
import { ColdSegments } from "../../src/services/log/cold/segments.ts";
import { WholeLedger, type WholePage } from "../../src/services/log/cold/whole-ledger.ts";
import { WholeSealed } from "../../src/services/log/cold/whole-sealed.ts";
import type { PageStores } from "../../src/services/log/reveal/page.ts";
import type { EntryRow } from "../../src/services/ports.ts";
import { ledgerAt, sealedPagesAt, sealedRowsAt, segmentsAt } from "../domain-log/stores.ts";

type Head = Floors & { shards: ShardRange[] };

export class ColdReads {
  readonly #env: CellEnv;
  readonly #domainId: string;
  readonly #head: () => Promise<Head>;
  /** Replaced by tests. */
  segments: ColdSegments;

  /** `head` is asked for every call that needs to know where what is hot begins: it rises. */
  constructor(env: CellEnv, domainId: string, head: () => Promise<Head>) {
    this.#env = env;
    this.#domainId = domainId;
    this.#head = head;
    this.segments = new ColdSegments(segmentsAt(env, domainId), sha256);
  }

  /** Rows that lie at `ranges` or were pruned from there. The floors are asked for after the copy lacked a row: they rise before rows go. */
  ledger(ranges: readonly ShardRange[]): WholeLedger {
    const hot = ledgerAt(this.#env, this.#domainId, ranges);
    return new WholeLedger({ hot, floors: this.#head, segments: this.segments });
  }

  /** The same with what is sealed beside them. */
  stores(ranges: readonly ShardRange[]): Omit<PageStores, "ledger" | "sealedRows"> & {
    ledger: WholeLedger;
    sealedRows: WholeSealed;
  } {
    const floors = this.#head;
    const { segments } = this;
    return {
      ledger: this.ledger(ranges),
      sealedRows: new WholeSealed({
        hot: sealedRowsAt(this.#env, this.#domainId, () => ranges),
        pages: sealedPagesAt(this.#env, this.#domainId),
        segments,
        floors,
      }),
      firstKept: async () => (await floors()).firstKept,
    };
  }

  async page(call: ColdPageCall): Promise<WholePage> {
    const { shards } = await this.#head();
    return this.ledger(shards).page(call);
  }

  /** One entry that the copy was found not to have. */
  async entry(wanted: ColdEntryCall): Promise<EntryRow | null> {
    const ledger = this.ledger((await this.#head()).shards);
    return "seq" in wanted ? ledger.coldAt(wanted.seq) : ledger.byLogMadeId(wanted.id);
  }

  async find({ filter, order, next, limit }: ColdFindCall): Promise<ColdFind> {
    const { shards } = await this.#head();
    const descending = order === "desc";
    // Rows that are still on their way out are in the index, too: nothing is found twice. The copy is read before the floors: what
    // leaves it from here on the index has shown.
    const everything = { fromSeq: 0, toSeq: Number.MAX_SAFE_INTEGER, limit: 1 };
    const [first] = await ledgerAt(this.#env, this.#domainId, shards).rows(everything);
    const { firstHot, firstKept } = await this.#head();
    const range = { fromSeq: firstKept, toSeq: Math.min(firstHot, first?.seq ?? firstHot) - 1, descending };
    if (next !== null && descending) range.toSeq = Math.min(range.toSeq, next);
    else if (next !== null) range.fromSeq = Math.max(range.fromSeq, next);
    if (range.fromSeq > range.toSeq) return { rows: [], next: null, looked: 0, firstHot, firstKept };
    return { ...(await findCold(filter, range, limit, this.segments)), firstHot, firstKept };
  }
}
