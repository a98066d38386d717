/** C2SP tlog-checkpoint, tlog-cosignature, tlog-proof, tlog-witness: one accepted spelling, whatever comes from outside. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatCheckpoint, parseCheckpoint, parseCheckpointNote, parseDecimal } from "../../src/core/checkpoint.ts";
import {
  cosignatureMessage,
  cosignerKeyHash,
  formatCosignature,
  parseCosignature,
} from "../../src/core/cosignature.ts";
import { decodeProvedEntry, encodeProvedEntry, formatTlogProof, parseTlogProof } from "../../src/core/tlog-proof.ts";
import { formatAddCheckpoint, parseAddCheckpoint } from "../../src/core/witness-request.ts";
import { sha256 } from "../../src/crypto/sha256.ts";

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const size = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
/** The example of the specification. */
const EXAMPLE = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

/** A text with one character changed, left out or put in. */
const mutation = fc.record({
  at: fc.nat(),
  character: fc.constantFrom("", "\n", " ", "0", "1", "+", "=", "A", "é", "\u2014", "\r", "\t"),
  replace: fc.boolean(),
});
function mutate(text: string, { at, character, replace }: { at: number; character: string; replace: boolean }): string {
  const place = at % text.length;
  return text.slice(0, place) + character + text.slice(place + (replace ? 1 : 0));
}

describe("C2SP tlog-checkpoint", () => {
  test("the specification's example is read and written", () => {
    const checkpoint = parseCheckpoint(EXAMPLE);
    expect(checkpoint).toMatchObject({ origin: "example.com/behind-the-sofa", size: 20_852_163, extensions: [] });
    expect(formatCheckpoint(checkpoint as NonNullable<typeof checkpoint>)).toBe(EXAMPLE);
  });

  test("a note of the specification is taken apart", () => {
    const signature =
      "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
    expect(parseCheckpointNote(`${EXAMPLE}\n${signature}`)?.checkpoint.size).toBe(20_852_163);
  });

  test.each([
    "",
    "\n",
    "a\n1\n",
    EXAMPLE.slice(0, -1),
    EXAMPLE.replace("20852163", "020852163"),
    EXAMPLE.replace("20852163", "+20852163"),
    EXAMPLE.replace("20852163", ""),
    EXAMPLE.replace("20852163", "9223372036854775808"),
    EXAMPLE.replace("20852163", "9007199254740992"),
    EXAMPLE.replace("2I=", "2J="),
    EXAMPLE.replace("2I=", "2I"),
    EXAMPLE.replace("CsUY", ""),
    EXAMPLE.replace("example.com/behind-the-sofa", ""),
    EXAMPLE.replace("example.com/", "example.com /"),
    `${EXAMPLE}\n`,
    EXAMPLE.replaceAll("\n", "\r\n"),
  ])("%j is refused", (text) => {
    expect(parseCheckpoint(text)).toBeNull();
  });

  test("any size and root survive, and any other spelling of them is another checkpoint or none", () => {
    fc.assert(
      fc.property(size, hash, mutation, (its, root, change) => {
        const text = formatCheckpoint({ origin: "log.test/dom_eu_1", size: its, root });
        expect(parseCheckpoint(text)).toMatchObject({ size: its, root });
        const changed = parseCheckpoint(mutate(text, change));
        if (changed && changed.extensions.length === 0) expect(formatCheckpoint(changed)).toBe(mutate(text, change));
      }),
    );
  });

  test.each(["", "007", "+7", "-0", "7 ", " 7", "7.0", "1e3", "0x1", "9223372036854775808", "٧"])(
    "the number %j is refused",
    (text) => {
      expect(parseDecimal(text)).toBeNull();
    },
  );
});

describe("C2SP tlog-cosignature", () => {
  test("the signed message is the specification's", () => {
    expect(cosignatureMessage(EXAMPLE, 1_679_315_147)).toBe(`cosignature/v1\ntime 1679315147\n${EXAMPLE}`);
  });

  test("time and signature survive; every other length is refused", () => {
    fc.assert(
      fc.property(size, fc.uint8Array({ minLength: 64, maxLength: 64 }), (timestamp, signature) => {
        const bytes = formatCosignature(timestamp, signature);
        expect(parseCosignature(bytes)).toEqual({ timestamp, signature });
        expect(parseCosignature(bytes.slice(1))).toBeNull();
        expect(parseCosignature(Uint8Array.of(...bytes, 0))).toBeNull();
      }),
    );
    expect(parseCosignature(new Uint8Array(72).fill(255))).toBeNull();
  });

  test("a cosigner's key id is another one than that of a log with the same key", () => {
    const key = new Uint8Array(32).fill(1);
    const ofLog = sha256("witness.example/w1\n", Uint8Array.of(1), key).slice(0, 4);
    expect(cosignerKeyHash(sha256, "witness.example/w1", key)).not.toEqual(ofLog);
  });
});

describe("C2SP tlog-proof", () => {
  const proof = fc.record({
    extra: fc.option(fc.uint8Array({ maxLength: 40 })),
    index: size,
    hashes: fc.array(hash, { maxLength: 5 }),
    checkpoint: fc.constant(`${EXAMPLE}\n\u2014 a AAAAAAA=\n`),
  });

  test("any proof survives, and a changed one is read as what it is or refused", () => {
    fc.assert(
      fc.property(proof, mutation, (its, change) => {
        const text = formatTlogProof(its);
        expect(parseTlogProof(text)).toEqual(its);
        const changed = parseTlogProof(mutate(text, change));
        if (changed) expect(formatTlogProof(changed)).toBe(mutate(text, change));
      }),
    );
  });

  test.each([
    ["another header", (text: string) => text.replace("@v1", "@v2")],
    ["no index", (text: string) => text.replace(/index .*\n/, "")],
    ["a second index", (text: string) => text.replace("index 7\n", "index 7\nindex 7\n")],
    ["an index 007", (text: string) => text.replace("index 7", "index 007")],
    ["extra after the index", (text: string) => text.replace("index 7\n", "index 7\nextra AAAA\n")],
    [
      "64 hashes",
      (text: string) => text.replace("index 7\n", `index 7\n${`${Buffer.alloc(32).toString("base64")}\n`.repeat(64)}`),
    ],
    [
      "a hash of 31 bytes",
      (text: string) => text.replace("index 7\n", `index 7\n${Buffer.alloc(31).toString("base64")}\n`),
    ],
  ])("with %s is refused", (_, change) => {
    const text = formatTlogProof({ extra: null, index: 7, hashes: [], checkpoint: EXAMPLE });
    expect(parseTlogProof(text)).not.toBeNull();
    expect(parseTlogProof(change(text))).toBeNull();
  });

  test("the entry in it has one spelling", () => {
    fc.assert(
      fc.property(hash, fc.string(), mutation, (prevHash, payload, change) => {
        const bytes = encodeProvedEntry({ prevHash, payload: payload.toWellFormed() });
        expect(decodeProvedEntry(bytes)).toEqual({ prevHash, payload: payload.toWellFormed() });
        const other = Buffer.from(mutate(Buffer.from(bytes).toString(), change));
        const decoded = decodeProvedEntry(other);
        if (decoded) expect(Buffer.from(encodeProvedEntry(decoded)).equals(other)).toBe(true);
      }),
    );
    expect(decodeProvedEntry(Uint8Array.of(0xff))).toBeNull();
  });
});

describe("C2SP tlog-witness add-checkpoint", () => {
  test("any request survives, and a changed one is read as what it is or refused", () => {
    const request = fc.record({
      oldSize: size,
      proof: fc.array(hash, { maxLength: 5 }),
      checkpoint: fc.constant(`${EXAMPLE}\n\u2014 a AAAAAAA=\n`),
    });
    fc.assert(
      fc.property(request, mutation, (its, change) => {
        const body = formatAddCheckpoint(its);
        expect(parseAddCheckpoint(body)).toEqual(its);
        const changed = parseAddCheckpoint(mutate(body, change));
        if (changed) expect(formatAddCheckpoint(changed)).toBe(mutate(body, change));
      }),
    );
  });

  test.each(["", "old 1", "old 1\n", "old 01\n\n", "old -1\n\n", "old 1 \n\n", "new 1\n\n", "old\n\n"])(
    "%j is refused",
    (body) => {
      expect(parseAddCheckpoint(body)).toBeNull();
    },
  );
});
