/**
 * Verifies the evidence of a fork (SPEC.md §15), offline: two checkpoints that the log signed and that no single history can
 * have. A log that never showed two histories cannot be accused: that needs its key, or a collision of SHA-256.
 */
import { equalBytes, toBase64 } from "../core/bytes.ts";
import type { Checkpoint } from "../core/checkpoint.ts";
import { parseCheckpointNote } from "../core/checkpoint.ts";
import { type Contradiction, type ForkEvidence, type ForkSide, parseForkEvidence } from "../core/fork-evidence.ts";
import { checkConsistency } from "../core/merkle/consistency.ts";
import { rootOfNode } from "../core/merkle/node-proof.ts";
import { leafHash } from "../core/merkle/tree.ts";
import type { Sha256 } from "../core/sha256.ts";
import { CHECKPOINT_FAULT, type CheckpointVerdict, verifyCheckpoint } from "./checkpoint.ts";
import { entries, keyAdvice } from "./checkpoint-steps.ts";
import { rememberedHead, type TrustPolicy } from "./policy.ts";
import { type Platform, type Step, StepList, type VerifierReport } from "./report.ts";

type StepName = "format" | "first" | "second" | "place_first" | "place_second" | "remembered" | "history";
type Heads = readonly [Checkpoint, Checkpoint];

export interface ForkReport extends VerifierReport {
  kind: "fork";
  steps: Step<StepName>[];
  /** Whether the log is proved to have misbehaved. Then, and only then, the verdict is `refuted`: it is about the log. */
  misbehaved: boolean;
}

/**
 * Untrusted text in, report out; never throws. Anything short of a proof is `could_not_check`: a broken accusation says
 * nothing against the log.
 */
export function verifyFork(text: string, policy: TrustPolicy, platform: Platform): ForkReport {
  const { sha256 } = platform;
  const list = new StepList<StepName>();
  const evidence = parseForkEvidence(text);
  const isEvidence = "the file is evidence of a fork: two checkpoints, and where they contradict each other";
  const unknown = "this is not evidence of a fork (moonseal/fork/v1) in its one spelling";
  if (!list.check("format", evidence ? null : unknown, isEvidence) || !evidence) return refused(list, null);
  const heads = evidence.checkpoints.map((note) => parseCheckpointNote(note)?.checkpoint) as unknown as Heads;
  const verdicts = evidence.checkpoints.map((note) => verifyCheckpoint(note, policy, platform));
  for (const [i, verdict] of verdicts.entries()) stepOfCheckpoint(list, i === 0 ? "first" : "second", verdict);
  stepsOfPlace(list, evidence.contradiction, heads, sha256);
  stepOfRemembered(list, heads, policy);
  if (list.steps.some(({ step, status }) => step !== "remembered" && status !== "ok")) return refused(list, heads);
  const same = sameHistory(evidence, heads);
  if (same !== null) {
    list.skip("history", same);
    return refused(list, heads);
  }
  list.check("history", contradictionText(evidence.contradiction, heads), "");
  return proved(list, heads[0].origin);
}

function stepOfCheckpoint(list: StepList<StepName>, step: "first" | "second", verdict: CheckpointVerdict): void {
  if (verdict.ok) {
    const { checkpoint, witnesses } = verdict;
    const { origin, size, root } = checkpoint;
    const seen = witnesses.length > 0 ? `; cosigned by ${witnesses.map(({ name }) => name).join(", ")}` : "";
    const signed = `a key that you trust for ${origin} signed that the log has ${entries(size)} with the root ${toBase64(root)}`;
    list.check(step, null, signed + seen);
    return;
  }
  const words = `${CHECKPOINT_FAULT[verdict.fault]}${verdict.claimed ? `: ${verdict.claimed.origin}` : ""}`;
  if (verdict.fault === "origin_unknown") list.skip(step, words);
  else list.check(step, words, "");
}

/** That what the evidence shows of each tree is there, under the root of its checkpoint. */
function stepsOfPlace(list: StepList<StepName>, contradiction: Contradiction, heads: Heads, sha256: Sha256): void {
  if (contradiction.kind === "same_size") return;
  if (contradiction.kind === "prefix") return stepOfPrefix(list, contradiction, heads, sha256);
  const { kind, index } = contradiction;
  const node = { level: kind === "leaf" ? 0 : contradiction.level, index };
  const what = describePlace(contradiction);
  for (const [i, head] of heads.entries()) {
    const { value, hashes } = contradiction.sides[i] as ForkSide;
    const hash = kind === "leaf" ? leafHash(sha256, value) : value;
    const root = rootOfNode(sha256, node, head.size, hash, hashes);
    const fits = root !== null && equalBytes(root, head.root);
    const fault = fits ? null : `the hashes do not lead from ${what} to the root of this checkpoint`;
    list.check(i === 0 ? "place_first" : "place_second", fault, `under this root, ${what} is ${toBase64(value)}`);
  }
}

function stepOfPrefix(
  list: StepList<StepName>,
  { root, hashes }: Extract<Contradiction, { kind: "prefix" }>,
  [first, second]: Heads,
  sha256: Sha256,
): void {
  const grew = first.size < second.size && checkConsistency(sha256, first.size, second.size, hashes, root, second.root);
  const fault = grew ? null : "the hashes do not lead from this beginning to the root of the second checkpoint";
  list.check(
    "place_second",
    fault,
    `under the second root, the first ${entries(first.size)} have the root ${toBase64(root)}`,
  );
}

function stepOfRemembered(list: StepList<StepName>, heads: Heads, policy: TrustPolicy): void {
  const remembered = rememberedHead(policy, heads[0].origin);
  const which = heads.findIndex(({ size, root }) => size === remembered?.size && toBase64(root) === remembered.root);
  if (!remembered) return;
  if (which < 0)
    list.skip("remembered", `you remember a head of ${entries(remembered.size)}, which is neither of the two`);
  else list.check("remembered", null, `the ${which === 0 ? "first" : "second"} is the head that you remember`);
}

/** Why the two may be one history after all; null: they cannot. */
function sameHistory({ contradiction }: ForkEvidence, [first, second]: Heads): string | null {
  if (first.origin !== second.origin) return "the checkpoints are of two logs: each may be honest";
  if (contradiction.kind === "same_size") {
    if (first.size !== second.size) return "the checkpoints have different sizes: a log may grow from one to the other";
    return equalBytes(first.root, second.root) ? "both checkpoints have the same size and root" : null;
  }
  if (contradiction.kind === "prefix") {
    return equalBytes(contradiction.root, first.root) ? "the second tree begins with the first" : null;
  }
  const [one, other] = contradiction.sides;
  return equalBytes(one.value, other.value) ? `${describePlace(contradiction)} is the same in both` : null;
}

function contradictionText(contradiction: Contradiction, [{ size }]: Heads): string {
  if (contradiction.kind === "same_size") {
    return `the log signed two roots for the same ${entries(size)}: it has shown two histories`;
  }
  if (contradiction.kind === "prefix") {
    return `the log signed a root for ${entries(size)}, and then a tree whose first ${entries(size)} have another: it has shown two histories`;
  }
  return `the log signed two trees in which ${describePlace(contradiction)} differs: it has shown two histories`;
}

function describePlace(contradiction: Extract<Contradiction, { sides: unknown }>): string {
  if (contradiction.kind === "leaf") return `leaf ${contradiction.index}`;
  const count = 2 ** contradiction.level;
  const from = contradiction.index * count;
  return count === 1 ? `the hash of leaf ${from}` : `the hash over leaves ${from} to ${from + count - 1}`;
}

function proved(list: StepList<StepName>, origin: string): ForkReport {
  return {
    kind: "fork",
    subject: `PROOF OF MISBEHAVIOUR: ${origin} has shown two histories`,
    verdict: "refuted",
    misbehaved: true,
    steps: list.steps,
    notChecked: [
      "which of the two histories is the true one, if any is",
      "who did it: whoever held the log's key, or could make the log sign",
    ],
    advice: [
      "keep this file and show it to others who follow this log, and to its witnesses: it convinces everybody who trusts the log's key",
      "trust no new entry of this log; evidence that you hold stays what it is: each proves one of the two histories",
    ],
    // Both are in this file: nothing is left to be compared with those of other files.
    heads: [],
  };
}

function refused(list: StepList<StepName>, heads: Heads | null): ForkReport {
  const untrusted = list.steps.some(({ step, status }) => /^(first|second)$/.test(step) && status === "not_checked");
  const about = heads ? ` against ${heads[0].origin}` : "";
  return {
    kind: "fork",
    subject: `an accusation${about} that is not proved: this file shows no misbehaviour`,
    verdict: "could_not_check",
    misbehaved: false,
    steps: list.steps,
    notChecked: ["whether the log has shown two histories: this file does not tell"],
    advice: untrusted && heads ? keyAdvice(heads[0]) : [],
    heads: [],
  };
}
