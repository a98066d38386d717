/** The tree of a domain's object: one with the chain whatever fails, its head signed once a size, the mirror never ahead. */
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { parseCheckpointNote } from "../../src/core/checkpoint.ts";
import { AppError } from "../../src/core/errors.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { alarmLater, append, bareDomain, env, event, inLog, logOf, stubOf } from "../support/cell.ts";
import { FAULT_FORMS, withFault } from "../support/faults.ts";
import { expectWholeLog } from "../support/verify.ts";

const many = (count: number) => Array.from({ length: count }, () => event());
const signed = (domainId: string) => inLog(domainId, (log) => log.tree.sign()?.note ?? "");
const mirrored = async (domainId: string) => (await env.LOG.get(`tlog/${domainId}/checkpoint`))?.text();

async function mirrorOnce(domainId: string): Promise<void> {
  await signed(domainId);
  await alarmLater(domainId);
  await expect.poll(() => inLog(domainId, (log) => log.tree.isIdle), { timeout: 5000 }).toBe(true);
}

async function untilMirrored(domainId: string): Promise<void> {
  await mirrorOnce(domainId);
  expect(await inLog(domainId, (log) => log.tree.isCovered && log.tree.isMirrored)).toBe(true);
}

async function domainWith(entries: number): Promise<string> {
  const domainId = await bareDomain();
  await append(domainId, many(entries), { waitForCopy: true });
  await untilMirrored(domainId);
  return domainId;
}

describe("the tree and the chain", () => {
  test("are one after a transaction that failed behind the tree's growth", async () => {
    const domainId = await bareDomain();
    await append(domainId, many(3));
    await inLog(domainId, (log) => {
      const { rememberIds } = log.journal;
      log.journal.rememberIds = () => {
        log.journal.rememberIds = rememberIds;
        throw new AppError("storage.unavailable");
      };
    });
    await expect(append(domainId, many(300))).rejects.toThrow();
    await expectWholeLog(domainId);
    await append(domainId, many(300));
    await expectWholeLog(domainId);
  });

  test("are one over evictions, at every border of a tile", async () => {
    const domainId = await bareDomain();
    for (const count of [254, 1, 1, 255, 1]) {
      await append(domainId, many(count));
      await evictDurableObject(stubOf(domainId));
      await expectWholeLog(domainId);
    }
  });

  test("are one again when the log is older than its tree: it is computed from the entries", async () => {
    const domainId = await bareDomain(4);
    await append(domainId, many(10), { waitForCopy: true });
    await alarmLater(domainId);
    await inLog(domainId, (_, { storage }) => {
      for (const table of ["tree", "tile", "checkpoint", "tree_mirror"]) storage.sql.exec(`DELETE FROM ${table}`);
    });
    await env.LOG.delete(`tlog/${domainId}/checkpoint`);
    await evictDurableObject(stubOf(domainId));
    await append(domainId, many(2));
    await alarmLater(domainId);
    await expectWholeLog(domainId);
    expect(parseCheckpointNote(await signed(domainId))?.checkpoint.size).toBe(13);
  });
});

describe("a checkpoint", () => {
  test("of one size has the same bytes after any restart", async () => {
    const domainId = await domainWith(5);
    const first = await signed(domainId);
    await evictDurableObject(stubOf(domainId));
    expect(await signed(domainId)).toBe(first);
  });

  test("is not signed while the object has not compared itself with its copies", async () => {
    const domainId = await domainWith(2);
    await evictDurableObject(stubOf(domainId));
    await inLog(domainId, async (log) => {
      const tip = () => Promise.reject(new Error("D1 is away"));
      log.stores = { ...log.stores, ledger: { ...log.stores.ledger, missingGuards: tip, tip } };
      await log.append({ body: "[]", form: "json", scope: "test", idempotencyKey: null, waitForCopy: false });
    });
    await append(domainId, event());
    await inLog(domainId, (log) => expect(log.tree.sign()?.size).toBe(3));
    await expect(logOf(domainId).entryProof({ seq: 3, waitMs: 0 })).rejects.toMatchObject({
      code: "storage.unavailable",
    });
  });

  test("of a stopped log stays the last one", async () => {
    const domainId = await domainWith(2);
    const last = await signed(domainId);
    await inLog(domainId, (log) => log.journal.stop("a test"));
    expect(await signed(domainId)).toBe(last);
  });
});

describe("the mirror", () => {
  for (const form of FAULT_FORMS) {
    test.each([
      ["putTile", 1],
      ["putTile", 2],
      ["putCheckpoint", 1],
      ["putCheckpoint", 2],
    ] as const)(
      `serves the newest checkpoint with its tiles after %s failed (${form}) %i times`,
      async (method, times) => {
        const domainId = await domainWith(1);
        await append(domainId, many(300), { waitForCopy: true });
        const failed = await inLog(domainId, (log) => {
          const fault = withFault(log.stores.treeMirror, { method, form, times });
          log.stores = { ...log.stores, treeMirror: fault.store };
          return fault.failed;
        });
        for (let round = 0; round < times; round++) await mirrorOnce(domainId);
        expect(failed()).toBe(times);
        await untilMirrored(domainId);
        expect(await mirrored(domainId)).toBe(await signed(domainId));
        for (const path of [
          "tile/0/000",
          "tile/0/001.p/46",
          "tile/entries/000",
          "tile/entries/001.p/46",
          "tile/1/000.p/1",
        ]) {
          const bytes = await logOf(domainId).treeTile(path);
          expect(await (await env.LOG.get(`tlog/${domainId}/${path}`))?.bytes(), path).toEqual(bytes);
        }
        await expectWholeLog(domainId);
      },
    );
  }

  test("loses the partial tiles of a place once the whole one is there", async () => {
    const domainId = await domainWith(3);
    await append(domainId, many(300), { waitForCopy: true });
    await untilMirrored(domainId);
    const { objects } = await env.LOG.list({ prefix: `tlog/${domainId}/tile/0/000` });
    expect(objects.map(({ key }) => key.split("/tile/")[1])).toEqual(["0/000"]);
  });

  test("ahead of the object stops the domain: the object was set back", async () => {
    const domainId = await domainWith(3);
    const other = await domainWith(9);
    const origin = `${env.LOG_HOST}/${domainId}`;
    const { root } = parseCheckpointNote(await signed(other))?.checkpoint as { root: Uint8Array };
    const text = `${origin}\n10\n${Buffer.from(root).toString("base64")}\n`;
    await env.LOG.put(`tlog/${domainId}/checkpoint`, cellConfig(env).signer.named(origin).sign(text));
    await evictDurableObject(stubOf(domainId));
    await expect(append(domainId, event())).rejects.toMatchObject({ code: "domain.stopped" });
    expect((await logOf(domainId).head()).stoppedReason).toContain("the checkpoint in the archive covers 10 entries");
  });

  test("with another root for the same size stops the domain, and both together are evidence of the fork", async () => {
    const domainId = await domainWith(3);
    await untilMirrored(domainId);
    expect(await logOf(domainId).fork()).toBeNull();
    const origin = `${env.LOG_HOST}/${domainId}`;
    const { size } = parseCheckpointNote(await signed(domainId))?.checkpoint as { size: number };
    const text = `${origin}\n${size}\n${Buffer.alloc(32, 9).toString("base64")}\n`;
    await env.LOG.put(`tlog/${domainId}/checkpoint`, cellConfig(env).signer.named(origin).sign(text));
    await evictDurableObject(stubOf(domainId));
    await expect(append(domainId, event())).rejects.toMatchObject({ code: "domain.stopped" });
    const evidence = await logOf(domainId).fork();
    expect(evidence).toMatch(/^moonseal\/fork\/v1\nsame_size\n/);
    expect(evidence).toContain(text);
  });

  test.each(["no note at all", "another key's"])("that holds %s stops nobody, and is repaired", async (kind) => {
    const domainId = await domainWith(3);
    const origin = `${env.LOG_HOST}/${domainId}`;
    const note = await signed(await domainWith(9));
    await env.LOG.put(
      `tlog/${domainId}/checkpoint`,
      kind === "another key's" ? note.replace(/^.*\n/, `${origin}\n`) : "?",
    );
    await evictDurableObject(stubOf(domainId));
    await append(domainId, event());
    await untilMirrored(domainId);
    expect(await mirrored(domainId)).toBe(await signed(domainId));
  });
});
