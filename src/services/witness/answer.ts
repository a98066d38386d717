/** What a witness answered to add-checkpoint, and what a log makes of it. Pure; the answer is untrusted. */
import { equalBytes } from "../../core/bytes.ts";
import { parseCheckpoint, parseDecimal } from "../../core/checkpoint.ts";
import { cosignatureMessage, parseCosignature } from "../../core/cosignature.ts";
import { LIMITS } from "../../core/limits.ts";
import { formatSignatureLine, parseNote } from "../../core/note.ts";
import type { TrustedKey } from "../../verifier/policy.ts";

export type VerifyEd25519 = (publicKey: Uint8Array, message: string, signature: Uint8Array) => boolean;

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
  | "cosignature_wrong"
  | "cosignature_of_other_time"
  | "conflict_repeated"
  | "witness_ahead"
  | "witness_refuses_tree"
  | `status_${number}`;

export type WitnessVerdict =
  | { kind: "cosigned"; line: string; timestamp: number }
  /** It cosigned this size last. */
  | { kind: "conflict"; size: number }
  /** It says that the tree is not an extension of the one that it cosigned last. */
  | { kind: "refuses_tree" }
  | { kind: "failed"; failure: WitnessFailure };

/** `note` is the checkpoint that was sent; a cosignature counts only by the configured key and over exactly its text. */
export function readAnswer(
  answer: Awaited<ReturnType<WitnessExchange>>,
  note: string,
  witness: TrustedKey,
  verify: VerifyEd25519,
  nowMs: number,
): WitnessVerdict {
  if ("failure" in answer) return failed(answer.failure);
  if (answer.status === 200) return readCosignature(answer.body, note, witness, verify, nowMs);
  if (answer.status === 409) {
    const size =
      answer.contentType.split(";")[0] === "text/x.tlog.size" && answer.body.endsWith("\n")
        ? parseDecimal(answer.body.slice(0, -1))
        : null;
    return size === null ? failed("answer_malformed") : { kind: "conflict", size };
  }
  return answer.status === 422 ? { kind: "refuses_tree" } : failed(`status_${answer.status}`);
}

/** Lines of keys that are not the configured one are ignored, as C2SP tlog-witness demands. */
function readCosignature(
  body: string,
  note: string,
  witness: TrustedKey,
  verify: VerifyEd25519,
  nowMs: number,
): WitnessVerdict {
  const text = note.slice(0, note.lastIndexOf("\n\n") + 1);
  const answered = parseNote(`${text}\n${body}`);
  if (answered?.text !== text) return failed("answer_malformed");
  const own = answered.signatures.filter(
    ({ name, keyHash }) => name === witness.name && equalBytes(keyHash, witness.keyHash),
  );
  const [signature] = own;
  if (!signature) return failed("cosignature_missing");
  for (const { signature: bytes } of own) {
    const cosignature = parseCosignature(bytes);
    const message = cosignature && cosignatureMessage(text, cosignature.timestamp);
    if (!cosignature || !message || !verify(witness.publicKey, message, cosignature.signature))
      return failed("cosignature_wrong");
    const skewMs = Math.abs(cosignature.timestamp * 1000 - nowMs);
    if (cosignature.timestamp === 0 || skewMs > LIMITS.clockSkewMs) return failed("cosignature_of_other_time");
  }
  const timestamp = parseCosignature(signature.signature)?.timestamp ?? 0;
  return { kind: "cosigned", line: formatSignatureLine(signature), timestamp };
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
