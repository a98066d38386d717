/**
 * Pages of subject keys (SPEC.md §10): at most 1,024 random keys, sealed together under the tenant's key, so that a new
 * tenant key rewrites pages and no row, and erasing somebody rewrites one page without them.
 */
import { Buffer } from "node:buffer";
import { concatBytes, lengthPrefixed, uint16, uint16At } from "../core/bytes.ts";
import { decrypt, encrypt, NONCE_BYTES, randomNonce, TAG_BYTES } from "./aead.ts";
import { hkdfSha256 } from "./hkdf.ts";
import { MAX_VERSION } from "./slot-keys.ts";

export interface SubjectKey {
  /** 64 digits of lower-case hex. */
  pseudonym: string;
  /** 1 to 65535. */
  epoch: number;
  /** 32 bytes. */
  key: Uint8Array;
}

/** Where a page stands; it opens nowhere else. */
export interface PagePlace {
  tenantId: string;
  /** Id of a domain. */
  scope: string;
  page: number;
}

export const SUBJECTS_PER_PAGE = 1024;

const FORMAT_VERSION = 1;
const HEADER_BYTES = 3;
const BODY_AT = HEADER_BYTES + NONCE_BYTES;
const KEY_BYTES = 32;
const PSEUDONYM_BYTES = 32;
const KEY_AT = PSEUDONYM_BYTES + 2;
const RECORD_BYTES = KEY_AT + KEY_BYTES;

/**
 * A page with these keys, in this order. Throws RangeError on more than 1,024, on a subject that comes twice and on a key, pseudonym, epoch, version or page number that cannot be. `random` is replaced by tests only.
 */
export function sealSubjectPage(
  keys: readonly SubjectKey[],
  place: PagePlace,
  tenantKey: Uint8Array,
  tenantKeyVersion: number,
  random: (byteLength: number) => Uint8Array = randomNonce,
): Uint8Array {
  if (keys.length > SUBJECTS_PER_PAGE) throw new RangeError(`a page holds at most ${SUBJECTS_PER_PAGE} keys`);
  if (!namesEachOnce(keys)) throw new RangeError("a page names each subject once");
  const header = concatBytes(Uint8Array.of(FORMAT_VERSION), versionBytes(tenantKeyVersion));
  const records = Buffer.alloc(keys.length * RECORD_BYTES);
  keys.forEach((subject, i) => writeRecord(subject, records, i * RECORD_BYTES));
  const nonce = random(NONCE_BYTES);
  const sealed = encrypt(pageKey(tenantKey, place), nonce, aadOf(place, header), records);
  return concatBytes(header, nonce, sealed);
}

/** The keys of an untrusted page, in its order; null when it does not open at this place under this key, whatever the reason. */
export function openSubjectPage(bytes: Uint8Array, place: PagePlace, tenantKey: Uint8Array): SubjectKey[] | null {
  if (subjectPageKeyVersion(bytes) === null) return null;
  const aad = aadOf(place, bytes.subarray(0, HEADER_BYTES));
  const nonce = bytes.subarray(HEADER_BYTES, BODY_AT);
  const records = decrypt(pageKey(tenantKey, place), nonce, aad, bytes.subarray(BODY_AT));
  if (!records) return null;
  const hex = Buffer.from(records.buffer, records.byteOffset, records.length).toString("hex");
  const keys = Array.from({ length: records.length / RECORD_BYTES }, (_, i): SubjectKey => {
    const at = i * RECORD_BYTES;
    return {
      pseudonym: hex.slice(2 * at, 2 * (at + PSEUDONYM_BYTES)),
      epoch: uint16At(records, at + PSEUDONYM_BYTES),
      // A copy: whoever drops one key does not keep the whole page in memory.
      key: records.slice(at + KEY_AT, at + RECORD_BYTES),
    };
  });
  return namesEachOnce(keys) ? keys : null;
}

/** Under which version of the tenant's key an untrusted page says that it is sealed; null when it is no page of this format. */
export function subjectPageKeyVersion(bytes: Uint8Array): number | null {
  const recordBytes = bytes.length - BODY_AT - TAG_BYTES;
  if (bytes[0] !== FORMAT_VERSION || recordBytes < 0 || recordBytes % RECORD_BYTES !== 0) return null;
  if (recordBytes > SUBJECTS_PER_PAGE * RECORD_BYTES) return null;
  return uint16At(bytes, 1) || null;
}

function pageKey(tenantKey: Uint8Array, { tenantId, scope }: PagePlace): Uint8Array {
  if (tenantKey.length !== KEY_BYTES) throw new RangeError("a tenant key has exactly 32 bytes");
  return hkdfSha256(new Uint8Array(KEY_BYTES), tenantKey, lengthPrefixed("moonseal/subject-page/v1", tenantId, scope));
}

function aadOf({ tenantId, scope, page }: PagePlace, header: Uint8Array): Uint8Array {
  if (!Number.isSafeInteger(page) || page < 0) throw new RangeError("a page has a number from 0 on");
  return lengthPrefixed(tenantId, scope, String(page), header);
}

function namesEachOnce(keys: readonly SubjectKey[]): boolean {
  return new Set(keys.map(({ pseudonym }) => pseudonym)).size === keys.length;
}

function writeRecord({ pseudonym, epoch, key }: SubjectKey, records: Buffer, at: number): void {
  if (!/^[0-9a-f]{64}$/.test(pseudonym)) throw new RangeError("a pseudonym is 64 digits of hex");
  if (key.length !== KEY_BYTES) throw new RangeError("a subject key has exactly 32 bytes");
  records.write(pseudonym, at, "hex");
  records.set(versionBytes(epoch), at + PSEUDONYM_BYTES);
  records.set(key, at + KEY_AT);
}

function versionBytes(version: number): Uint8Array {
  if (version === 0 || version > MAX_VERSION) throw new RangeError(`a version and an epoch are 1 to ${MAX_VERSION}`);
  return uint16(version);
}
