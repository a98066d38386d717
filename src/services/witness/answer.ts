/** What a witness answered to add-checkpoint, and what a log makes of it. Pure; the answer is untrusted. */
import { equalBytes } from "../../core/bytes.ts";
import { parseCheckpoint, parseDecimal } from "../../core/checkpoint.ts";
import { LIMITS } from "../../core/limits.ts";
import { formatSignatureLine, parseNote } from "../../core/note.ts";
import { cosignedAt, signaturesOf } from "../../verifier/checkpoint.ts";
import type { CosignerKey, TrustedKey } from "../../verifier/policy.ts";
import type { SignatureChecks, VerifyEd25519 } from "../../verifier/report.ts";

/** One exchange over HTTP: an answer, or why there is none. */
export type WitnessExchange = (request: {
  url: string;
  /** Null: GET. */
  body: string | null;
}) => Promise<
  { status: number; contentType: string; body: string } | { failure: "timeout" | "unreachable" | "answer_too_large" }
>;

/** Codes of failures, for the operator; `status_…` for every other status. */
export type WitnessFailure =
  | "timeout"
  | "unreachable"
  | "answer_too_large"
  | "answer_malformed"
  | "cosignature_missing"
  /** It cosigned, with one of its keys and not with the other. */
  | "cosignature_incomplete"
  | "cosignature_wrong"
  | "cosignature_of_other_time"
  | "conflict_repeated"
  | "witness_ahead"
  | "witness_refuses_tree"
  | `status_${number}`;

export type WitnessVerdict =
  | {
      kind: "cosigned";
      /** One for each key that cosigned, each with its LF. */
      lines: string;
      timestamp: number;
      /** Not all of its keys did. */
      incomplete: boolean;
    }
  /** It cosigned this size last. */
  | { kind: "conflict"; size: number }
  /** It says that the tree is not an extension of the one that it cosigned last. */
  | { kind: "refuses_tree" }
  | { kind: "failed"; failure: WitnessFailure };

/** `note` is the checkpoint that was sent; a cosignature counts only by a configured key and over exactly its text. */
export function readAnswer(
  answer: Awaited<ReturnType<WitnessExchange>>,
  note: string,
  keys: readonly CosignerKey[],
  checks: SignatureChecks,
  nowMs: number,
): WitnessVerdict {
  if ("failure" in answer) return failed(answer.failure);
  if (answer.status === 200) return readCosignatures(answer.body, note, keys, checks, nowMs);
  if (answer.status === 409) {
    const size =
      answer.contentType.split(";")[0] === "text/x.tlog.size" && answer.body.endsWith("\n")
        ? parseDecimal(answer.body.slice(0, -1))
        : null;
    return size === null ? failed("answer_malformed") : { kind: "conflict", size };
  }
  return answer.status === 422 ? { kind: "refuses_tree" } : failed(`status_${answer.status}`);
}

/**
 * Lines of keys that are not configured are ignored, as C2SP tlog-witness demands; one line of each that is gets published. A
 * witness that left out one of its keys has cosigned all the same: its operator may not have the second key there yet.
 */
function readCosignatures(
  body: string,
  note: string,
  keys: readonly CosignerKey[],
  checks: SignatureChecks,
  nowMs: number,
): WitnessVerdict {
  const text = note.slice(0, note.lastIndexOf("\n\n") + 1);
  const answered = parseNote(`${text}\n${body}`);
  const checkpoint = parseCheckpoint(text);
  if (answered?.text !== text || !checkpoint) return failed("answer_malformed");
  const lines: string[] = [];
  const times: number[] = [];
  for (const key of keys) {
    const { name, keyHash } = key;
    const own = signaturesOf(answered, key);
    const timesOfKey = own.map((signature) => cosignedAt(key, signature, text, checkpoint, checks));
    if (timesOfKey.includes(null)) return failed("cosignature_wrong");
    times.push(...timesOfKey.filter((time) => time !== null));
    const [signature] = own;
    if (signature) lines.push(formatSignatureLine({ name, keyHash, signature }));
  }
  const [timestamp] = times;
  if (timestamp === undefined) return failed("cosignature_missing");
  const other = times.some((time) => time === 0 || Math.abs(time * 1000 - nowMs) > LIMITS.clockSkewMs);
  if (other) return failed("cosignature_of_other_time");
  return { kind: "cosigned", lines: lines.join(""), timestamp, incomplete: lines.length < keys.length };
}

const failed = (failure: WitnessFailure): WitnessVerdict => ({ kind: "failed", failure });

/**
 * What a witness that cannot go along holds up as the reason: a checkpoint that this log itself has signed. Null unless a key
 * of the log did: a witness's word alone stops nobody.
 */
export function readHeldUp(
  note: string,
  origin: string,
  logKeys: readonly TrustedKey[],
  verify: VerifyEd25519,
): { size: number; root: Uint8Array } | null {
  const parsed = parseNote(note);
  const checkpoint = parsed && parseCheckpoint(parsed.text);
  if (!parsed || checkpoint?.origin !== origin) return null;
  const signed = logKeys.some(({ name, keyHash, publicKey }) =>
    parsed.signatures.some(
      (each) =>
        each.name === name && equalBytes(each.keyHash, keyHash) && verify(publicKey, parsed.text, each.signature),
    ),
  );
  return signed ? { size: checkpoint.size, root: checkpoint.root } : null;
}
