/** Zip archives in one spelling: what this repository writes others unpack, and it reads nothing else. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { crc32 as crcOfNode } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, utf8 } from "../../src/core/bytes.ts";
import { crc32 } from "../../src/core/crc32.ts";
import { type ByteSource, type PlacedZipFile, readZip, sourceOf, zipEnd, zipHeader } from "../../src/core/zip.ts";

const FILES: [string, string][] = [
  ["readme.txt", "hello\n"],
  ["empty", ""],
  ["entries-00000000000000000000.jsonl", '{"a":1}\n'.repeat(50)],
];

function zipOf(files: readonly [string, string][]): Uint8Array {
  const placed: PlacedZipFile[] = [];
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const [name, text] of files) {
    const bytes = utf8(text);
    const file = { name, bytes: bytes.length, crc32: crc32(bytes) };
    placed.push({ ...file, offset });
    chunks.push(zipHeader(file), bytes);
    offset += zipHeader(file).length + bytes.length;
  }
  return concatBytes(...chunks, zipEnd(placed, offset));
}

const readAll = (zip: Uint8Array) => readZip(sourceOf(zip), 100);

test("crc32 is that of zlib, whole or in pieces", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
      expect(crc32(concatBytes(a, b))).toBe(crcOfNode(concatBytes(a, b)));
      expect(crc32(b, crc32(a))).toBe(crcOfNode(concatBytes(a, b)));
    }),
  );
});

test("what is written is read, with the place of every file", () => {
  const zip = zipOf(FILES);
  const read = readAll(zip);
  expect(
    read.ok &&
      read.files.map(({ name, start, bytes }) => [name, new TextDecoder().decode(zip.subarray(start, start + bytes))]),
  ).toEqual(FILES);
  expect(readAll(zipOf([]))).toEqual({ ok: true, files: [] });
});

test("Python's zipfile unpacks it, and finds every CRC right", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "zip-"));
  try {
    writeFileSync(path.join(folder, "a.zip"), zipOf(FILES));
    const script = "import zipfile; z = zipfile.ZipFile('a.zip'); assert z.testzip() is None; z.extractall('out')";
    execFileSync("python3", ["-c", script], { cwd: folder });
    const out = path.join(folder, "out");
    expect(
      readdirSync(out)
        .map((name) => [name, readFileSync(path.join(out, name), "utf8")])
        .sort(),
    ).toEqual([...FILES].sort());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("past 4 GiB the directory is zip64, and is read again", () => {
  const large = 0x1_0000_0010;
  const files = [
    { name: "a", bytes: 0xfffffff0, crc32: 7, offset: 0 },
    {
      name: "b",
      bytes: 3,
      crc32: 8,
      offset: zipHeader({ name: "a", bytes: 0xfffffff0, crc32: 7 }).length + 0xfffffff0,
    },
  ];
  const end = files[1]?.offset ?? 0;
  expect(end).toBeGreaterThan(large - 0x10);
  const header = zipHeader({ name: "b", bytes: 3, crc32: 8 });
  const directoryAt = end + header.length + 3;
  const tail = zipEnd(files, directoryAt);
  const first = zipHeader({ name: "a", bytes: 0xfffffff0, crc32: 7 });
  const parts: [number, Uint8Array][] = [
    [0, first],
    [end, header],
    [directoryAt, tail],
  ];
  const source: ByteSource = {
    size: directoryAt + tail.length,
    read: (offset, byteLength) => {
      const [at, bytes] = parts.findLast(([begin]) => begin <= offset) ?? [0, first];
      return bytes.subarray(offset - at, offset - at + byteLength);
    },
  };
  const read = readZip(source, 10);
  expect(read).toMatchObject({ ok: true, files: [{ name: "a" }, { name: "b", offset: end }] });
});

describe("an archive that differs is refused:", () => {
  const zip = zipOf(FILES);
  test("any bit outside the files' own bytes", () => {
    const read = readAll(zip);
    const inFiles = (at: number) => read.ok && read.files.some(({ start, bytes }) => at >= start && at < start + bytes);
    for (let at = 0; at < zip.length; at++) {
      if (inFiles(at)) continue;
      const flipped = zip.slice();
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
      const again = readAll(flipped);
      // A size or CRC that is wrong in one of its two places, a name, a flag, a method: all are.
      expect(again.ok, `byte ${at}`).toBe(false);
    }
  });

  test.each([
    ["cut anywhere", zip.subarray(0, zip.length - 1)],
    ["with bytes behind it", concatBytes(zip, Uint8Array.of(0))],
    ["with bytes before it", concatBytes(Uint8Array.of(0), zip)],
    [
      "two files of one name",
      zipOf([
        ["a", "1"],
        ["a", "2"],
      ]),
    ],
    ["nothing", new Uint8Array()],
    ["only zeros", new Uint8Array(100)],
  ])("%s", (_, bytes) => {
    expect(readAll(bytes).ok).toBe(false);
  });

  test("more files than the reader takes", () => {
    expect(readZip(sourceOf(zip), 2)).toEqual({ ok: false, fault: "it has more than 2 files" });
  });

  test.each(["../a", "/a", "a/b", "A", ".a", "a\\b", "con:", "ä"])(
    "the name %s, which is never written either",
    (name) => {
      expect(() => zipHeader({ name, bytes: 0, crc32: 0 })).toThrow(RangeError);
      const evil = zipOf([["a".repeat(name.length), "x"]]);
      const text = Buffer.from(evil).toString("latin1").replaceAll("a".repeat(name.length), name);
      expect(readAll(Uint8Array.from(Buffer.from(text, "latin1"))).ok).toBe(false);
    },
  );

  test("a compressed file, as a bomb would be", () => {
    const bomb = zip.slice();
    const directory = zip.length - zipEnd([], 0).length;
    expect(directory).toBeGreaterThan(0);
    bomb[8] = 8;
    expect(readAll(bomb).ok).toBe(false);
  });

  test("fuzz: any bytes are refused, and never throw", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void readAll(bytes)));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(zip.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        (changes) => {
          const changed = zip.slice();
          for (const [at, value] of changes) changed[at] = value;
          void readAll(changed);
        },
      ),
    );
  });
});
