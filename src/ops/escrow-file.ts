/**
 * The escrow file: the secrets of a cell for the operator's safe, because a Worker's secrets cannot be read back (DESIGN §4).
 *
 * Version 1 is one JSON object. `ciphertext` is AES-256-GCM (ciphertext ‖ 16 bytes of tag) of the canonical JSON of
 * `{name: secret}` under scrypt(passphrase in NFC, salt) with N = 2^17, r = 8, p = 1; every other member is bound to it: the
 * AAD is their canonical JSON. White space is free, because a file may come back from paper. Its pin test is
 * test/ops/escrow.test.ts: who changes this format can no longer open the files that operators keep.
 */
import { createCipheriv, createDecipheriv, scryptSync } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fromBase64, toBase64 } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical.ts";
import { isJurisdiction, type Jurisdiction } from "../core/ids.ts";

export const ESCROW_FORMAT = "moonseal/escrow/v1";
const SCRYPT = { name: "scrypt", N: 2 ** 17, r: 8, p: 1 } as const;
const CIPHER = "aes-256-gcm";
const SALT_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export type EscrowReason = "provision" | "rotate";

/** What stands in clear, and is bound to what does not. */
export interface EscrowHeader {
  jurisdiction: Jurisdiction;
  worker: string;
  reason: EscrowReason;
  createdAt: string;
}

export type Secrets = Record<string, string>;
/** 32 bytes from a passphrase and a salt; slow on purpose: about half a second and 128 MiB. */
export type DeriveKey = (passphrase: string, salt: Uint8Array) => Uint8Array;

export const scryptKey: DeriveKey = (passphrase, salt) => {
  const { N, r, p } = SCRYPT;
  return scryptSync(passphrase.normalize("NFC"), salt, 32, { N, r, p, maxmem: 256 * 1024 * 1024 });
};

/** The text of an escrow file. `random` gives that many fresh random bytes. */
export function sealEscrow(
  header: EscrowHeader,
  secrets: Secrets,
  passphrase: string,
  random: (byteLength: number) => Uint8Array,
  deriveKey: DeriveKey = scryptKey,
): string {
  const salt = random(SALT_BYTES);
  const nonce = random(NONCE_BYTES);
  const clear = {
    format: ESCROW_FORMAT,
    jurisdiction: header.jurisdiction,
    worker: header.worker,
    reason: header.reason,
    created_at: header.createdAt,
    secrets: Object.keys(secrets).sort(),
    kdf: { ...SCRYPT, salt: toBase64(salt) },
    cipher: { name: CIPHER, nonce: toBase64(nonce) },
  };
  const cipher = createCipheriv(CIPHER, deriveKey(passphrase, salt), nonce);
  cipher.setAAD(Buffer.from(canonicalJson(clear)));
  const ciphertext = Buffer.concat([cipher.update(canonicalJson(secrets)), cipher.final(), cipher.getAuthTag()]);
  return `${JSON.stringify({ ...clear, ciphertext: toBase64(ciphertext) }, null, 2)}\n`;
}

export type OpenedEscrow =
  | { ok: true; header: EscrowHeader; secrets: Secrets }
  | { ok: false; code: "ESCROW_MALFORMED" | "ESCROW_CLOSED"; detail: string };

const closed = (detail: string) => ({ ok: false, code: "ESCROW_CLOSED", detail }) as const;
const malformed = (detail: string) => ({ ok: false, code: "ESCROW_MALFORMED", detail }) as const;

/** Opens an untrusted escrow file. A wrong passphrase and a changed file look the same. */
export function openEscrow(text: string, passphrase: string, deriveKey: DeriveKey = scryptKey): OpenedEscrow {
  const parsed = parseEscrow(text);
  if (!parsed) return malformed(`not an escrow file of the format ${ESCROW_FORMAT}`);
  const { clear, header, names, salt, nonce, sealed } = parsed;
  const decipher = createDecipheriv(CIPHER, deriveKey(passphrase, salt), nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(canonicalJson(clear)));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  let secrets: Secrets;
  try {
    const opened = Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
    secrets = JSON.parse(opened.toString());
  } catch {
    return closed("the passphrase is wrong, or the file was changed");
  }
  if (Object.keys(secrets).sort().join() !== names.join()) return malformed("it holds other secrets than it names");
  return { ok: true, header, secrets };
}

/** What an escrow file says in clear, before anybody vouches for it; `null` when it is none. */
export function parseEscrow(text: string) {
  let clear: Record<string, unknown>;
  let ciphertext: unknown;
  try {
    ({ ciphertext, ...clear } = JSON.parse(text));
  } catch {
    return null;
  }
  const { format, jurisdiction, worker, reason, created_at: createdAt, secrets: names } = clear;
  const kdf = clear.kdf as Record<string, unknown> | undefined;
  const cipher = clear.cipher as Record<string, unknown> | undefined;
  // Only what version 1 says: a header may not talk an opener into a weaker or an endless derivation.
  const isScrypt = Object.entries(SCRYPT).every(([name, value]) => kdf?.[name] === value);
  if (format !== ESCROW_FORMAT || !isScrypt || cipher?.name !== CIPHER) return null;
  const salt = bytes(kdf?.salt, SALT_BYTES);
  const nonce = bytes(cipher?.nonce, NONCE_BYTES);
  const sealed = typeof ciphertext === "string" ? fromBase64(ciphertext) : null;
  if (!salt || !nonce || !sealed || sealed.length <= TAG_BYTES) return null;
  if (!isJurisdiction(jurisdiction) || typeof worker !== "string" || typeof createdAt !== "string") return null;
  if (reason !== "provision" && reason !== "rotate") return null;
  if (!Array.isArray(names) || !names.every((name): name is string => typeof name === "string")) return null;
  return { clear, header: { jurisdiction, worker, reason, createdAt } as EscrowHeader, names, salt, nonce, sealed };
}

/**
 * Writes a file that only its owner reads, never over another one. When this returns it survives a power cut; after a crash
 * it is there whole or not at all (on a file system without hard links, as on many sticks, it may be there in part).
 * Throws EEXIST when the name is taken.
 */
export function writeNewPrivateFile(file: string, text: string): void {
  const draft = `${file}.${process.pid}.draft`;
  writeThrough(draft, text);
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw error;
    writeThrough(file, text);
  } finally {
    rmSync(draft, { force: true });
  }
  const folder = openSync(path.dirname(file), "r");
  fsyncSync(folder);
  closeSync(folder);
}

function writeThrough(file: string, text: string): void {
  const descriptor = openSync(file, "wx", 0o600);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function bytes(value: unknown, length: number): Uint8Array | null {
  const decoded = typeof value === "string" ? fromBase64(value) : null;
  return decoded?.length === length ? decoded : null;
}
