/**
 * What a log submits to this cell as its witness (C2SP tlog-witness, add-checkpoint), as far as it can be judged without what
 * was cosigned before: spelling, origin, signature, sizes. Pure.
 */
import { equalBytes } from "../../core/bytes.ts";
import { parseCheckpoint } from "../../core/checkpoint.ts";
import { formatNote, type Note, type NoteSignature, parseNote } from "../../core/note.ts";
import { parseAddCheckpoint } from "../../core/witness-request.ts";
import type { TrustedKey } from "../../verifier/policy.ts";
import type { KeysOf } from "./config.ts";

/** A checkpoint that a key of its log has signed. Crosses RPC. */
export interface Submission {
  origin: string;
  size: number;
  root: Uint8Array;
  /** What the log believes was cosigned last; at most `size`. */
  oldSize: number;
  /** Consistency proof from `oldSize`. Unverified. */
  proof: Uint8Array[];
  /** The note's text, extension lines and all: what is cosigned. */
  text: string;
  /** The text with the valid signatures of the log alone. */
  signed: string;
}

export type Refused =
  /** 400 */
  | { refused: "malformed"; detail: string }
  /** 404 */
  | { refused: "origin_unknown" }
  /** 403 */
  | { refused: "signature_wrong"; detail: string };

type VerifyEd25519 = (publicKey: Uint8Array, message: string, signature: Uint8Array) => boolean;

/** The order of the checks is the specification's: who is unknown learns nothing about what is known. */
export function readSubmission(body: string, keysOf: KeysOf, verify: VerifyEd25519): Submission | Refused {
  const request = parseAddCheckpoint(body);
  if (!request) return malformed("the body is not that of add-checkpoint (C2SP tlog-witness)");
  const note = parseNote(request.checkpoint);
  const checkpoint = note && parseCheckpoint(note.text);
  if (!note || !checkpoint)
    return malformed("what follows the proof is not a signed checkpoint (C2SP tlog-checkpoint)");
  const { origin, size, root } = checkpoint;
  const keys = keysOf(origin);
  if (keys.length === 0) return { refused: "origin_unknown" };
  const signed = signedBy(note, keys, verify);
  if (signed === "missing")
    return { refused: "signature_wrong", detail: "no key that is trusted for this origin signed it" };
  if (signed === "wrong") return { refused: "signature_wrong", detail: "a signature of a trusted key does not verify" };
  const { oldSize, proof } = request;
  if (oldSize > size) return malformed("the old size is larger than the checkpoint's");
  return {
    origin,
    size,
    root,
    oldSize,
    proof,
    text: note.text,
    signed: formatNote({ text: note.text, signatures: signed }),
  };
}

/** The signatures of these keys; a wrong one makes the whole note malformed (C2SP signed-note). */
function signedBy(
  note: Note,
  keys: readonly TrustedKey[],
  verify: VerifyEd25519,
): NoteSignature[] | "missing" | "wrong" {
  const signatures: NoteSignature[] = [];
  for (const { name, keyHash, publicKey } of keys) {
    const own = note.signatures.filter((each) => each.name === name && equalBytes(each.keyHash, keyHash));
    if (!own.every(({ signature }) => verify(publicKey, note.text, signature))) return "wrong";
    signatures.push(...own);
  }
  return signatures.length > 0 ? signatures : "missing";
}

const malformed = (detail: string): Refused => ({ refused: "malformed", detail });
