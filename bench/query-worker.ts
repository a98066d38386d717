/** The Worker of bench/query.ts: the ledger's and the index's own code over a real D1, without what stands in front of it. */

import { categoryOf } from "../src/core/actions/index.ts";
import { toHex } from "../src/core/bytes.ts";
import { entryHash, genesisHash } from "../src/core/chain.ts";
import { entryIdFor } from "../src/core/entry-id.ts";
import { type EntryFields, encodePayload } from "../src/core/payload/payload.ts";
import type { EntryFilter } from "../src/core/query/filter.ts";
import { matches } from "../src/core/query/match.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import type { EntryRow, IndexFrom } from "../src/services/ports.ts";
import { indexStep } from "../src/services/query/index-step.ts";
import { D1EntryIndex } from "../src/storage/entry-index.ts";
import { EntryIndexShard } from "../src/storage/entry-index-shard.ts";
import { D1IndexShard } from "../src/storage/index-writer.ts";
import { D1LedgerStore } from "../src/storage/ledger-store.ts";

const RANGES = [{ fromSeq: 0, shard: "LEDGER_00" }];

interface Call {
  what: "fill" | "index" | "page" | "count" | "tallies" | "size";
  domainId: string;
  /** fill: the fields of the entries, when each happened among them. */
  entries?: Partial<EntryFields>[];
  fromSeq?: number;
  prevHash?: string | null;
  filter?: EntryFilter;
  from?: IndexFrom;
  limit?: number;
}

export default {
  async fetch(request: Request, env: { LEDGER_00: D1Database }): Promise<Response> {
    const call = (await request.json()) as Call;
    return Response.json(await answer(call, env.LEDGER_00));
  },
};

async function answer(call: Call, db: D1Database): Promise<unknown> {
  const { domainId } = call;
  const index = new D1EntryIndex(RANGES, (name) => new EntryIndexShard(name, db, domainId, sha256));
  const filter = call.filter ?? { clauses: [], afterMs: null, beforeMs: null };
  if (call.what === "fill") {
    const rows = chained(call);
    await new D1LedgerStore(db, domainId).insert(rows, call.fromSeq === 0 ? (rows[0]?.prevHash ?? null) : null);
    return { prevHash: rows.at(-1)?.entryHash };
  }
  if (call.what === "index") {
    return indexStep({ ranges: RANGES, shard: () => new D1IndexShard(db, domainId), sha256 });
  }
  if (call.what === "page") {
    const page = await index.page(filter, call.from as IndexFrom, call.limit ?? 100);
    const found = page.rows.filter(({ payload }) => {
      const read = JSON.parse(payload);
      return matches(filter, read, categoryOf(read.action));
    });
    return { rows: found, scannedTo: page.scannedTo };
  }
  if (call.what === "count") return index.count(filter, 10_000);
  if (call.what === "tallies") return index.tallies({ fromDay: 0, toDay: 99_999 }, ["action", "actor"], 10);
  const { meta } = await db.prepare("SELECT 1").run();
  return { bytes: meta.size_after };
}

function chained({ domainId, entries = [], fromSeq = 0, prevHash }: Call): EntryRow[] {
  let prev: Uint8Array = prevHash ? Buffer.from(prevHash, "hex") : genesisHash(sha256, new Uint8Array(32), domainId);
  return entries.map((fields, i) => {
    const seq = fromSeq + i;
    const at = Date.parse(String(fields.occurred_at));
    const id = entryIdFor(at, seq);
    const place = { domain: domainId, seq, id, recorded_at: new Date(at).toISOString(), salt: "0".repeat(32) };
    const payload = encodePayload(fields as EntryFields, place);
    const hash = entryHash(sha256, prev, payload);
    const row = { seq, id, prevHash: toHex(prev), entryHash: toHex(hash), payload };
    prev = hash;
    return row;
  });
}
