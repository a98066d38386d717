/** Every key that may have signed a log's checkpoints: those that sign now, and those that sign no more. */
import { type Note, noteKeyHash } from "../../core/note.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { NoteSigner } from "../../crypto/signer.ts";
import { verifyEd25519 } from "../../crypto/verify.ts";
import { noteSignedBy } from "../../verifier/checkpoint.ts";
import { parseTrustedKey, type TrustedKey } from "../../verifier/policy.ts";

const ED25519 = 0x01;

/** `signer` is named like the log's origin; `retired` are public keys. */
export function logKeysOf(sha256: Sha256, signer: NoteSigner, retired: readonly Uint8Array[]): TrustedKey[] {
  const { name, verifierKeys } = signer;
  const signing = verifierKeys.map((key) => parseTrustedKey(sha256, key, ED25519)).filter((key) => key !== null);
  return [
    ...signing,
    ...retired.map((publicKey) => ({ name, keyHash: noteKeyHash(sha256, name, publicKey), publicKey })),
  ];
}

/** Whether an untrusted note is one that the log itself has signed, now or under a key that it had. */
export const signedByLog = (note: Note, keys: readonly TrustedKey[]): boolean =>
  noteSignedBy(note, keys, verifyEd25519) === "signed";
