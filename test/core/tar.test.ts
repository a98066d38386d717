/** Tar archives: any `tar` unpacks what we write, and we read nothing but what we write. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, utf8 } from "../../src/core/bytes.ts";
import { isTarName, readTar, TAR_BLOCK_BYTES, tarEnd, tarHeader, tarPadding } from "../../src/core/tar.ts";

const archiveOf = (files: readonly (readonly [string, Uint8Array])[]) =>
  concatBytes(
    ...files.flatMap(([name, bytes]) => [tarHeader(name, bytes.length), bytes, tarPadding(bytes.length)]),
    tarEnd(),
  );
const SMALL = archiveOf([
  ["a.txt", utf8("first\n")],
  ["entries-0.jsonl", new Uint8Array(TAR_BLOCK_BYTES).fill(65)],
  ["empty", new Uint8Array()],
]);
const fault = (archive: Uint8Array, most = 10) => {
  const read = readTar(archive, most);
  return read.ok ? null : read.fault;
};

describe("an archive", () => {
  test("is unpacked by the system's tar, to the same bytes, without a warning", () => {
    const folder = mkdtempSync(join(tmpdir(), "moonseal-tar-"));
    writeFileSync(join(folder, "x.tar"), SMALL);
    const run = spawnSync("tar", ["-xf", "x.tar"], { cwd: folder, encoding: "utf8" });
    expect([run.status, run.stderr]).toEqual([0, ""]);
    expect(readdirSync(folder).sort()).toEqual(["a.txt", "empty", "entries-0.jsonl", "x.tar"]);
    expect(readFileSync(join(folder, "a.txt"), "utf8")).toBe("first\n");
    expect(readFileSync(join(folder, "entries-0.jsonl"))).toEqual(Buffer.alloc(TAR_BLOCK_BYTES, 65));
  });

  test("gives back its files, in their order", () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,30}(\.[a-z0-9-]{1,10})?$/);
    const some = fc.uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 1200 })), {
      selector: ([n]) => n,
      maxLength: 8,
    });
    fc.assert(
      fc.property(some, (files) => {
        const read = readTar(archiveOf(files), 8);
        if (!read.ok) throw new Error(read.fault);
        expect(read.files.map(({ name, bytes }) => [name, bytes.slice()])).toEqual(files);
      }),
    );
  });

  test("with any byte of it changed gives another file, or none", () => {
    const before = readTar(SMALL, 10);
    for (let at = 0; at < SMALL.length; at++) {
      const read = readTar(SMALL.with(at, (SMALL[at] as number) ^ 1), 10);
      if (read.ok) expect(read.files, `byte ${at}`).not.toEqual(before.ok && before.files);
    }
  });

  test("that is cut off anywhere, or goes on behind its end, is refused", () => {
    for (let end = 0; end < SMALL.length; end++) expect(fault(SMALL.subarray(0, end)), `at ${end}`).not.toBeNull();
    for (const more of [1, 512, 1024, 10_240]) expect(fault(concatBytes(SMALL, new Uint8Array(more)))).not.toBeNull();
    expect(fault(concatBytes(SMALL, SMALL))).not.toBeNull();
  });

  test("with a file twice, or with too many, is refused", () => {
    const twice = archiveOf([
      ["a", utf8("1")],
      ["a", utf8("2")],
    ]);
    expect(fault(twice)).toBe("a is there twice");
    expect(fault(SMALL, 2)).toBe("there are more than 2 files");
  });

  test("with a link, a folder, an owner, a time, another mode or another kind of tar is refused", () => {
    /** The field changed, and the checksum made right again. */
    const withField = (at: number, text: string) => {
      const archive = SMALL.slice();
      archive.set(utf8(text), at);
      archive.set(utf8("        "), 148);
      const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
      archive.set(utf8(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
      return archive;
    };
    expect(fault(withField(0, "b.txt"))).toBeNull();
    const changes: [number, string][] = [
      [156, "1"],
      [156, "2"],
      [156, "5"],
      [156, "x"],
      [156, "g"],
      [156, "L"],
      [156, "\0"],
      [157, "/etc/passwd"],
      [108, "0001750\0"],
      [136, "14000000000\0"],
      [100, "0000755\0"],
      [257, "ustar  \0"],
      [265, "root"],
      [345, "prefix"],
      [124, "00000000006 "],
      [500, "x"],
    ];
    for (const [at, text] of changes) expect(fault(withField(at, text)), `${at} ${text}`).not.toBeNull();
  });

  test("never throws on bytes from nowhere", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2048 }), fc.nat(SMALL.length), (bytes, at) => {
        readTar(bytes, 5);
        readTar(concatBytes(SMALL.subarray(0, at), bytes), 5);
      }),
    );
  });
});

describe("a name", () => {
  test.each([
    "../x",
    "/x",
    "a/b",
    "a\\b",
    "..",
    ".",
    ".hidden",
    "a..b",
    "A",
    "a b",
    "a.",
    "ä",
    "-x",
    "con:",
    "",
    "a\0b",
    "x".repeat(101),
  ])("%j is none", (name) => {
    expect(isTarName(name)).toBe(false);
    expect(() => tarHeader(name, 1)).toThrow(RangeError);
  });

  test.each(["readme.txt", "entries-00000000000000000000.jsonl", "a", "x".repeat(100)])("%j is one", (name) => {
    expect(isTarName(name)).toBe(true);
  });

  test("a size past 11 octal digits is refused", () => {
    expect(() => tarHeader("a", 8 ** 11)).toThrow(RangeError);
    expect(() => tarHeader("a", -1)).toThrow(RangeError);
    expect(tarHeader("a", 8 ** 11 - 1).length).toBe(512);
  });
});
