/**
 * Standard Webhooks 1.0, asymmetric: `v1a,` and the base64 of Ed25519 over `<id>.<timestamp>.<body>`; public keys as `whpk_` and
 * base64. The keys are derived from the cell's log keys and are others: what signs webhooks can sign no checkpoint.
 */
import { sign } from "node:crypto";
import { fromBase64, toBase64, utf8 } from "../core/bytes.ts";
import { hkdfSha256 } from "./hkdf.ts";
import { privateKey, rawPublicKey } from "./signer.ts";
import { verifyEd25519 } from "./verify.ts";

export interface WebhookSigner {
  /** `whpk_…`, newest first: while the log key is being replaced, two sign. */
  publicKeys: readonly string[];
  /** The value of `webhook-signature`: one signature a key, between spaces. `timestampS`: Unix seconds. */
  sign(id: string, timestampS: number, body: string): string;
}

const INFO = "moonseal/webhook/v1\n";
const KEY_BYTES = 32;

/** `seeds`: the cell's log keys, newest first, 32 bytes each; `name`: of the cell, so that no two cells sign alike. */
export function webhookSigner(name: string, seeds: readonly Uint8Array[]): WebhookSigner {
  return signerOf(seeds.map((seed) => hkdfSha256(new Uint8Array(KEY_BYTES), seed, utf8(INFO + name))));
}

/** Of keys that are for nothing else, such as a probe's: 32 bytes each. */
export function signerOf(seeds: readonly Uint8Array[]): WebhookSigner {
  const keys = seeds.map(privateKey);
  return {
    publicKeys: keys.map((key) => `whpk_${toBase64(rawPublicKey(key))}`),
    sign: (id, timestampS, body) =>
      keys.map((key) => `v1a,${toBase64(new Uint8Array(sign(null, signed(id, timestampS, body), key)))}`).join(" "),
  };
}

/** 32 bytes; null: the text is no `whpk_` key. */
export function parseWebhookKey(text: string): Uint8Array | null {
  const bytes = text.startsWith("whpk_") ? fromBase64(text.slice("whpk_".length)) : null;
  return bytes?.length === KEY_BYTES ? bytes : null;
}

/**
 * Whether one of the signatures of an untrusted header is by this key. Not checked: how old the timestamp is, and whether the id
 * was seen before.
 */
export function isSignedBy(
  publicKey: Uint8Array,
  { id, timestampS, body, signatures }: { id: string; timestampS: number; body: string; signatures: string },
): boolean {
  const message = signed(id, timestampS, body).toString();
  return signatures
    .split(" ")
    .slice(0, 4)
    .some((text) => {
      const signature = text.startsWith("v1a,") ? fromBase64(text.slice("v1a,".length)) : null;
      return signature?.length === 64 && verifyEd25519(publicKey, message, signature);
    });
}

const signed = (id: string, timestampS: number, body: string) => Buffer.from(`${id}.${timestampS}.${body}`);
