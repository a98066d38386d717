/** Domains with random entries in one shard or two, their index, and what it should find. */

import { categoryOf } from "../../../src/core/actions/index.ts";
import type { EntryFields, Payload } from "../../../src/core/payload/payload.ts";
import type { Clause, EntryFilter } from "../../../src/core/query/filter.ts";
import { matches } from "../../../src/core/query/match.ts";
import type { ShardRange } from "../../../src/core/shards.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import type { EntryOrder, EntryPlace, EntryRow } from "../../../src/services/ports.ts";
import { type IndexDeps, indexStep } from "../../../src/services/query/index-step.ts";
import { indexed } from "../../../src/services/query/postings.ts";
import { isFound } from "../../../src/services/query/run.ts";
import { D1EntryIndex } from "../../../src/storage/entry-index.ts";
import { EntryIndexShard } from "../../../src/storage/entry-index-shard.ts";
import { D1IndexShard } from "../../../src/storage/index-writer.ts";
import { D1LedgerStore } from "../../../src/storage/ledger-store.ts";
import { ShardedLedger } from "../../../src/storage/sharded-ledger.ts";
import { env as cellEnv } from "../../support/cell.ts";
import { chainOf } from "../../verifier/rows.ts";
import { newId } from "../sql.ts";

export const shards = cellEnv as unknown as Record<string, D1Database>;
export const shardOf = (name: string): D1Database => shards[name] as D1Database;

/** Repeats itself from one seed. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const ACTIONS = ["iam.create_user", "iam.delete_user", "secret.read", "invoice.exported", "user.login"];
const OUTCOMES = ["success", "failure", "denied", "unknown"] as const;
const WORDS = ["alpha", "beta", "gamma", "delta"];
const HOUR_MS = 3_600_000;
export const BEGAN_MS = Date.parse("2026-07-10T00:00:00.000Z");

/** Many of them at the same millisecond, and none in the order of their seqs. */
export function randomFields(random: (below: number) => number): Partial<EntryFields> {
  const pick = <T>(list: readonly T[]) => list[random(list.length)] as T;
  const person = pick(["ab", "cd", "ef"]).repeat(32);
  return {
    action: pick(ACTIONS),
    outcome: pick(OUTCOMES),
    actor: pick([
      { type: "user", ref: person },
      { type: "service", id: pick(["ci", "cron"]) },
      { type: "anonymous" },
    ] as EntryFields["actor"][]),
    targets: [{ type: pick(["secret", "invoice"]), id: pick(["one", "two"]) }],
    metadata: { note: `${pick(WORDS)} ${pick(WORDS)}` },
    occurred_at: new Date(BEGAN_MS + random(80) * HOUR_MS).toISOString(),
  } as Partial<EntryFields>;
}

const VALUES: Record<string, readonly string[]> = {
  action: [...ACTIONS, "iam.*", "user.*", "nothing.such"],
  actor: ["service:ci", "id:cron", "anonymous", "type:service", `person:${"ab".repeat(32)}`],
  target: ["secret:one", "invoice:*", "invoice:two"],
  person: ["ab".repeat(32), "cd".repeat(32)],
  outcome: [...OUTCOMES],
  category: ["access", "authentication", "data"],
  text: WORDS,
};

export function randomFilter(random: (below: number) => number, most = 3): EntryFilter {
  const fields = Object.keys(VALUES);
  const clauses = Array.from({ length: random(most + 1) }, (): Clause => {
    const field = fields[random(fields.length)] as Clause["field"];
    const values = VALUES[field] as readonly string[];
    const anyOf = Array.from({ length: 1 + random(3) }, () => values[random(values.length)] as string);
    return { field, anyOf: [...new Set(anyOf)], not: random(3) === 0 };
  });
  const bound = () => (random(3) === 0 ? BEGAN_MS + random(80) * HOUR_MS : null);
  return { clauses, afterMs: bound(), beforeMs: bound() };
}

export interface IndexedDomain {
  domainId: string;
  rows: EntryRow[];
  ranges: ShardRange[];
  index: D1EntryIndex;
  deps: IndexDeps;
}

export function depsOf(domainId: string, ranges: readonly ShardRange[]): IndexDeps {
  return { ranges, shard: (name) => new D1IndexShard(shardOf(name), domainId), sha256 };
}

export const indexOf = (domainId: string, ranges: readonly ShardRange[], behind?: () => void) =>
  new D1EntryIndex(ranges, (name) => new EntryIndexShard(name, shardOf(name), domainId, sha256), behind);

/** Entries in the ledger, not indexed yet. */
export async function storedDomain(
  rows: number,
  random: (below: number) => number,
  ranges: ShardRange[] = [{ fromSeq: 0, shard: "LEDGER_00" }],
): Promise<IndexedDomain> {
  const domainId = newId("domain");
  const chain = chainOf(rows, { domain: domainId, fields: () => randomFields(random) });
  const ledger = new ShardedLedger(
    () => ranges,
    (name) => new D1LedgerStore(shardOf(name), domainId),
  );
  for (let at = 0; at < chain.length; at += 500) {
    await ledger.insert(chain.slice(at, at + 500), at === 0 ? (chain[0] as EntryRow).prevHash : null);
  }
  return { domainId, rows: chain, ranges, index: indexOf(domainId, ranges), deps: depsOf(domainId, ranges) };
}

export async function indexAll(deps: IndexDeps): Promise<number> {
  for (;;) {
    const { size, done } = await indexStep(deps);
    if (done) return size;
  }
}

export const payloadOf = ({ payload }: EntryRow) => JSON.parse(payload) as Payload;
const atOf = (row: EntryRow) => Date.parse(String(payloadOf(row).occurred_at));
export const isMatch = (filter: EntryFilter, row: EntryRow) => {
  const payload = payloadOf(row);
  return matches(filter, payload, categoryOf(payload.action));
};

/** Seqs of all that match, by looking at every entry. */
export function expected(rows: readonly EntryRow[], filter: EntryFilter, order: EntryOrder): number[] {
  const found = rows.filter((row) => isMatch(filter, row));
  found.sort((a, b) => atOf(a) - atOf(b) || a.seq - b.seq);
  if (order === "desc") found.reverse();
  return found.map(({ seq }) => seq);
}

/** Seqs of all pages put together, as a caller reads them, and how many pages that took. */
export async function readAll(
  index: D1EntryIndex,
  filter: EntryFilter,
  order: EntryOrder,
  limit: number,
): Promise<{ seqs: number[]; pages: number }> {
  const seqs: number[] = [];
  let pages = 0;
  let after: EntryPlace | null = null;
  do {
    const page = await index.page(filter, { order, after }, limit);
    if (page.rows.length > limit) throw new Error("a page is longer than it may be");
    seqs.push(...page.rows.filter((row) => isFound(filter, row)).map(({ seq }) => seq));
    after = page.scannedTo;
    if (++pages > 10_000) throw new Error("pages without an end");
  } while (after !== null);
  return { seqs, pages };
}

/** Every posting and sum of a domain in one shard, as text, and what these entries should have left there. */
export async function filed(
  domainId: string,
  rows: readonly EntryRow[],
  shard = "LEDGER_00",
): Promise<{ stored: string[]; wanted: string[] }> {
  const db = shardOf(shard);
  const number = "(SELECT number FROM audit_index WHERE domain_id = ?1)";
  const all = async (sql: string) => (await db.prepare(sql).bind(domainId).raw()).map((row) => row.join());
  const state = await new D1IndexShard(db, domainId).state();
  const { postings, sums } = indexed(rows, state?.salt ?? new Uint8Array(16), sha256);
  const stored = [
    ...(await all(`SELECT term, at, seq FROM audit_posting WHERE number = ${number}`)),
    ...(await all(`SELECT kind, day, value, count FROM audit_tally WHERE number = ${number}`)),
  ];
  return { stored: stored.sort(), wanted: [...postings, ...sums].map((row) => row.join()).sort() };
}
