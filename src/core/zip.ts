/**
 * Zip archives in one spelling (PKWARE APPNOTE 6.3.9): plain files only, flat, stored and not compressed, size and CRC-32 before each
 * file, time 1980-01-01, zip64 (§4.5.3) exactly where a number needs it. `unzip` and every system's own program unpack them.
 *
 * An own writer and not a library: an export is made in steps that may be killed between any two, so what it is made of has to be a
 * pure function of (name, size, CRC-32, place), and those that stream keep their state in memory. A reader formats every header
 * again and refuses an archive that differs in one byte, so nothing can overlap, hide between files, or unpack to more than it is.
 */
import { concatBytes, equalBytes, utf8 } from "./bytes.ts";
import { isTarName } from "./tar.ts";

export interface ZipFile {
  /** As `isTarName` has it: lower case, no folder, nothing that a file system reads as something else. */
  name: string;
  /** Byte length; less than 4 GiB. */
  bytes: number;
  crc32: number;
}

export interface PlacedZipFile extends ZipFile {
  /** Of the file's header in the archive. */
  offset: number;
}

/** Untrusted bytes that are read piece by piece. `read` gives fewer only past the end. */
export interface ByteSource {
  size: number;
  read(offset: number, byteLength: number): Uint8Array;
}

const [LOCAL, CENTRAL, END, END64, LOCATOR64] = [0x04034b50, 0x02014b50, 0x06054b50, 0x06064b50, 0x07064b50];
const [U16, U32] = [0xffff, 0xffffffff];
/** §4.4.3: 2.0, and 4.5 where zip64 is used. */
const [PLAIN, ZIP64] = [20, 45];
const UNIX = 3 << 8;
const MODE_0644 = 0o100644 * 0x10000;
/** 1980-01-01, the first day there is. */
const DATE = 0x21;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const END64_BYTES = 56;
const LOCATOR64_BYTES = 20;

/** The bytes before a file's own. Throws on a name or size that this spelling does not have. */
export function zipHeader({ name, bytes, crc32: crc }: ZipFile): Uint8Array {
  if (!isTarName(name)) throw new RangeError("a name in an archive is one plain file name");
  if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes >= U32) throw new RangeError("a file has less than 4 GiB");
  const header = new Fields(LOCAL_BYTES);
  header.u32(LOCAL).u16(PLAIN).u16(0).u16(0).u16(0).u16(DATE).u32(crc).u32(bytes).u32(bytes).u16(name.length).u16(0);
  return concatBytes(header.bytes, utf8(name));
}

/** What follows the last file, when the archive has `offset` bytes until there: the directory and its end. */
export function zipEnd(files: readonly PlacedZipFile[], offset: number): Uint8Array {
  const directory = concatBytes(...files.map(directoryEntry));
  const [count, size] = [files.length, directory.length];
  const large = count >= U16 || size >= U32 || offset >= U32;
  const end64 = new Fields(large ? END64_BYTES + LOCATOR64_BYTES : 0);
  if (large) {
    end64
      .u32(END64)
      .u64(END64_BYTES - 12)
      .u16(UNIX | ZIP64)
      .u16(ZIP64)
      .u32(0)
      .u32(0)
      .u64(count)
      .u64(count)
      .u64(size)
      .u64(offset)
      .u32(LOCATOR64)
      .u32(0)
      .u64(offset + size)
      .u32(1);
  }
  const shown = Math.min(count, U16);
  const end = new Fields(END_BYTES);
  end.u32(END).u16(0).u16(0).u16(shown).u16(shown).u32(Math.min(size, U32)).u32(Math.min(offset, U32)).u16(0);
  return concatBytes(directory, end64.bytes, end.bytes);
}

function directoryEntry({ name, bytes, crc32: crc, offset }: PlacedZipFile): Uint8Array {
  const large = offset >= U32;
  const extra = new Fields(large ? 12 : 0);
  if (large) extra.u16(1).u16(8).u64(offset);
  const entry = new Fields(CENTRAL_BYTES);
  const needs = large ? ZIP64 : PLAIN;
  entry
    .u32(CENTRAL)
    .u16(UNIX | needs)
    .u16(needs)
    .u16(0)
    .u16(0)
    .u16(0)
    .u16(DATE)
    .u32(crc)
    .u32(bytes)
    .u32(bytes)
    .u16(name.length)
    .u16(extra.bytes.length)
    .u16(0)
    .u16(0)
    .u16(0)
    .u32(MODE_0644)
    .u32(Math.min(offset, U32));
  return concatBytes(entry.bytes, utf8(name), extra.bytes);
}

export type ReadZip = { ok: true; files: (PlacedZipFile & { start: number })[] } | { ok: false; fault: string };

/**
 * Takes an untrusted archive apart; refuses what this file would not have written. At most `maxFiles` files. `start`: of the file's
 * own bytes. Reads the directory and the headers; the CRCs are not checked. O(files).
 */
export function readZip(source: ByteSource, maxFiles: number): ReadZip {
  const no = (fault: string): ReadZip => ({ ok: false, fault });
  const found = directoryOf(source);
  if (!found) return no("it has no end of a zip archive in its one spelling");
  if (found.count > maxFiles) return no(`it has more than ${maxFiles} files`);
  if (found.offset + found.size > source.size || found.size > maxFiles * (CENTRAL_BYTES + 100 + 12)) {
    return no("its directory is not where it says");
  }
  const files: (PlacedZipFile & { start: number })[] = [];
  const names = new Set<string>();
  const tail = source.read(found.offset, source.size - found.offset);
  let place = 0;
  for (let at = 0; at < found.size; ) {
    const file = fileAt(tail, at, place);
    if (!file) return no("its directory is damaged, or says more than a file needs");
    if (names.has(file.name)) return no(`it has two files ${file.name}`);
    names.add(file.name);
    const header = zipHeader(file);
    if (!equalBytes(header, source.read(place, header.length)))
      return no(`the header of ${file.name} is not as it is listed`);
    files.push({ ...file, start: place + header.length });
    place += header.length + file.bytes;
    at += CENTRAL_BYTES + file.name.length + (file.offset >= U32 ? 12 : 0);
  }
  if (place !== found.offset) return no("bytes stand in it that are of no file");
  if (!equalBytes(tail, zipEnd(files, found.offset))) return no("its directory is not in its one spelling");
  return { ok: true, files };
}

/** Where the directory is said to be, and how long: from the last bytes, which have no comment. */
function directoryOf({ size: whole, read }: ByteSource): { offset: number; size: number; count: number } | null {
  if (whole < END_BYTES) return null;
  const end = viewOf(read(whole - END_BYTES, END_BYTES));
  if (end.getUint32(0, true) !== END) return null;
  const [count, size, offset] = [end.getUint16(10, true), end.getUint32(12, true), end.getUint32(16, true)];
  if (count < U16 && size < U32 && offset < U32) return { offset, size, count };
  const at = whole - END_BYTES - LOCATOR64_BYTES - END64_BYTES;
  if (at < 0) return null;
  const end64 = viewOf(read(at, END64_BYTES));
  if (end64.getUint32(0, true) !== END64) return null;
  const numbers = [end64.getBigUint64(48, true), end64.getBigUint64(40, true), end64.getBigUint64(32, true)].map(
    Number,
  );
  const [offset64 = 0, size64 = 0, count64 = 0] = numbers;
  return numbers.every(Number.isSafeInteger) ? { offset: offset64, size: size64, count: count64 } : null;
}

/** The file of one line of the directory, if it begins where the one before ends; the line is formatted again later. */
function fileAt(directory: Uint8Array, at: number, place: number): PlacedZipFile | null {
  if (at + CENTRAL_BYTES > directory.length) return null;
  const line = viewOf(directory.subarray(at, at + CENTRAL_BYTES));
  if (line.getUint32(0, true) !== CENTRAL || line.getUint32(42, true) !== Math.min(place, U32)) return null;
  const name = String.fromCharCode(
    ...directory.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + line.getUint16(28, true)),
  );
  const bytes = line.getUint32(24, true);
  return isTarName(name) && bytes < U32 ? { name, bytes, crc32: line.getUint32(16, true), offset: place } : null;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Numbers behind each other, the low byte first. */
class Fields {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(byteLength: number) {
    this.bytes = new Uint8Array(byteLength);
    this.#view = viewOf(this.bytes);
  }

  u16(value: number): this {
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
    return this;
  }

  u64(value: number): this {
    this.#view.setBigUint64(this.#at, BigInt(value), true);
    this.#at += 8;
    return this;
  }
}

/** Bytes that are in memory. */
export const sourceOf = (bytes: Uint8Array): ByteSource => ({
  size: bytes.length,
  read: (offset, byteLength) => bytes.subarray(offset, offset + byteLength),
});
