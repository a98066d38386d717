/**
 * Tar archives in one spelling (POSIX.1-1988 ustar): plain files only, flat, owner 0, time 0, uncompressed. `tar x` unpacks
 * them anywhere. A reader formats every header again and refuses the archive when it differs.
 */
import { utf8 } from "./bytes.ts";

export const TAR_BLOCK_BYTES = 512;

export interface TarFile {
  name: string;
  /** A view of the archive, not a copy. */
  bytes: Uint8Array;
}

/** Lower case, no folder, no hidden file: nothing that any file system reads as something else. */
const NAME = /^[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*$/;
const MAX_NAME_CHARS = 100;
/** Largest size of 11 octal digits. */
const MAX_FILE_BYTES = 8 ** 11 - 1;

export const isTarName = (name: string): boolean => name.length <= MAX_NAME_CHARS && NAME.test(name);

/** The 512 bytes before a file's own. Throws on a name or size that this spelling does not have. */
export function tarHeader(name: string, byteLength: number): Uint8Array {
  if (!isTarName(name)) throw new RangeError("a name in an archive is one plain file name");
  if (!Number.isSafeInteger(byteLength) || byteLength < 0 || byteLength > MAX_FILE_BYTES) {
    throw new RangeError("a file in an archive has less than 8 GiB");
  }
  const header = new Uint8Array(TAR_BLOCK_BYTES);
  const put = (at: number, text: string) => header.set(utf8(text), at);
  put(0, name);
  put(100, "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${octal(byteLength, 11)}\0`);
  put(136, "00000000000\0");
  // The checksum counts its own field as spaces.
  put(148, "        ");
  put(156, "0");
  put(257, "ustar\x0000");
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 6)}\0 `);
  return header;
}

/** Zeros that fill a file's last block. */
export const tarPadding = (byteLength: number): Uint8Array =>
  new Uint8Array((TAR_BLOCK_BYTES - (byteLength % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES);

/** Two blocks of zeros. */
export const tarEnd = (): Uint8Array => new Uint8Array(2 * TAR_BLOCK_BYTES);

export type ReadTar = { ok: true; files: TarFile[] } | { ok: false; fault: string };

/** Takes an untrusted archive apart; refuses what this file would not have written. At most `maxFiles` files. */
export function readTar(archive: Uint8Array, maxFiles: number): ReadTar {
  const files: TarFile[] = [];
  const names = new Set<string>();
  const no = (fault: string): ReadTar => ({ ok: false, fault });
  let at = 0;
  while (!isZero(archive.subarray(at, at + TAR_BLOCK_BYTES))) {
    const header = archive.subarray(at, at + TAR_BLOCK_BYTES);
    const parsed = parseHeader(header);
    if (!parsed) return no(`what stands at byte ${at} is no header of a plain file`);
    const { name, byteLength } = parsed;
    const start = at + TAR_BLOCK_BYTES;
    const end = start + byteLength;
    at = end + tarPadding(byteLength).length;
    if (at > archive.length) return no(`the archive ends within ${name}`);
    if (end < at && !isZero(archive.subarray(end, at))) return no(`something stands behind ${name}`);
    if (names.has(name)) return no(`${name} is there twice`);
    if (files.length === maxFiles) return no(`there are more than ${maxFiles} files`);
    names.add(name);
    files.push({ name, bytes: archive.subarray(start, end) });
  }
  const rest = archive.subarray(at);
  if (rest.length !== tarEnd().length || !isZero(rest))
    return no("the archive is cut off, or something stands behind it");
  return { ok: true, files };
}

/** Null for every other spelling. An empty or short block is no header either. */
function parseHeader(header: Uint8Array): { name: string; byteLength: number } | null {
  if (header.length !== TAR_BLOCK_BYTES) return null;
  const ascii = (from: number, to: number) => String.fromCharCode(...header.subarray(from, to));
  const name = ascii(0, MAX_NAME_CHARS).replace(/\0+$/, "");
  const size = ascii(124, 135);
  if (!isTarName(name) || !/^[0-7]{11}$/.test(size)) return null;
  const byteLength = Number.parseInt(size, 8);
  const again = tarHeader(name, byteLength);
  return header.every((byte, i) => byte === again[i]) ? { name, byteLength } : null;
}

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");

function isZero(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes.every((byte) => byte === 0);
}
