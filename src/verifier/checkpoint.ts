/** What the signatures under a checkpoint are worth to a policy. Pure, given public-key checks. */
import { equalBytes, toHex } from "../core/bytes.ts";
import { type Checkpoint, parseCheckpointNote } from "../core/checkpoint.ts";
import { cosignatureMessage, parseCosignature } from "../core/cosignature.ts";
import type { Note } from "../core/note.ts";
import type { TrustedKey, TrustedWitness, TrustPolicy } from "./policy.ts";

/** RFC 8032 verification. */
export type VerifyEd25519 = (publicKey: Uint8Array, message: string, signature: Uint8Array) => boolean;

export interface WitnessSighting {
  name: string;
  independent: boolean;
  /** POSIX seconds, as the witness says. */
  timestamp: number;
}

export type CheckpointVerdict =
  | { ok: true; checkpoint: Checkpoint; witnesses: WitnessSighting[]; independent: number }
  | {
      ok: false;
      fault:
        | "checkpoint_malformed"
        | "origin_unknown"
        | "log_key_missing"
        | "log_signature_wrong"
        | "cosignature_wrong";
    };

/**
 * Whether an untrusted checkpoint is signed by a trusted key of its log. Signatures of keys that the policy does not know are
 * ignored; one that claims to be of a known key and is not makes the note malformed (C2SP signed-note).
 */
export function verifyCheckpoint(text: string, policy: TrustPolicy, verify: VerifyEd25519): CheckpointVerdict {
  const parsed = parseCheckpointNote(text);
  if (!parsed) return { ok: false, fault: "checkpoint_malformed" };
  const { note, checkpoint } = parsed;
  const log = policy.logs.find(({ origin }) => origin === checkpoint.origin);
  if (!log) return { ok: false, fault: "origin_unknown" };
  const byLog = log.keys.flatMap((key) => signaturesOf(note, key).map((signature) => ({ key, signature })));
  if (byLog.length === 0) return { ok: false, fault: "log_key_missing" };
  if (!byLog.every(({ key, signature }) => verify(key.publicKey, note.text, signature))) {
    return { ok: false, fault: "log_signature_wrong" };
  }
  const witnesses: WitnessSighting[] = [];
  const counted = new Set<string>();
  for (const witness of policy.witnesses) {
    for (const bytes of signaturesOf(note, witness)) {
      const sighting = cosignedBy(witness, bytes, note, verify);
      if (!sighting) return { ok: false, fault: "cosignature_wrong" };
      witnesses.push(sighting);
      if (witness.independent) counted.add(toHex(witness.publicKey));
    }
  }
  return { ok: true, checkpoint, witnesses, independent: counted.size };
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
