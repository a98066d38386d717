/**
 * Verifies the evidence of one entry (C2SP tlog-proof with the entry in it), offline: from the payload over entry hash, leaf and
 * root to the signed checkpoint and its witnesses. The report says what each step proves, and what was not checked.
 */
import { equalBytes, toHex } from "../core/bytes.ts";
import { entryHash } from "../core/chain.ts";
import type { Checkpoint } from "../core/checkpoint.ts";
import { rootOfInclusion } from "../core/merkle/inclusion.ts";
import { leafHash } from "../core/merkle/tree.ts";
import { type ParsedPayload, parsePayload } from "../core/payload/payload.ts";
import { decodeProvedEntry, parseTlogProof, type TlogProof } from "../core/tlog-proof.ts";
import { type CheckpointStep, entries, judgeCheckpoint } from "./checkpoint-steps.ts";
import type { TrustPolicy } from "./policy.ts";
import { type Platform, reportOfOneStep, type Step, StepList, type VerifierReport } from "./report.ts";

type StepName = "format" | "entry" | "place" | "inclusion" | CheckpointStep;
export type EvidenceStep = Step<StepName>;

export interface ProvenEntry {
  origin: string;
  seq: number;
  entryHash: string;
  /** The exact canonical text. */
  payload: string;
}

export interface EvidenceReport extends VerifierReport {
  kind: "evidence";
  /** Only when it is proved, witnessed or not. */
  entry: ProvenEntry | null;
}

type Payload = Extract<ParsedPayload, { ok: true }>["payload"];

/**
 * Untrusted text in, report out; never throws. What does not need a key is checked without one too, so that a fault is found
 * by everybody; without a key of the log the verdict is at best `could_not_check`.
 */
export function verifyEvidence(text: string, policy: TrustPolicy, platform: Platform): EvidenceReport {
  const { sha256 } = platform;
  const proof = parseTlogProof(text);
  const proved = proof?.extra ? decodeProvedEntry(proof.extra) : null;
  if (!proof || !proved) return malformed(proof);
  const list = new StepList<StepName>();
  list.check("format", null, "the file is a tlog-proof with an entry in it");
  const parsed = parsePayload(proved.payload);
  const hash = entryHash(sha256, proved.prevHash, proved.payload);
  list.check(
    "entry",
    parsed.ok ? null : `the payload is ${parsed.fault.replaceAll("_", " ")}`,
    "the payload is the one canonical spelling of this entry, and its hash was computed here",
  );
  const signed = new StepList<CheckpointStep>();
  const judged = judgeCheckpoint(signed, proof.checkpoint, policy, platform, { current: false });
  const { claimed } = judged;
  if (parsed.ok) {
    const fault = placeFault(parsed.payload, proof, claimed);
    list.check("place", fault, `the entry itself says that it is entry ${proof.index} of this log`);
  } else list.skip("place", "the payload could not be read");
  if (claimed) {
    const root = rootOfInclusion(sha256, proof.index, claimed.size, leafHash(sha256, hash), proof.hashes);
    const included = root !== null && equalBytes(root, claimed.root);
    const wrong = "the hashes do not lead from the entry to the root of the checkpoint";
    list.check(
      "inclusion",
      included ? null : wrong,
      `the entry is in the tree of ${entries(claimed.size)} under the root of the checkpoint`,
    );
  } else list.skip("inclusion", "there is no root to compare with");
  list.steps.push(...signed.steps);
  const verdict = judged.conclude(list.failed("witnesses", "remembered"));
  const proven = claimed && (verdict === "verified" || verdict === "not_witnessed");
  return {
    kind: "evidence",
    subject: subjectOf(proof, claimed, parsed.ok ? parsed.payload : null),
    verdict,
    steps: list.steps,
    notChecked: [...judged.notChecked, ...NOT_CHECKED],
    advice: judged.advice,
    heads: judged.heads,
    entry: proven
      ? { origin: claimed.origin, seq: proof.index, entryHash: toHex(hash), payload: proved.payload }
      : null,
  };
}

const NOT_CHECKED = [
  "whether other entries were left out, or come after this one",
  "whether what the entry says is true",
];

function malformed(proof: TlogProof | null): EvidenceReport {
  const fault = proof
    ? "the file holds no entry that this version can read"
    : "this is not a tlog-proof (c2sp.org/tlog-proof@v1) in its one spelling";
  return { ...reportOfOneStep("evidence", "evidence of an entry", "refuted", fault), kind: "evidence", entry: null };
}

/** The origin ends with the domain's id, so that an entry cannot be shown as one of another log. */
function placeFault(payload: Payload, { index }: TlogProof, claimed: Checkpoint | null): string | null {
  if (payload.seq !== index) return `the entry says that it is entry ${payload.seq}, the proof is for ${index}`;
  if (claimed && !claimed.origin.endsWith(`/${payload.domain}`)) return "the entry says that it belongs to another log";
  return null;
}

function subjectOf({ index }: TlogProof, claimed: Checkpoint | null, payload: Payload | null): string {
  const what = payload ? `: ${payload.action}, recorded ${payload.recorded_at}` : "";
  return `entry ${index} of ${claimed?.origin ?? "a log that cannot be read"}${what}`;
}
