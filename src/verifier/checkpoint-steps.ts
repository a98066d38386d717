/** The steps that everything with a checkpoint in it shares: who signed it, who witnessed it, what is remembered of the log. */
import { toBase64 } from "../core/bytes.ts";
import type { Checkpoint } from "../core/checkpoint.ts";
import {
  CHECKPOINT_FAULT,
  type CheckpointVerdict,
  compareRemembered,
  verifyCheckpoint,
  type WitnessSighting,
} from "./checkpoint.ts";
import { rememberedHead, type TrustPolicy } from "./policy.ts";
import type { SignatureChecks, SignedHead, StepList, Verdict } from "./report.ts";

export type CheckpointStep = "checkpoint" | "witnesses" | "remembered";

export interface JudgedCheckpoint {
  verdict: CheckpointVerdict;
  /** What the checkpoint says, whether or not anybody trusted signed it; null when it cannot be read. */
  claimed: Checkpoint | null;
  heads: SignedHead[];
  notChecked: string[];
  advice: string[];
  /** The verdict of the whole, given whether any step failed but those of this file that have verdicts of their own. */
  conclude(failed: boolean): Verdict;
}

/**
 * Takes the steps `checkpoint`, `witnesses` and `remembered` about an untrusted checkpoint. `current`: it was handed out as
 * the log's present head, so that one before the remembered head is a contradiction; a proof of years ago is none.
 */
export function judgeCheckpoint(
  list: StepList<CheckpointStep>,
  text: string,
  policy: TrustPolicy,
  checks: SignatureChecks,
  { current }: { current: boolean },
): JudgedCheckpoint {
  const verdict = verifyCheckpoint(text, policy, checks);
  if (!verdict.ok) return judgeUnsigned(list, verdict);
  const { checkpoint, independent } = verdict;
  const { origin, size, root } = checkpoint;
  const proves = `a key that you trust for ${origin} signed that the log has ${entries(size)} with this root`;
  list.check("checkpoint", null, proves);
  const notChecked = stepOfWitnesses(list, verdict, policy);
  const contradicts = stepOfRemembered(list, checkpoint, policy, current);
  return {
    verdict,
    claimed: checkpoint,
    heads: [{ origin, size, root: toBase64(root) }],
    notChecked,
    advice: contradicts ? [CONTRADICTION_ADVICE] : independent < policy.required ? [WITNESS_ADVICE] : [],
    conclude(failed) {
      // A contradiction says more than a fault: somebody showed us another log before.
      if (contradicts) return "contradicts_remembered_head";
      if (failed) return "refuted";
      return independent >= policy.required ? "verified" : "not_witnessed";
    },
  };
}

function judgeUnsigned(list: StepList<CheckpointStep>, verdict: CheckpointVerdict & { ok: false }): JudgedCheckpoint {
  const { fault, claimed } = verdict;
  const unknown = fault === "origin_unknown";
  const words = `${CHECKPOINT_FAULT[fault]}${claimed ? `: ${claimed.origin}` : ""}`;
  if (unknown) list.skip("checkpoint", words);
  else if (fault === "cosignature_wrong")
    list.check("checkpoint", null, `a key that you trust for ${claimed?.origin} signed it`);
  else list.check("checkpoint", words, "");
  if (fault === "cosignature_wrong") list.check("witnesses", words, "");
  else list.skip("witnesses", "no checkpoint stands here that a log key which you trust has signed");
  return {
    verdict,
    claimed,
    heads: [],
    notChecked: ["who signed the checkpoint: no signature that you trust stands behind it", NOT_WITNESSED],
    advice: unknown ? keyAdvice(claimed) : fault === "log_key_missing" ? [ROTATED_ADVICE] : [],
    conclude: (failed) => (failed || !unknown ? "refuted" : "could_not_check"),
  };
}

/** Returns what was not checked about other histories. */
function stepOfWitnesses(
  list: StepList<CheckpointStep>,
  { witnesses, independent, postQuantum }: CheckpointVerdict & { ok: true },
  { required }: TrustPolicy,
): string[] {
  if (independent < required) {
    const fault = `${independent} of the ${required} independent witnesses that the policy requires cosigned`;
    list.check("witnesses", fault, "");
    return [NOT_WITNESSED];
  }
  const own = witnesses.filter((witness) => !witness.independent);
  if (independent === 0) {
    const beside = own.length > 0 ? ` (${names(own)} belongs to the log's operator)` : "";
    list.skip("witnesses", `not independently witnessed${beside}; post-quantum: no`);
    return [NOT_WITNESSED];
  }
  const seen = names(witnesses.filter((witness) => witness.independent));
  const many = independent === 1 ? "witness" : "witnesses";
  // Yes only when the policy would be met without Ed25519: whoever broke that could add any number of its signatures.
  const stands = postQuantum >= Math.max(1, required) ? "yes" : "no";
  list.check("witnesses", null, `${independent} independent ${many} saw this tree: ${seen}; post-quantum: ${stands}`);
  return [];
}

/** Each name once, with its algorithms and the time of its first signature. */
function names(sightings: readonly WitnessSighting[]): string {
  const said = [...new Set(sightings.map(({ name }) => name))].map((name) => {
    const own = sightings.filter((sighting) => sighting.name === name);
    const algorithms = [...new Set(own.map(({ algorithm }) => algorithm))].join(" and ");
    return `${name} (${algorithms})${at(own[0]?.timestamp ?? 0)}`;
  });
  return said.join(", ");
}

/** Whether the checkpoint contradicts what is remembered. Without anything remembered there is no step. */
function stepOfRemembered(
  list: StepList<CheckpointStep>,
  checkpoint: Checkpoint,
  policy: TrustPolicy,
  current: boolean,
): boolean {
  const remembered = rememberedHead(policy, checkpoint.origin);
  const compared = compareRemembered(policy, checkpoint);
  const { size } = checkpoint;
  if (!remembered || compared === "nothing_remembered") return false;
  if (compared === "same") {
    list.check("remembered", null, `it is the head that you remember, of ${entries(size)}`);
    return false;
  }
  if (compared === "contradiction") {
    const fault = `you remember another root for the same ${entries(size)}: this log has two histories`;
    list.check("remembered", fault, "");
    return true;
  }
  if (compared === "older" && current) {
    const fault = `it has ${entries(size)}, and you remember ${entries(remembered.size)}: a log never becomes shorter`;
    list.check("remembered", fault, "");
    return true;
  }
  const how = compared === "older" ? "is the beginning of" : "extends";
  list.skip(
    "remembered",
    `whether its tree of ${entries(size)} ${how} the one of ${entries(remembered.size)} that you remember needs a consistency proof, which this file does not have`,
  );
  return false;
}

export const NOT_WITNESSED =
  "whether the operator shows somebody else another history: no independent witness vouches for this one";
const WITNESS_ADVICE =
  "ask for the evidence again later, when the witnesses have cosigned; a policy that requires fewer trusts the operator more";
const CONTRADICTION_ADVICE =
  "keep both checkpoints and show them to others who follow this log: together they prove what its operator did";
const ROTATED_ADVICE =
  "if the log changed its key since you pinned it, learn the new one from the operator by another way, and add it to your policy";

/** How to get the key and pin it. */
export function keyAdvice(claimed: { origin: string } | null): string[] {
  const of = claimed ? ` of ${claimed.origin}` : "";
  return [
    `get the verifier key${of} from somebody other than whoever gave you this file: the operator's page /.well-known/moonseal, moonseal residency, a contract, an earlier audit`,
    "pin it: moonseal policy init --key 'log.example/eu+…', or for once: --key 'log.example/eu+…'",
  ];
}

export const entries = (size: number): string => (size === 1 ? "1 entry" : `${size} entries`);

/** The last second that a date of ECMAScript can have. */
const LAST_SECOND = 8_640_000_000_000;

function at(seconds: number): string {
  return seconds > 0 && seconds <= LAST_SECOND
    ? ` at ${new Date(seconds * 1000).toISOString().replace(".000Z", "Z")}`
    : "";
}
