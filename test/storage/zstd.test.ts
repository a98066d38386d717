import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { compress, decompress } from "../../src/storage/zstd.ts";

const text = (byteLength: number) =>
  Array.from({ length: Math.ceil(byteLength / 16) }, (_, i) => String(i).padStart(16, "line of text "))
    .join("")
    .slice(0, byteLength);
/** ASCII with 7 bits of chance in each byte. */
function noise(byteLength: number): string {
  const bytes = Buffer.alloc(byteLength);
  let state = 0x12345678;
  for (let i = 0; i < byteLength; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = (state >>> 16) & 0x7f;
  }
  return bytes.toString("latin1");
}
const MAX = 32 * 1024 * 1024;

describe("zstd", () => {
  it("a frame that asks for a window of 128 MiB to give three letters is refused; one of 8 MiB is read", async () => {
    // RFC 8878 §3.1.1: magic, no size and no checksum, the window as 2^(10 + the upper five bits), one last raw block of 3 bytes.
    const frame = (windowLog: number) =>
      Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, (windowLog - 10) << 3, 0x19, 0, 0, 0x61, 0x62, 0x63);
    expect(await decompress(frame(23), MAX)).toBe("abc");
    await expect(decompress(frame(27), MAX)).rejects.toThrow();
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8].map((k) => 40_960 * 2 ** k))(
    "reads back %i bytes, and one more and one less",
    async (n) => {
      for (const byteLength of [n - 1, n, n + 1]) {
        const original = text(byteLength);
        expect((await decompress(await compress(original), MAX)) === original, String(byteLength)).toBe(true);
      }
    },
  );

  it("reads back what hardly compresses, whatever its length: workerd#6769", async () => {
    for (let byteLength = 9_000; byteLength < 4_000_000; byteLength = Math.ceil(byteLength * 1.37)) {
      const original = noise(byteLength);
      const bytes = await compress(original);
      expect((await decompress(bytes, MAX)) === original, String(byteLength)).toBe(true);
    }
    for (const byteLength of [40_940, 40_960, 16_384, 131_072, 163_840, 16 * 1024 * 1024]) {
      const original = noise(byteLength);
      expect((await decompress(await compress(original), MAX)) === original, String(byteLength)).toBe(true);
    }
  });

  it.each(["", "\n", "é 日本 😀\n".repeat(1000)])("reads back %j", async (original) => {
    expect(await decompress(await compress(original), MAX)).toBe(original);
  });

  it("writes one frame with a content checksum: magic number and flag of RFC 8878 §3.1.1", async () => {
    const bytes = await compress("x");
    expect((bytes[4] ?? 0) & 0b100).toBe(0b100);
    expect([...bytes.slice(0, 4)]).toEqual([0x28, 0xb5, 0x2f, 0xfd]);
  });

  it("stops at the bound: exactly as much passes, one byte more does not", async () => {
    const bytes = await compress(text(100_000));
    expect((await decompress(bytes, 100_000)).length).toBe(100_000);
    await expect(decompress(bytes, 99_999)).rejects.toThrow("larger than a segment may be");
  });

  it("a bomb is stopped at the bound, not after it", async () => {
    const bytes = await compress("x".repeat(64 * 1024 * 1024));
    expect(bytes.length).toBeLessThan(16 * 1024);
    await expect(decompress(bytes, 1024 * 1024)).rejects.toThrow("larger than a segment may be");
  });

  it("rejects what is damaged: cut at every tenth, any text, another frame's end", async () => {
    const bytes = await compress(text(50_000));
    for (let tenth = 1; tenth < 10; tenth++) {
      const cut = bytes.slice(0, Math.floor((bytes.length * tenth) / 10));
      await expect(decompress(cut, MAX), `cut at ${tenth}/10`).rejects.toThrow();
    }
    await expect(decompress(new TextEncoder().encode("not zstd"), MAX)).rejects.toThrow();
    for (let at = 0; at < bytes.length; at += 97) {
      const flipped = bytes.with(at, (bytes[at] ?? 0) ^ 1);
      await expect(decompress(flipped, MAX), `byte ${at}`).rejects.toThrow();
    }
    const noMagic = bytes.slice();
    noMagic[0] = 0;
    await expect(decompress(noMagic, MAX)).rejects.toThrow();
  });
});
