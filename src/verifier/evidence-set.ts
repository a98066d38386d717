/**
 * Verifies evidence for many entries (SPEC.md §13), offline: every payload over entry hash, leaf and root to the signed
 * checkpoint and its witnesses. A `range` is complete, and proved to be; a `selection` says nothing about other entries.
 */
import { equalBytes } from "../core/bytes.ts";
import type { Checkpoint } from "../core/checkpoint.ts";
import { countOf, type EvidenceSet, parseEvidenceSet, type SetProof } from "../core/evidence-set.ts";
import { type CheckpointStep, entries, judgeCheckpoint } from "./checkpoint-steps.ts";
import type { TrustPolicy } from "./policy.ts";
import { type Platform, reportOfOneStep, type Step, StepList, type VerifierReport } from "./report.ts";
import { SetFold } from "./set-fold.ts";

type StepName = "format" | SetStep | CheckpointStep;
export type SetStep = "entries" | "inclusion";
type SetSteps = Pick<StepList<SetStep>, "check" | "skip">;
export type EvidenceSetStep = Step<StepName>;

export interface EvidenceSetReport extends VerifierReport {
  kind: "evidence_set";
  /** Only when it is proved, witnessed or not. */
  set: { origin: string; proof: SetProof; payloads: string[] } | null;
}

/** Untrusted text in, report out; never throws. O(bytes). */
export function verifyEvidenceSet(text: string, policy: TrustPolicy, platform: Platform): EvidenceSetReport {
  const set = parseEvidenceSet(text);
  if (!set) return malformed();
  const list = new StepList<StepName>();
  list.check("format", null, "the file is an evidence set of version 1");
  const signed = new StepList<CheckpointStep>();
  const judged = judgeCheckpoint(signed, set.checkpoint, policy, platform, { current: false });
  const { claimed } = judged;
  if (claimed) stepsOfSet(list, foldOf(set, claimed, platform.sha256), set.proof, claimed);
  else skipSet(list);
  list.steps.push(...signed.steps);
  const verdict = judged.conclude(list.failed("witnesses", "remembered"));
  const proven = claimed && (verdict === "verified" || verdict === "not_witnessed");
  return {
    kind: "evidence_set",
    subject: `${describeSet(set.proof)} of ${claimed?.origin ?? "a log that cannot be read"}`,
    verdict,
    steps: list.steps,
    notChecked: [...judged.notChecked, ...notCheckedOf(set.proof, claimed)],
    advice: judged.advice,
    heads: judged.heads,
    set: proven ? { origin: claimed.origin, proof: set.proof, payloads: set.payloads } : null,
  };
}

function foldOf({ proof, payloads }: EvidenceSet, claimed: Checkpoint, sha256: Platform["sha256"]): SetFold {
  const fold = new SetFold(sha256, proof, { domainId: domainOf(claimed.origin), size: claimed.size });
  for (const payload of payloads) fold.feed(payload);
  return fold;
}

/** The origin ends with the domain's id, so that entries cannot be shown as those of another log. */
export const domainOf = (origin: string): string => origin.slice(origin.lastIndexOf("/") + 1);

/** The steps about the entries, once all of them were fed. */
export function stepsOfSet(list: SetSteps, fold: SetFold, proof: SetProof, claimed: Checkpoint): void {
  const count = countOf(proof);
  const which = count === 1 ? "the entry is" : `each of the ${count} entries is`;
  const follows = proof.kind === "range" ? ", and follows the one before" : "";
  list.check(
    "entries",
    fold.fault,
    `${which} the one canonical spelling of itself, says that it is that entry of this log${follows}; the hashes were computed here`,
  );
  const root = fold.root();
  const included = root !== null && equalBytes(root, claimed.root);
  const tree = `the tree of ${entries(claimed.size)} under the root of the checkpoint`;
  list.check(
    "inclusion",
    included ? null : "the hashes do not lead from these entries to the root of the checkpoint",
    proof.kind === "range"
      ? `these are exactly the entries ${proof.from} to ${proof.to} of ${tree}: none is left out, none is put in`
      : `each of these entries is in ${tree}`,
  );
}

export function skipSet(list: SetSteps): void {
  list.skip("entries", "the checkpoint does not say of which log they are");
  list.skip("inclusion", "there is no root to compare with");
}

export function describeSet(proof: SetProof): string {
  if (proof.kind === "range") return `all entries from ${proof.from} to ${proof.to}`;
  return `a selection of ${entries(proof.entries.length)}`;
}

/** What a good verdict says nothing about, of the entries. */
export function notCheckedOf(proof: SetProof, claimed: Checkpoint | null): string[] {
  const truth = "whether what the entries say is true";
  if (proof.kind === "selection") {
    return [
      "anything about other entries: how many there are, and whether they should stand here too; a selection is never complete, whatever it was made for",
      truth,
    ];
  }
  const before = proof.from > 0 ? [`the entries before ${proof.from}`] : [];
  const after =
    claimed && proof.to === claimed.size - 1
      ? `whether entries came after ${proof.to}: the checkpoint was signed before them`
      : `the entries after ${proof.to}`;
  return [...before, after, truth];
}

function malformed(): EvidenceSetReport {
  const fault = "this is not an evidence set (moonseal/evidence-set/v1) in its one spelling";
  return {
    ...reportOfOneStep("evidence_set", "evidence for many entries", "refuted", fault),
    kind: "evidence_set",
    set: null,
  };
}
