/** Bytes and their one accepted spelling. Shared by everything that hashes, stores or shows bytes. */

const encoder = new TextEncoder();

export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** What newer engines do themselves (ECMAScript's Uint8Array to and from base64 and hex). */
type NativeSpelling = Uint8Array & { toHex?: () => string; toBase64?: () => string };

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  const native = (bytes as NativeSpelling).toHex?.();
  if (native !== undefined) return native;
  let out = "";
  for (const byte of bytes) out += HEX[byte];
  return out;
}

/** The bytes of lower-case hex, or `null` for anything else (upper case, odd length, other characters). */
export function fromHex(hex: string): Uint8Array | null {
  if (hex.length % 2 !== 0) return null;
  const out = new Uint8Array(hex.length / 2);
  for (let i = 0; i < out.length; i++) {
    const high = hexDigit(hex.charCodeAt(2 * i));
    const low = hexDigit(hex.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return null;
    out[i] = high * 16 + low;
  }
  return out;
}

/** -1 for what is no lower-case hex digit. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
}

export function concatBytes(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((byteLength, part) => byteLength + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * Every part preceded by its length as a 32-bit big-endian number, so that no two lists of parts give the same bytes.
 * Strings stand for their UTF-8 bytes.
 */
export function lengthPrefixed(...parts: (Uint8Array | string)[]): Uint8Array {
  const pieces = parts.map((part) => (typeof part === "string" ? utf8(part) : part));
  const out = new Uint8Array(pieces.reduce((byteLength, piece) => byteLength + LENGTH_BYTES + piece.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const piece of pieces) {
    view.setUint32(at, piece.length);
    out.set(piece, at + LENGTH_BYTES);
    at += LENGTH_BYTES + piece.length;
  }
  return out;
}

/** 16 bits, big-endian. Throws RangeError on anything but a whole number from 0 to 65535. */
export function uint16(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff) throw new RangeError(`${value} is no 16-bit number`);
  return Uint8Array.of(value >>> 8, value & 0xff);
}

/** The 16 bits, big-endian, at a place that must be within `bytes`. */
export function uint16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) * 256 + (bytes[at + 1] as number);
}

/** Equality of public bytes. Not constant-time: secrets are compared with `equalSecrets` of `crypto/compare.ts`. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function toBase64(bytes: Uint8Array): string {
  const native = (bytes as NativeSpelling).toBase64?.();
  if (native !== undefined) return native;
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** The bytes of standard padded base64, or `null` for any other spelling of them. */
export function fromBase64(text: string): Uint8Array | null {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return null;
  }
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : null;
}

const LENGTH_BYTES = 4;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
