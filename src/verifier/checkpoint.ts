/** What the signatures under a checkpoint are worth to a policy, and how it compares with the remembered head. */
import { equalBytes, toBase64 } from "../core/bytes.ts";
import { type Checkpoint, parseCheckpointNote } from "../core/checkpoint.ts";
import {
  COSIGNATURE_V1,
  COSIGNATURES,
  type CosignatureAlgorithm,
  cosignatureMessage,
  parseCosignature,
  SUBTREE_V1,
  subtreeMessage,
} from "../core/cosignature.ts";
import type { Note } from "../core/note.ts";
import { type CosignerKey, rememberedHead, type TrustedKey, type TrustPolicy } from "./policy.ts";
import type { SignatureChecks, VerifyEd25519 } from "./report.ts";

export type { VerifyEd25519 } from "./report.ts";

/** One signature of a witness; there may be another one with its other key. */
export interface WitnessSighting {
  name: string;
  independent: boolean;
  algorithm: CosignatureAlgorithm;
  /** POSIX seconds, as the witness says. */
  timestamp: number;
}

export type CheckpointFault =
  | "checkpoint_malformed"
  | "origin_unknown"
  | "log_key_missing"
  | "log_signature_wrong"
  | "cosignature_wrong";

export type CheckpointVerdict =
  | {
      ok: true;
      checkpoint: Checkpoint;
      witnesses: WitnessSighting[];
      /** Independent witnesses that cosigned, each once. */
      independent: number;
      /** Those of them that did so with ML-DSA-44 too, or alone. */
      postQuantum: number;
    }
  | {
      ok: false;
      fault: CheckpointFault;
      /** What it claims, signed by nobody that is trusted; null when it cannot be read. */
      claimed: Checkpoint | null;
    };

export const CHECKPOINT_FAULT: Record<CheckpointFault, string> = {
  checkpoint_malformed: "this is not a checkpoint (c2sp.org/tlog-checkpoint)",
  origin_unknown: "no key of this log is trusted",
  log_key_missing: "no key that is trusted for this log signed it",
  log_signature_wrong: "the log's signature is wrong",
  cosignature_wrong: "the signature of a witness that is trusted is wrong",
};

/**
 * Whether an untrusted checkpoint is signed by a trusted key of its log. Signatures of keys that the policy does not know are
 * ignored; one that claims to be of a known key and is not makes the note malformed (C2SP signed-note).
 */
export function verifyCheckpoint(text: string, policy: TrustPolicy, checks: SignatureChecks): CheckpointVerdict {
  const parsed = parseCheckpointNote(text);
  if (!parsed) return { ok: false, fault: "checkpoint_malformed", claimed: null };
  const { note, checkpoint } = parsed;
  const { origin, size, root } = checkpoint;
  const no = (fault: CheckpointFault): CheckpointVerdict => ({ ok: false, fault, claimed: { origin, size, root } });
  const keys = policy.keysOf(origin);
  if (keys.length === 0) return no("origin_unknown");
  const signed = noteSignedBy(note, keys, checks.verify);
  if (signed !== "signed") return no(signed === "unsigned" ? "log_key_missing" : "log_signature_wrong");
  const witnesses: WitnessSighting[] = [];
  let independent = 0;
  let postQuantum = 0;
  for (const { keys, independent: counts } of policy.witnesses) {
    const claims = keys.flatMap((key) => signaturesOf(note, key).map((signature) => ({ key, signature })));
    const times = claims.map(({ key, signature }) => cosignedAt(key, signature, note.text, checkpoint, checks));
    if (times.includes(null)) return no("cosignature_wrong");
    const seen = claims.map(({ key: { name, type } }, i) => ({
      name,
      independent: counts,
      algorithm: COSIGNATURES[type].algorithm,
      timestamp: times[i] as number,
    }));
    witnesses.push(...seen);
    if (counts && seen.length > 0) independent++;
    if (counts && seen.some(({ algorithm }) => algorithm === "ML-DSA-44")) postQuantum++;
  }
  return { ok: true, checkpoint, witnesses, independent, postQuantum };
}

/** `signed`: at least one of these keys did, and none of the signatures that claim to be theirs is wrong. */
export function noteSignedBy(
  note: Note,
  keys: readonly TrustedKey[],
  verify: VerifyEd25519,
): "signed" | "unsigned" | "wrong" {
  const claims = keys.flatMap((key) => signaturesOf(note, key).map((signature) => ({ key, signature })));
  if (claims.length === 0) return "unsigned";
  return claims.every(({ key, signature }) => verify(key.publicKey, note.text, signature)) ? "signed" : "wrong";
}

/**
 * `older` and `newer`: another size, so that only a consistency proof could tell whether one extends the other.
 * `contradiction`: another root for the size that is remembered.
 */
export function compareRemembered(
  policy: TrustPolicy,
  { origin, size, root }: Checkpoint,
): "nothing_remembered" | "same" | "older" | "newer" | "contradiction" {
  const remembered = rememberedHead(policy, origin);
  if (!remembered) return "nothing_remembered";
  if (size !== remembered.size) return size < remembered.size ? "older" : "newer";
  return toBase64(root) === remembered.root ? "same" : "contradiction";
}

/**
 * When this key cosigned, in POSIX seconds, by an untrusted signature that claims to be its own; null: it did not.
 * `checkpoint` is what `text` says.
 */
export function cosignedAt(
  { name, type, publicKey }: CosignerKey,
  bytes: Uint8Array,
  text: string,
  checkpoint: Checkpoint,
  { verify, verifyMlDsa44 }: SignatureChecks,
): number | null {
  const cosignature = parseCosignature(bytes, type);
  if (!cosignature) return null;
  const { timestamp, signature } = cosignature;
  if (type === COSIGNATURE_V1) {
    return verify(publicKey, cosignatureMessage(text, timestamp), signature) ? timestamp : null;
  }
  const message = type === SUBTREE_V1 ? subtreeMessage(name, checkpoint, timestamp) : null;
  return message && verifyMlDsa44(publicKey, message, signature) ? timestamp : null;
}

export function signaturesOf(
  { signatures }: Note,
  { name, keyHash }: Pick<TrustedKey, "name" | "keyHash">,
): Uint8Array[] {
  return signatures
    .filter((signature) => signature.name === name && equalBytes(signature.keyHash, keyHash))
    .map(({ signature }) => signature);
}
