/**
 * `verify --bucket DIR`: each log of a copy of R2 LOG, offline: segments, chain, root, checkpoint, key. What was pruned from the
 * queryable store is in the archive as everything else; of what has expired the hashes are left, and are counted as such.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseCheckpointNote } from "../../core/checkpoint.ts";
import { Frontier, leafHash } from "../../core/merkle/tree.ts";
import { entries } from "../../verifier/checkpoint-steps.ts";
import type { TrustPolicy } from "../../verifier/policy.ts";
import {
  EXIT_OF_VERDICT,
  type Step,
  StepList,
  type Verdict,
  type VerifierReport,
  worstVerdict,
} from "../../verifier/report.ts";
import { CliError, type Io } from "../io.ts";
import { line, safeText } from "../text.ts";
import { bundledIn, logsIn, startsIn, walkSegments } from "./bucket-entries.ts";
import { judgeLogCheckpoint, sizesToCompare } from "./log-checkpoint.ts";
import { printReport, reportJson } from "./print.ts";
import { NODE, readTrust } from "./trust.ts";

export interface VerifyBucketRequest {
  folder: string;
  /** One log of it; undefined: all. */
  domainId: string | undefined;
  policy: string | undefined;
  keys: readonly string[];
  json: boolean;
}

/** The exit code: of several logs that of the worst. Throws `CliError` for a folder that holds no log. */
export async function verifyBucket(io: Io, request: VerifyBucketRequest): Promise<number> {
  const { folder, domainId, json } = request;
  const trust = await readTrust(io, request.policy, request.keys);
  const found = await logsIn(folder);
  const logs = domainId === undefined ? found : found.filter((log) => log === domainId);
  if (logs.length === 0) throw new CliError(`${safeText(folder)} has no log under audit/ and tlog/`);
  const verdicts: Verdict[] = [];
  for (const [i, log] of logs.entries()) {
    const report = await bucketReport(folder, log, trust.policy);
    verdicts.push(report.verdict);
    if (json) line(io.stdout, reportJson({ file: folder, report }, trust.source));
    else {
      if (i > 0) line(io.stdout);
      printReport(io, { file: folder, report }, trust.source);
    }
  }
  return EXIT_OF_VERDICT[worstVerdict(verdicts)];
}

type BucketStep = "segments" | "hashes";

/** One log. Memory: one segment. */
export async function bucketReport(folder: string, domainId: string, policy: TrustPolicy): Promise<VerifierReport> {
  const note = await readFile(join(folder, "tlog", domainId, "checkpoint"), "utf8").catch(() => null);
  const signed = (note === null ? undefined : parseCheckpointNote(note)?.checkpoint.size) ?? 0;
  const firstKept = (await startsIn(folder, domainId))[0] ?? 0;
  const list = new StepList<BucketStep>();
  const tree = new Roots(sizesToCompare(note, policy));
  const expired = await bundledIn(folder, domainId, { fromSeq: 0, toSeq: firstKept, size: signed });
  if (!expired) return withoutHashes(domainId, firstKept, note, policy);
  for (const hash of expired) tree.add(hash);
  const walked = await walkSegments(folder, domainId, expired.at(-1) ?? null, (hash) => tree.add(hash));
  const { size, segments } = walked;
  list.check(
    "segments",
    segments === 0 ? "there is no segment of this log" : walked.fault,
    `entries ${firstKept} to ${size - 1} in ${segments} segments, each the canonical payload that its hash commits to`,
  );
  if (firstKept > 0) list.check("hashes", null, `of the first ${entries(firstKept)} the hashes are left`);
  const waiting = await bundledIn(folder, domainId, { fromSeq: size, toSeq: Math.max(size, signed), size: signed });
  for (const hash of walked.fault === null ? (waiting ?? []) : []) tree.add(hash);
  const judged = judgeLogCheckpoint(note, {
    ...{ domainId, size: Math.max(size, waiting ? signed : 0), roots: tree.roots, policy, of: "entries" },
  });
  const steps: Step[] = [...list.steps, ...judged.steps];
  return {
    kind: "bucket",
    subject: `${domainId}, ${entries(Math.max(size, tree.size))} in its bucket`,
    verdict: list.failed() ? worstVerdict(["refuted", judged.verdict]) : judged.verdict,
    steps,
    notChecked: [...judged.notChecked, ...withoutPayload(firstKept, size, signed)],
    advice: judged.advice,
    heads: judged.heads,
  };
}

/** The first payload that is left cannot be hashed without the hash before it. */
function withoutHashes(domainId: string, firstKept: number, note: string | null, policy: TrustPolicy): VerifierReport {
  const list = new StepList<BucketStep>();
  list.skip("segments", `they begin with entry ${firstKept}, and the hash that it follows is not here`);
  list.skip("hashes", `the hashes of the first ${entries(firstKept)}, whose payloads are gone, are not here`);
  const none = new Map<number, Uint8Array>();
  const judged = judgeLogCheckpoint(note, {
    domainId,
    size: Number.MAX_SAFE_INTEGER,
    roots: none,
    policy,
    of: "entries",
  });
  return {
    kind: "bucket",
    subject: `${domainId}, its bucket from entry ${firstKept} on`,
    verdict: worstVerdict(["could_not_check", judged.verdict]),
    steps: [...list.steps, ...judged.steps],
    notChecked: judged.notChecked,
    advice: [`have the folder tlog/${domainId} copied too`, ...judged.advice],
    heads: judged.heads,
  };
}

function withoutPayload(firstKept: number, size: number, signed: number): string[] {
  const gone = firstKept === 0 ? [] : [`what entries 0 to ${firstKept - 1} said: their payloads have expired`];
  const late =
    signed > size ? [`what entries ${size} to ${signed - 1} said: they were signed and not archived yet`] : [];
  return [...gone, ...late, "private values: they are sealed, and their keys are in another bucket"];
}

/** The roots at the sizes that are asked for, while the leaves come by. */
class Roots {
  readonly roots = new Map<number, Uint8Array>();
  readonly #sizes: ReadonlySet<number>;
  readonly #frontier = new Frontier(NODE.sha256);

  constructor(sizes: readonly number[]) {
    this.#sizes = new Set(sizes);
  }

  get size(): number {
    return this.#frontier.size;
  }

  add(hash: Uint8Array): void {
    this.#frontier.append(leafHash(NODE.sha256, hash));
    const { size } = this.#frontier;
    if (this.#sizes.has(size)) this.roots.set(size, this.#frontier.root());
  }
}
