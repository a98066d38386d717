/** The Worker of bench/cold.ts: the product's own readers over a real D1 and R2, without what stands in front of them. */
import { toHex } from "../src/core/bytes.ts";
import { entryHash, genesisHash } from "../src/core/chain.ts";
import { entryIdFor } from "../src/core/entry-id.ts";
import { encodePayload } from "../src/core/payload/payload.ts";
import { encodeSegment } from "../src/core/segment.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import { findCold } from "../src/services/log/cold/find.ts";
import { ColdSegments } from "../src/services/log/cold/segments.ts";
import { WholeLedger } from "../src/services/log/cold/whole-ledger.ts";
import type { EntryRow } from "../src/services/ports.ts";
import { D1LedgerStore } from "../src/storage/ledger-store.ts";
import { R2SegmentStore } from "../src/storage/segment-store.ts";

const DOMAIN = "dom_eu_01jegc8qvyfgx9tmvc3w70yjrh";
const BEGAN_MS = Date.parse("2026-01-01T00:00:00.000Z");

interface Env {
  LEDGER_00: D1Database;
  LOG: R2Bucket;
}

interface Call {
  what: "fill" | "hot" | "cold" | "find" | "nothing";
  fromSeq: number;
  count: number;
  prevHash?: string;
  /** Segments stay in memory between calls, as a keeper has them. */
  cached?: boolean;
}

let kept: ColdSegments | null = null;

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return Response.json(await answer((await request.json()) as Call, env));
  },
};

async function answer(call: Call, { LEDGER_00, LOG }: Env): Promise<unknown> {
  const { fromSeq, count } = call;
  const hot = new D1LedgerStore(LEDGER_00, DOMAIN);
  const store = new R2SegmentStore(LOG, DOMAIN);
  kept ??= new ColdSegments(store, sha256);
  const segments = call.cached ? kept : new ColdSegments(store, sha256);
  const range = { fromSeq, toSeq: fromSeq + count - 1 };
  if (call.what === "nothing") return {};
  if (call.what === "fill") return fill(call, hot, store);
  if (call.what === "hot") return { rows: await hot.rows({ ...range, limit: count }) };
  if (call.what === "find") {
    const filter = {
      clauses: [{ field: "action" as const, anyOf: ["never.seen"], not: false }],
      afterMs: null,
      beforeMs: null,
    };
    return findCold(filter, { ...range, descending: false }, 100, segments);
  }
  const everything = { rows: async () => [], rowsAt: async () => [] };
  const floors = async () => ({ firstHot: Number.MAX_SAFE_INTEGER, firstKept: 0 });
  return new WholeLedger({ hot: everything, floors, segments }).page({ ...range, limit: count });
}

async function fill({ fromSeq, count, prevHash }: Call, hot: D1LedgerStore, store: R2SegmentStore) {
  let before = prevHash === undefined ? genesisHash(sha256, new Uint8Array(32), DOMAIN) : Buffer.from(prevHash, "hex");
  const rows = Array.from({ length: count }, (_, i): EntryRow => {
    const seq = fromSeq + i;
    const id = entryIdFor(BEGAN_MS + seq, seq);
    const at = new Date(BEGAN_MS + seq).toISOString();
    const payload = encodePayload(
      {
        action: `order.step_${seq % 7}`,
        actor: { type: "user", ref: toHex(sha256(`person ${seq % 500}`)) },
        outcome: "success",
        targets: [{ type: "order", id: `ord_${seq}` }],
        metadata: { region: "eu", step: seq % 7, note: "as the customer asked for it, by telephone" },
      },
      { domain: DOMAIN, seq, id, recorded_at: at, salt: toHex(sha256(`salt ${seq}`)).slice(0, 32) },
    );
    const prev = toHex(before);
    before = entryHash(sha256, before, payload) as never;
    return { seq, id, prevHash: prev, entryHash: toHex(before), payload };
  });
  const payloads = rows.map(({ payload }) => payload);
  const [first, last] = [rows[0] as EntryRow, rows.at(-1) as EntryRow];
  await hot.insert(rows, fromSeq === 0 ? first.prevHash : null);
  const hash = toHex(sha256(encodeSegment(payloads)));
  await store.put(
    { firstSeq: fromSeq, count, prevHash: first.prevHash, lastHash: last.entryHash, sha256: hash },
    payloads,
  );
  return { prevHash: last.entryHash, bytes: payloads.reduce((sum, text) => sum + text.length, 0) };
}
