/** Verifies a log over the network: what is read, what is compared, and which verdict follows. Reads as the policy. */
import type { Head, MoonsealClient } from "../../client/index.ts";
import { parseCheckpointNote } from "../../core/checkpoint.ts";
import type { Sha256 } from "../../core/sha256.ts";
import { type ChainFinding, compareHead } from "../../verifier/chain.ts";
import type { TrustPolicy } from "../../verifier/policy.ts";
import type { Verdict } from "../../verifier/report.ts";
import type { FetchTile } from "../../verifier/tiles/tile-reader.ts";
import { CliError, CODE } from "../io.ts";
import { allGone, firstKeptOf, type Gone, prefixOf, unclaimed } from "./gone.ts";
import type { HeadOnFile } from "./heads.ts";
import { judgeLogCheckpoint, type LogCheckpointReport, sizesToCompare } from "./log-checkpoint.ts";
import { walk } from "./walk.ts";

export interface VerifyRequest {
  domainId: string;
  /** First and last seq; default: from the remembered head (else 0) to the head. */
  from?: number | undefined;
  to?: number | undefined;
  /** From 0 on, also when a head is remembered. */
  full: boolean;
  remembered: HeadOnFile | null;
  /** The log's newest signed checkpoint, untrusted; null: the server shows none. */
  checkpoint: () => Promise<string | null>;
  /** Tiles of the log, for what is left of entries whose payloads are gone. Absent: there are none. */
  fetchTile?: FetchTile | undefined;
  policy: TrustPolicy;
  /** The policy was named for this run: then nothing is verified without a checkpoint that it trusts. */
  policyNamed: boolean;
}

export interface LogReport {
  domainId: string;
  verdict: Verdict;
  finding: ChainFinding | null;
  from: number;
  to: number;
  /** Entries recomputed here without a fault, from `first` on. */
  entries: number;
  first: number;
  /** Entries of the range whose payloads are gone; null: none are. */
  gone: Gone | null;
  head: Head;
  remembered: HeadOnFile | null;
  /** What stands behind the entries beside the server's word. */
  checkpoint: LogCheckpointReport;
  /** Whether the entry that the remembered head names was recomputed and is the same. */
  rememberedChecked: boolean;
  /** Whether the run went up to the head and is tied to the beginning of the log: then its head may be remembered. */
  headProved: boolean;
}

export async function verifyLog(
  client: Pick<MoonsealClient, "entries" | "head">,
  sha256: Sha256,
  request: VerifyRequest,
  signal: AbortSignal,
  onRows: (entries: number, total: number) => void = () => {},
): Promise<LogReport> {
  const { domainId, remembered } = request;
  const { head, note } = await headAndCheckpoint(client, request, signal);
  let roots: ReadonlyMap<number, Uint8Array> = new Map();
  let range = { from: request.from ?? 0, to: request.to ?? Math.max(0, head.size - 1) };
  const report = (verdict: Verdict, finding: ChainFinding | null, more: Partial<LogReport> = {}): LogReport => {
    const { policy } = request;
    const checkpoint = judgeLogCheckpoint(note, { domainId, size: head.size, roots, policy, of: "entries" });
    const base = {
      domainId,
      finding,
      ...range,
      entries: 0,
      first: range.from,
      gone: null,
      head,
      remembered,
      checkpoint,
    };
    const both = withCheckpoint(verdict, checkpoint, request);
    const whole = { ...base, rememberedChecked: false, headProved: false, ...more, verdict: both };
    // A head is remembered only of a log that nothing speaks against.
    return { ...whole, headProved: whole.headProved && verdict === "verified" && !SPEAKS_AGAINST.includes(both) };
  };

  const claimed = remembered && contradiction(remembered, head.size, new Map([[head.size - 1, head.entry_hash]]));
  if (claimed) return report("contradicts_remembered_head", claimed);
  if (head.size === 0) return report("refuted", { seq: 0, fault: "tail_cut", detail: "the log lacks even entry 0" });

  range = rangeOf(request, head);
  const { from, to } = range;
  const first = Math.max(from, firstKeptOf(head));
  if (first > to) throw allGone(from, to);
  const start = { seq: first, prevHash: first === 0 ? head.genesis : null };
  const watch = [head.size - 1, ...(remembered ? [remembered.size - 1] : [])];
  const rootsOf = sizesToCompare(note, request.policy);
  const behind = { size: first, roots: rootsOf, hashOf: remembered ? remembered.size - 1 : null };
  const found = first > from ? await prefixOf(note, behind, sha256, request.fetchTile) : null;
  if (found && "fault" in found) return report("refuted", found.fault, { first });
  const prefix = found?.prefix ?? null;
  const walked = await walk(client, sha256, { domainId, start, to, watch, rootsOf, prefix }, signal, (n) =>
    onRows(n, to - first + 1),
  );
  const { entries, nextSeq } = walked;
  const hashes = new Map([...(prefix?.hashes ?? []), ...walked.hashes]);
  roots = new Map([...(prefix?.roots ?? []), ...walked.roots]);
  let { finding } = walked;
  let gone: Gone | null = null;
  if (first > from && !finding) {
    const rest = { domainId, start: { seq: nextSeq, prevHash: null }, to: head.size - 1, watch: [] };
    const claims = to < head.size - 1 ? (await walk(client, sha256, rest, signal)).claims : [];
    const claim = [...walked.claims, ...claims].find(({ firstKept }) => firstKept >= first) ?? null;
    if (claim === null) finding = unclaimed(from, first);
    else gone = { from, through: first - 1, claim, underRoot: prefix !== null };
  }

  // A contradiction says more than a fault: somebody showed us another log before.
  if (remembered && finding?.fault === "tail_cut" && nextSeq < remembered.size) {
    const detail = `${finding.detail}; the log had ${remembered.size} entries when it was last seen`;
    return report("contradicts_remembered_head", { ...finding, detail }, { entries, first });
  }
  const contradicted = remembered && contradiction(remembered, head.size, hashes);
  if (contradicted) return report("contradicts_remembered_head", contradicted, { entries, first });
  if (finding) return report("refuted", finding, { entries, first });
  const last = hashes.get(head.size - 1);
  if (last !== undefined && last !== head.entry_hash) {
    const detail = "the last entry is not the one that the server's own head names";
    return report("refuted", { seq: head.size - 1, fault: "head_mismatch", detail }, { entries, first });
  }
  const rememberedChecked = remembered !== null && hashes.has(remembered.size - 1);
  const isTied = from === 0 && (first === 0 || prefix !== null);
  const headProved = last !== undefined && (isTied || rememberedChecked);
  return report("verified", null, { entries, first, gone, rememberedChecked, headProved });
}

/** The checkpoint is asked for after the head, so it may cover more; then the head is asked for again, and must cover that. */
async function headAndCheckpoint(
  client: Pick<MoonsealClient, "head">,
  { domainId, checkpoint }: VerifyRequest,
  signal: AbortSignal,
): Promise<{ head: Head; note: string | null }> {
  const head = checkHead(await client.head(domainId, { signal }), domainId);
  const note = await checkpoint();
  const covered = (note && parseCheckpointNote(note)?.checkpoint.size) || 0;
  if (covered <= head.size) return { head, note };
  return { head: checkHead(await client.head(domainId, { signal }), domainId), note };
}

const SPEAKS_AGAINST: readonly Verdict[] = ["refuted", "contradicts_remembered_head"];

/** What the entries say counts first, then what the checkpoint says against them; that none is trusted, where one was asked for. */
function withCheckpoint(verdict: Verdict, checkpoint: LogCheckpointReport, { policyNamed }: VerifyRequest): Verdict {
  if (verdict !== "verified") return verdict;
  return checkpoint.verdict === "could_not_check" && !policyNamed ? "verified" : checkpoint.verdict;
}

/** Only what is known: a seq that was not read contradicts nothing. */
function contradiction(remembered: HeadOnFile, size: number, hashes: Map<number, string>): ChainFinding | null {
  const seq = remembered.size - 1;
  if (size >= remembered.size && !hashes.has(seq)) return null;
  return compareHead({ size: remembered.size, entryHash: remembered.entry_hash }, size, (at) => hashes.get(at));
}

/** A log that was cut contradicted the remembered head before this; here the head is at least as long. */
function rangeOf({ from, to, full, remembered }: VerifyRequest, head: Head): { from: number; to: number } {
  const last = to ?? head.size - 1;
  const known = remembered && !full ? remembered.size - 1 : 0;
  const first = from ?? (known <= last ? known : 0);
  if (first > last) throw new CliError(`nothing to verify: entry ${first} comes after entry ${last}`);
  if (last < head.size) return { from: first, to: last };
  const size = `the log has ${head.size} entries, the last one is ${head.size - 1}`;
  throw new CliError(`could not check: ${size}`, CODE.unreachable);
}

/** The head is untrusted like every answer. */
function checkHead(head: Head, domainId: string): Head {
  const hash = (text: unknown) => typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
  const good = Number.isSafeInteger(head?.size) && head.size >= 0 && hash(head.entry_hash) && hash(head.genesis);
  if (good && head.domain_id === domainId) return head;
  throw new CliError("could not check: the server's answer is not a head of this log", CODE.unreachable);
}
