/** What the signatures under a checkpoint are worth to a policy, and how it compares with the remembered head. */
import { equalBytes, toBase64, toHex } from "../core/bytes.ts";
import { type Checkpoint, parseCheckpointNote } from "../core/checkpoint.ts";
import { cosignatureMessage, parseCosignature } from "../core/cosignature.ts";
import type { Note } from "../core/note.ts";
import { rememberedHead, type TrustedKey, type TrustedWitness, type TrustPolicy } from "./policy.ts";
import type { VerifyEd25519 } from "./report.ts";

export type { VerifyEd25519 } from "./report.ts";

export interface WitnessSighting {
  name: string;
  independent: boolean;
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
  | { ok: true; checkpoint: Checkpoint; witnesses: WitnessSighting[]; independent: number }
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
export function verifyCheckpoint(text: string, policy: TrustPolicy, verify: VerifyEd25519): CheckpointVerdict {
  const parsed = parseCheckpointNote(text);
  if (!parsed) return { ok: false, fault: "checkpoint_malformed", claimed: null };
  const { note, checkpoint } = parsed;
  const { origin, size, root } = checkpoint;
  const no = (fault: CheckpointFault): CheckpointVerdict => ({ ok: false, fault, claimed: { origin, size, root } });
  const keys = policy.keysOf(origin);
  if (keys.length === 0) return no("origin_unknown");
  const signed = noteSignedBy(note, keys, verify);
  if (signed !== "signed") return no(signed === "unsigned" ? "log_key_missing" : "log_signature_wrong");
  const witnesses: WitnessSighting[] = [];
  const counted = new Set<string>();
  for (const witness of policy.witnesses) {
    for (const bytes of signaturesOf(note, witness)) {
      const sighting = cosignedBy(witness, bytes, note, verify);
      if (!sighting) return no("cosignature_wrong");
      witnesses.push(sighting);
      if (witness.independent) counted.add(toHex(witness.publicKey));
    }
  }
  return { ok: true, checkpoint, witnesses, independent: counted.size };
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

function cosignedBy(
  witness: TrustedWitness,
  bytes: Uint8Array,
  note: Note,
  verify: VerifyEd25519,
): WitnessSighting | null {
  const cosignature = parseCosignature(bytes);
  if (!cosignature) return null;
  const message = cosignatureMessage(note.text, cosignature.timestamp);
  if (!verify(witness.publicKey, message, cosignature.signature)) return null;
  return { name: witness.name, independent: witness.independent, timestamp: cosignature.timestamp };
}

function signaturesOf({ signatures }: Note, { name, keyHash }: TrustedKey): Uint8Array[] {
  return signatures
    .filter((signature) => signature.name === name && equalBytes(signature.keyHash, keyHash))
    .map(({ signature }) => signature);
}
