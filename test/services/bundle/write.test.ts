/** Writing bundles: what breaks off is no bundle, and nothing that does not verify is finished. */
import { describe, expect, test } from "vitest";
import { readBundle } from "../../../src/core/bundle.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { byteStream } from "../../../src/services/bundle/stream.ts";
import { writeBundle } from "../../../src/services/bundle/write.ts";
import { verifyBundle } from "../../../src/verifier/bundle.ts";
import { PLATFORM, trust } from "../../verifier/proved-log.ts";
import { bundleOf, collect, log, pieces, sourceOf } from "./bundle-of.ts";

const deps = { sha256, signer: log.signer };
const set = log.rangeSet(2, 11);
const script = "// short\n";
const chunksOf = async (change = {}) => {
  const parts: Uint8Array[] = [];
  let error: unknown = null;
  try {
    for await (const chunk of writeBundle(sourceOf(set, { script, ...change }), deps)) parts.push(chunk);
  } catch (caught) {
    error = caught;
  }
  return { parts, error };
};

describe("a bundle", () => {
  test("is the same bytes each time", async () => {
    expect(await bundleOf(set)).toEqual(await bundleOf(set));
  });

  test("that breaks off after any piece is refuted as none", async () => {
    const { parts } = await chunksOf();
    for (let count = 0; count < parts.length; count++) {
      const cut = Buffer.concat(parts.slice(0, count));
      expect(readBundle(cut).ok, `after ${count} pieces`).toBe(false);
      expect(verifyBundle(cut, trust(), PLATFORM).verdict).toBe("refuted");
    }
    expect(verifyBundle(Buffer.concat(parts), trust(), PLATFORM).verdict).toBe("verified");
  });

  test("whose entries are not those of the tree gets no manifest", async () => {
    const { payloads } = set;
    for (const wrong of [payloads.slice(1), payloads.slice(0, -1), payloads.toReversed(), [...payloads, payloads[0]]]) {
      const { parts, error } = await chunksOf({ payloads: pieces(wrong as string[], 3) });
      expect(error).toMatchObject({ code: "storage.unavailable" });
      expect(Buffer.concat(parts).includes("manifest.json\0")).toBe(false);
    }
  });

  test("whose store fails on the way breaks off with that error", async () => {
    async function* failing() {
      yield set.payloads.slice(0, 3);
      throw new Error("away");
    }
    const { parts, error } = await chunksOf({ payloads: failing() });
    expect(error).toMatchObject({ message: "away" });
    expect(readBundle(Buffer.concat(parts)).ok).toBe(false);
  });

  test("past the limit of a file breaks off with limit.reached", async () => {
    const bytes = new Uint8Array(32 * 1024 * 1024 + 1);
    const { error } = await chunksOf({ attachments: [{ name: "attachment-a", bytes }] });
    expect(error).toMatchObject({ code: "limit.reached" });
  });

  test("takes no attachment under the name of a part", async () => {
    const { error } = await chunksOf({ attachments: [{ name: "policy.json", bytes: new Uint8Array(1) }] });
    expect(error).toBeInstanceOf(RangeError);
  });

  test("is signed by the log of its checkpoint only", async () => {
    const writer = writeBundle(sourceOf(set), { sha256, signer: log.signer.named("log.test/other") });
    await expect(collect(writer)).rejects.toThrow(TypeError);
  });

  test("asks for no entry before it is read, and holds no more than one piece", async () => {
    let given = 0;
    function* counted() {
      for (const piece of pieces(set.payloads, 1)) {
        given++;
        yield piece;
      }
    }
    const writer = writeBundle(sourceOf(set, { script, payloads: counted() }), deps);
    for (let most = 0; ; ) {
      const { done, value } = await writer.next();
      if (done) break;
      if (value.length > 0 && Buffer.from(value.subarray(0, 8)).toString() === "entries-") most++;
      expect(given).toBeLessThanOrEqual(most + 1);
    }
    expect(given).toBe(10);
  });
});

describe("the byte stream", () => {
  test("gives the same bytes, to a reader with its own buffer too", async () => {
    const whole = await bundleOf(set, { script });
    const plain = byteStream(writeBundle(sourceOf(set, { script }), deps));
    expect(new Uint8Array(await new Response(plain).arrayBuffer())).toEqual(whole);
    const reader = byteStream(writeBundle(sourceOf(set, { script }), deps)).getReader({ mode: "byob" });
    const parts: Uint8Array[] = [];
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(100));
      if (done) break;
      parts.push(value);
    }
    expect(new Uint8Array(Buffer.concat(parts))).toEqual(whole);
  });

  test("that nobody wants any more ends the writing", async () => {
    let ended = false;
    async function* chunks() {
      try {
        for (;;) yield new Uint8Array(10);
      } finally {
        ended = true;
      }
    }
    const reader = byteStream(chunks()).getReader();
    await reader.read();
    await reader.cancel();
    expect(ended).toBe(true);
  });

  test("ends with the writer's error", async () => {
    const chunks = writeBundle(sourceOf(set, { payloads: [["{}"]] }), deps);
    await expect(new Response(byteStream(chunks)).arrayBuffer()).rejects.toThrow();
  });
});
