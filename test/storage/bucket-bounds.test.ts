/** Objects of the bucket that are larger than they can be: whoever can write to it must not end the objects that read it. */
import { describe, expect, it } from "vitest";
import { TILE_WIDTH } from "../../src/core/merkle/tiles.ts";
import { segmentKey } from "../../src/core/segment.ts";
import { R2SegmentStore } from "../../src/storage/segment-store.ts";
import { R2TreeMirror, treePrefix } from "../../src/storage/tree-mirror.ts";
import { env } from "../support/cell.ts";
import { newId } from "./sql.ts";

const MiB = 1024 * 1024;

describe("an object of the bucket that is larger than it can be", () => {
  it("is a tile of no bytes, or a checkpoint of no text; the largest that there is comes whole", async () => {
    const domainId = newId("domain");
    const mirror = new R2TreeMirror(env.LOG, domainId);
    const under = treePrefix(domainId);
    const largest = TILE_WIDTH * 34;
    await env.LOG.put(`${under}tile/entries/000`, new Uint8Array(largest));
    await env.LOG.put(`${under}tile/entries/001`, new Uint8Array(largest + 1));
    await env.LOG.put(`${under}checkpoint`, "x".repeat(64 * 1024));
    expect(await mirror.tile("tile/entries/000")).toHaveLength(largest);
    expect(await mirror.tile("tile/entries/001")).toHaveLength(0);
    expect(await mirror.tile("tile/entries/002")).toBeNull();
    expect(await mirror.checkpoint()).toHaveLength(64 * 1024);
    await env.LOG.put(`${under}checkpoint`, "x".repeat(64 * 1024 + 1));
    expect(await mirror.checkpoint()).toBe("");
  });

  it("is a segment without payloads, and is not read", async () => {
    const domainId = newId("domain");
    await env.LOG.put(segmentKey(domainId, 0), new Uint8Array(20 * MiB));
    let read = 0;
    const bucket = new Proxy(env.LOG, {
      get: (target, name) =>
        name === "get"
          ? async (key: string) => {
              const object = await target.get(key);
              return (
                object &&
                new Proxy(object, {
                  get: (own, property) => {
                    if (property === "arrayBuffer") read++;
                    const value = Reflect.get(own, property, own);
                    return typeof value === "function" ? value.bind(own) : value;
                  },
                })
              );
            }
          : Reflect.get(target, name).bind(target),
    });
    expect(await new R2SegmentStore(bucket, domainId).get(0)).toEqual({ head: null, payloads: [] });
    expect(read).toBe(0);
  });
});
