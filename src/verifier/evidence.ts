/**
 * Verifies the evidence of one entry (C2SP tlog-proof with the entry in it), offline: from the payload over entry hash, leaf and
 * root to the signed checkpoint and its witnesses. The report says what each step proves, and what was not checked.
 */

import { equalBytes, toHex } from "../core/bytes.ts";
import { entryHash } from "../core/chain.ts";
import { rootOfInclusion } from "../core/merkle/inclusion.ts";
import { leafHash } from "../core/merkle/tree.ts";
import { type ParsedPayload, parsePayload } from "../core/payload/payload.ts";
import type { Sha256 } from "../core/sha256.ts";
import { decodeProvedEntry, type ProvedEntry, parseTlogProof, type TlogProof } from "../core/tlog-proof.ts";
import { type CheckpointVerdict, type VerifyEd25519, verifyCheckpoint } from "./checkpoint.ts";
import type { TrustPolicy } from "./policy.ts";

export interface EvidenceStep {
  step: "format" | "entry" | "place" | "checkpoint" | "witnesses" | "inclusion";
  status: "ok" | "failed" | "not_checked";
  /** What it proves when it is ok, or what is wrong. */
  detail: string;
}

export interface EvidenceReport {
  verdict: "verified" | "refuted" | "not_witnessed";
  steps: EvidenceStep[];
  /** What this evidence says nothing about, in plain words. */
  notChecked: string[];
  entry: { origin: string; seq: number; entryHash: string; payload: string } | null;
}

type Payload = Extract<ParsedPayload, { ok: true }>["payload"];

/** Untrusted text in, report out; never throws. A step that failed leaves those that build on it unchecked. */
export function verifyEvidence(
  text: string,
  policy: TrustPolicy,
  { sha256, verify }: { sha256: Sha256; verify: VerifyEd25519 },
): EvidenceReport {
  const steps: EvidenceStep[] = [];
  const passed = (step: EvidenceStep["step"], fault: string | null, proves: string): boolean => {
    steps.push({ step, status: fault === null ? "ok" : "failed", detail: fault ?? proves });
    return fault === null;
  };
  const proof = parseTlogProof(text);
  const entry = proof?.extra ? decodeProvedEntry(proof.extra) : null;
  if (
    !passed("format", formatFault(proof, entry), "the file is a tlog-proof with an entry in it") ||
    !proof ||
    !entry
  ) {
    return report(steps, "refuted", null);
  }
  const parsed = parsePayload(entry.payload);
  const hash = entryHash(sha256, entry.prevHash, entry.payload);
  passed(
    "entry",
    parsed.ok ? null : `the payload is ${parsed.fault.replaceAll("_", " ")}`,
    "the payload is the one canonical spelling of this entry, and its hash was computed here",
  );
  const checkpoint = verifyCheckpoint(proof.checkpoint, policy, verify);
  const size = checkpoint.ok ? checkpoint.checkpoint.size : 0;
  if (parsed.ok) {
    passed(
      "place",
      placeFault(parsed.payload, proof, checkpoint),
      `the entry itself says that it is entry ${proof.index} of this log`,
    );
  } else steps.push({ step: "place", status: "not_checked", detail: "the payload could not be read" });
  passed(
    "checkpoint",
    checkpoint.ok ? null : checkpoint.fault.replaceAll("_", " "),
    `a key that you trust signed that the log had ${size} entries with this root`,
  );
  if (!checkpoint.ok) {
    steps.push({ step: "witnesses", status: "not_checked", detail: "there is no checkpoint to look at" });
    steps.push({ step: "inclusion", status: "not_checked", detail: "there is no root to compare with" });
    return report(steps, "refuted", null);
  }
  const root = rootOfInclusion(sha256, proof.index, size, leafHash(sha256, hash), proof.hashes);
  const included = root !== null && equalBytes(root, checkpoint.checkpoint.root);
  const witnessed = checkpoint.independent >= policy.required;
  steps.push(witnessStep(checkpoint, policy));
  passed(
    "inclusion",
    included ? null : "the hashes do not lead from the entry to the root",
    "the entry is in the tree under that root",
  );
  const refuted = steps.some(({ step, status }) => status === "failed" && step !== "witnesses");
  const { origin } = checkpoint.checkpoint;
  const verdict = refuted ? "refuted" : witnessed ? "verified" : "not_witnessed";
  return report(steps, verdict, { origin, seq: proof.index, entryHash: toHex(hash), payload: entry.payload });
}

function formatFault(proof: TlogProof | null, entry: ProvedEntry | null): string | null {
  if (!proof) return "this is not a tlog-proof (c2sp.org/tlog-proof@v1)";
  return entry ? null : "the file holds no entry that this version can read";
}

/** The origin ends with the domain's id, so that an entry cannot be shown as one of another log. */
function placeFault(payload: Payload, { index }: TlogProof, checkpoint: CheckpointVerdict): string | null {
  if (payload.seq !== index) return `the entry says that it is entry ${payload.seq}, the proof is for ${index}`;
  if (checkpoint.ok && !checkpoint.checkpoint.origin.endsWith(`/${payload.domain}`)) {
    return "the entry says that it belongs to another log";
  }
  return null;
}

function witnessStep(
  { witnesses, independent }: CheckpointVerdict & { ok: true },
  { required }: TrustPolicy,
): EvidenceStep {
  const names = witnesses.map(({ name }) => name).join(", ");
  if (independent < required) {
    return {
      step: "witnesses",
      status: "failed",
      detail: `${independent} independent witnesses cosigned, ${required} are required`,
    };
  }
  if (independent === 0) {
    const beside = witnesses.length > 0 ? ` (${names} belongs to the log's operator)` : "";
    return { step: "witnesses", status: "not_checked", detail: `not independently witnessed${beside}` };
  }
  return { step: "witnesses", status: "ok", detail: `${independent} independent witnesses saw this tree: ${names}` };
}

function report(
  steps: EvidenceStep[],
  verdict: EvidenceReport["verdict"],
  entry: EvidenceReport["entry"],
): EvidenceReport {
  const notChecked = [
    "whether other entries were left out, or come after this one",
    "whether what the entry says is true",
  ];
  if (!steps.some(({ step, status }) => step === "witnesses" && status === "ok")) {
    notChecked.unshift(
      "whether the operator shows somebody else another history: no independent witness vouches for this one",
    );
  }
  return { verdict, steps, notChecked, entry: verdict === "refuted" ? null : entry };
}
