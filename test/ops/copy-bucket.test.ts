/** `npm run ops -- copy-bucket`: a bucket of this machine as a folder. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { copyBucket, copyLocalBucket } from "../../src/ops/copy-bucket.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "copy-bucket-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(root, { recursive: true, force: true });
});

test("every object is in the folder under its name, byte for byte, while another process has the bucket open", async () => {
  const state = path.join(root, "state");
  const serving = new Miniflare(
    convertV4MiniflareOptions({
      workers: [{ name: "cell", modules: true, script: "export default {}", r2Buckets: { LOG: "moonseal-log-eu" } }],
      resourcePersistencePath: path.join(state, "v3"),
      cf: false,
    }),
  );
  try {
    const bucket = await serving.getR2Bucket("LOG");
    await bucket.put("audit/d/0.json.zst", new Uint8Array([0, 255, 10]));
    await bucket.put("tlog/d/checkpoint", "a note\n");
    const folder = path.join(root, "copy");
    expect(await copyLocalBucket(state, "moonseal-log-eu", folder)).toBe(2);
    expect([...readFileSync(path.join(folder, "audit/d/0.json.zst"))]).toEqual([0, 255, 10]);
    expect(readFileSync(path.join(folder, "tlog/d/checkpoint"), "utf8")).toBe("a note\n");
  } finally {
    await serving.dispose();
  }
});

test("a folder that holds something is refused, and a call that names no cell is wrong usage", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  mkdirSync(path.join(root, ".wrangler/state"), { recursive: true });
  writeFileSync(path.join(root, "there"), "");
  const named = ["--jurisdiction", "eu", "--local", "--root", root];
  await expect(copyBucket([root, ...named])).rejects.toThrow("is not empty");
  expect(await copyBucket([root])).toBe(2);
  expect(await copyBucket([...named])).toBe(2);
});
