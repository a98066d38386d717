/** Reads a range of rows over the network, recomputes each one here and notes the hashes that heads are compared with. */
import type { Entry, EntryPage, MoonsealClient } from "../../client/index.ts";
import { equalBytes, fromHex } from "../../core/bytes.ts";
import { type ExpiryClaim, expiryClaim } from "../../core/expired.ts";
import { LIMITS } from "../../core/limits.ts";
import { Frontier, leafHash } from "../../core/merkle/tree.ts";
import type { Sha256 } from "../../core/sha256.ts";
import { type ChainFinding, type ChainRow, type ChainStart, ChainVerifier } from "../../verifier/chain.ts";
import { CliError, CODE } from "../io.ts";
import type { GonePrefix } from "./gone.ts";

export interface WalkPlan {
  domainId: string;
  start: ChainStart;
  /** Last seq to read. */
  to: number;
  /** Seqs whose hashes the result shall tell. */
  watch: readonly number[];
  /** Sizes of the tree whose roots the result shall tell; only from seq 0 on, or behind a prefix. */
  rootsOf?: readonly number[];
  /** What is known of the entries before `start`, whose payloads are gone. */
  prefix?: Pick<GonePrefix, "frontier" | "lastLeaf"> | null;
}

export interface WalkResult {
  /** The first row that is not what it should be; `null` when all are. */
  finding: ChainFinding | null;
  /** Rows recomputed without a fault. */
  entries: number;
  /** The seq after the last good row. */
  nextSeq: number;
  /** The hashes of the good rows among `watch`. */
  hashes: Map<number, string>;
  /** RFC 6962, over the good rows, and what was known of those before. */
  roots: Map<number, Uint8Array>;
  /** What the good rows say of payloads that are gone by policy. */
  claims: ExpiryClaim[];
}

/**
 * Every row from `start.seq` to `to`, all untrusted. Rows that stop early are a finding, since the caller knows from the head
 * that they must exist. Throws when no answer comes, or one that is not of this API.
 */
export async function walk(
  client: Pick<MoonsealClient, "entries">,
  sha256: Sha256,
  plan: WalkPlan,
  signal: AbortSignal,
  onRows: (entries: number) => void = () => {},
): Promise<WalkResult> {
  const verifier = new ChainVerifier(sha256, plan.domainId, plan.start);
  const hashes = new Map<number, string>();
  const roots = new Map<number, Uint8Array>();
  const claims: ExpiryClaim[] = [];
  const { prefix = null } = plan;
  const rootsOf = plan.start.seq === 0 || prefix ? (plan.rootsOf ?? []) : [];
  const largest = Math.max(0, ...rootsOf);
  const frontier = prefix?.frontier.copy() ?? new Frontier(sha256);
  const result = (finding: ChainFinding | null): WalkResult => ({
    finding,
    entries: verifier.entries,
    nextSeq: verifier.position.seq,
    hashes,
    roots,
    claims,
  });
  let cursor: string | undefined;
  do {
    const page = await readPage(client, plan, cursor, signal);
    for (const entry of page.entries) {
      if (verifier.position.seq > plan.to) return result(null);
      const row = toRow(entry);
      const isFirst = verifier.entries === 0 && row?.seq === plan.start.seq;
      const joins = !prefix || !isFirst || followsPrefix(row as ChainRow, prefix, sha256);
      if (!joins) return result(doesNotFollow(verifier.position.seq));
      const finding = row ? verifier.feed(row) : malformedRow(verifier.position.seq);
      if (finding) return result(finding);
      if (!row) continue;
      const claim = expiryClaim(row.payload, plan.domainId);
      if (claim) claims.push(claim);
      if (plan.watch.includes(row.seq)) hashes.set(row.seq, row.entryHash);
      if (row.seq >= largest) continue;
      frontier.append(leafHash(sha256, fromHex(row.entryHash) ?? new Uint8Array()));
      if (rootsOf.includes(frontier.size)) roots.set(frontier.size, frontier.root());
    }
    onRows(verifier.entries);
    // A page without entries ends the walk whatever it says about more: a server must not keep us busy for ever.
    cursor = page.has_more && page.entries.length > 0 ? (page.next_cursor ?? undefined) : undefined;
  } while (cursor !== undefined);
  return result(verifier.position.seq > plan.to ? null : rowsEnd(verifier.position.seq, plan.to));
}

async function readPage(
  client: Pick<MoonsealClient, "entries">,
  plan: WalkPlan,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<EntryPage<"text">> {
  // The head may be ahead of the queryable copy, so the first page waits for it. A cursor stands for the whole question.
  const place =
    cursor === undefined
      ? ({ order: "asc", from: plan.start.seq, to: plan.to, consistency: "latest" } as const)
      : { cursor };
  const page = await client.entries(
    plan.domainId,
    { ...place, limit: LIMITS.pageEntries, payload: "text" },
    { signal },
  );
  if (!Array.isArray(page?.entries) || page.entries.some((entry) => typeof entry?.payload !== "string")) {
    throw new CliError(
      "could not check: the server's answer is not a page of entries with their text",
      CODE.unreachable,
    );
  }
  return page;
}

function toRow({ seq, id, prev_hash, entry_hash, payload }: Entry<"text">): ChainRow | null {
  const texts = [id, prev_hash, entry_hash].every((field) => typeof field === "string");
  return texts && Number.isSafeInteger(seq) ? { seq, id, prevHash: prev_hash, entryHash: entry_hash, payload } : null;
}

/** The hash before the first row that is there is a leaf of the tree. */
function followsPrefix({ prevHash }: ChainRow, { lastLeaf }: Pick<GonePrefix, "lastLeaf">, sha256: Sha256): boolean {
  return equalBytes(leafHash(sha256, fromHex(prevHash) ?? new Uint8Array()), lastLeaf);
}

const doesNotFollow = (seq: number): ChainFinding => ({
  seq,
  fault: "prev_hash_mismatch",
  detail: `entry ${seq} does not follow entry ${seq - 1}, whose hash is under the root`,
});

const malformedRow = (seq: number): ChainFinding => ({
  seq,
  fault: "column_mismatch",
  detail: "the row lacks what every row has",
});

const rowsEnd = (seq: number, to: number): ChainFinding => ({
  seq,
  fault: "tail_cut",
  detail: `the server's head counts entry ${to}, but the rows end before entry ${seq}`,
});
