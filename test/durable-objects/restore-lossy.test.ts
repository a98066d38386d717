/** Logs that come back without their last entries: what is there can be proved as far as something signed covers it, and nothing waits for ever. */
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { ADOPTED_REASON } from "../../durable-objects/domain-log/adoption.ts";
import { restoringLog } from "../../durable-objects/gates.ts";
import { toHex } from "../../src/core/bytes.ts";
import { parseCheckpointNote } from "../../src/core/checkpoint.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { bundlePath } from "../../src/core/merkle/tiles.ts";
import { segmentKey } from "../../src/core/segment.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { verifyEvidence } from "../../src/verifier/evidence.ts";
import { append, call, env, event, logOf, newDomain, newTenant, stubOf, type TestTenant } from "../support/cell.ts";
import { exported, PLATFORM, readExport, startExport, trusted, untilStatus, verified } from "../support/exports.ts";
import { problemOf } from "../support/problems.ts";
import { archiveAll, loseObject, restore, rowsIn, wipeLedger } from "../support/restore.ts";

const NEVER = expect.stringContaining(ADOPTED_REASON);
const at = (domainId: string, path: string) => `/v1/domains/${domainId}${path}`;
const get = (tenant: TestTenant, domainId: string, path: string) => call(at(domainId, path), { key: tenant.key });

/** 22 entries, of which the last two are lost for good: no object, no D1, no segment. `remains`: of the tree in the bucket. */
async function lossy(remains: "the tree" | "the checkpoint" | "nothing") {
  const tenant = await newTenant();
  const domainId = await newDomain(tenant, { segment_entries: 4 });
  const events = Array.from({ length: 21 }, (_, i) => event({ id: `${domainId}-${i + 1}` }));
  await append(domainId, events);
  await archiveAll(domainId);
  const { note } = await logOf(domainId).checkpoint();
  const rows = await rowsIn(domainId);
  const lastSegment = await (await env.LOG.get(segmentKey(domainId, 20)))?.arrayBuffer();
  const metadata = (await env.LOG.head(segmentKey(domainId, 20)))?.customMetadata ?? {};
  await loseObject(domainId);
  await wipeLedger(domainId);
  await env.LOG.delete(segmentKey(domainId, 20));
  if (remains !== "the tree") await dropAll(`tlog/${domainId}/tile/`);
  if (remains === "nothing") await dropAll(`tlog/${domainId}/`);
  const foundAgain = async () => {
    await env.LOG.put(segmentKey(domainId, 20), lastSegment as ArrayBuffer, { customMetadata: metadata });
  };
  return { tenant, domainId, note, rows, foundAgain };
}

async function dropAll(prefix: string): Promise<void> {
  for (const { key } of (await env.LOG.list({ prefix })).objects) await env.LOG.delete(key);
}

describe("S4-8 a restored log whose last entries are lost, with the tree in the bucket", () => {
  it("shows the checkpoint that was signed over all of it, and takes nothing", async () => {
    const { tenant, domainId, note } = await lossy("the tree");
    expect(await restore(domainId)).toMatchObject({ phase: "done", inserted: 20, checkpointSize: 22, lost: 2 });
    const shown = await get(tenant, domainId, "/log/checkpoint");
    expect((await shown.text()).split("\n\n")[0]).toBe(note.split("\n\n")[0]);
    expect(await logOf(domainId).head()).toMatchObject({ size: 20, signedSize: 22, stoppedReason: ADOPTED_REASON });
    const answer = await call(at(domainId, "/audit/entries"), { key: tenant.key, body: event() });
    await problemOf(answer, "domain.stopped");
  });

  it("proves every entry that is there under that checkpoint, and says 404 of those that are lost", async () => {
    const { tenant, domainId } = await lossy("the tree");
    await restore(domainId);
    for (const seq of [0, 7, 16, 19]) {
      const answer = await get(tenant, domainId, `/audit/entries/${seq}/evidence`);
      expect(verifyEvidence(await answer.text(), trusted(), PLATFORM).verdict, String(seq)).toBe("verified");
    }
    for (const seq of [20, 21]) {
      await problemOf(await get(tenant, domainId, `/audit/entries/${seq}/evidence`), "resource.not_found");
    }
    const set = (to: number) =>
      call(at(domainId, "/audit/evidence"), { key: tenant.key, body: { range: { from: 0, to } } });
    expect((await set(19)).status).toBe(200);
    await problemOf(await set(20), "resource.not_found");
  });

  it("the object shows the same after it started again", async () => {
    const { domainId, note } = await lossy("the tree");
    await restore(domainId);
    await evictDurableObject(stubOf(domainId));
    const shown = parseCheckpointNote((await logOf(domainId).checkpoint()).note)?.checkpoint;
    expect(shown).toEqual(parseCheckpointNote(note)?.checkpoint);
  });

  it("exports what is there, and the export is verified under that checkpoint", async () => {
    const { tenant, domainId } = await lossy("the tree");
    await restore(domainId);
    const zip = await exported(tenant, domainId);
    expect(verified(zip)).toMatchObject({ verdict: "verified" });
    const bundle = await get(tenant, domainId, "/audit/bundle");
    expect(bundle.status).toBe(200);
    await bundle.arrayBuffer();
  });

  it("serves the leaves of what is lost, so that whoever remembers the log sees that it is the same one", async () => {
    const { tenant, domainId, rows } = await lossy("the tree");
    await restore(domainId);
    const bundle = await get(tenant, domainId, `/log/${bundlePath({ index: 0, width: 22 })}`);
    const hashes = toHex(new Uint8Array(await bundle.arrayBuffer()));
    expect(hashes).toBe(rows.map(({ entryHash }) => `0020${entryHash}`).join(""));
    const grown = await get(tenant, domainId, "/log/consistency?from=11");
    expect(await grown.json()).toMatchObject({ from: 11, to: 22 });
  });

  it("goes on where the lost segment is found again, and is whole", async () => {
    const { tenant, domainId, rows, foundAgain } = await lossy("the tree");
    await restore(domainId);
    await foundAgain();
    expect(await restore(domainId)).toMatchObject({ phase: "done", compared: 22, lost: 0 });
    expect(await rowsIn(domainId)).toEqual(rows);
    expect(await logOf(domainId).head()).toMatchObject({ size: 22, signedSize: 22 });
    const evidence = await get(tenant, domainId, "/audit/entries/21/evidence");
    expect(verifyEvidence(await evidence.text(), trusted(), PLATFORM).verdict).toBe("verified");
  });

  it("a restore that ends earlier proves what it has, and a later one goes on over the same tree", async () => {
    const { tenant, domainId, rows } = await lossy("the tree");
    await restore(domainId, { seq: 9, atMs: null });
    const evidence = await get(tenant, domainId, "/audit/entries/9/evidence");
    expect(verifyEvidence(await evidence.text(), trusted(), PLATFORM).verdict).toBe("verified");
    await restore(domainId);
    expect(await rowsIn(domainId)).toEqual(rows.slice(0, 20));
    expect(verified(await exported(tenant, domainId))).toMatchObject({ verdict: "verified" });
  });

  it("a copy of the lost entries that says something else is refused by the tree", async () => {
    const { domainId } = await lossy("the tree");
    await restore(domainId);
    const page = { fromSeq: 20, hashes: new Uint8Array(64).fill(7), recordedAtMs: 0 };
    await expect(restoringLog(env, cellConfig(env), domainId).extend(page)).rejects.toThrow(/another one/);
    expect(await logOf(domainId).head()).toMatchObject({ size: 20 });
  });
});

for (const remains of ["the checkpoint", "nothing"] as const) {
  describe(`S4-8 a restored log whose last entries are lost, with ${remains} in the bucket`, () => {
    it("can be read, listed and recomputed", async () => {
      const { tenant, domainId, rows } = await lossy(remains);
      expect(await restore(domainId)).toMatchObject({ phase: "done", inserted: 20 });
      expect(await rowsIn(domainId)).toEqual(rows.slice(0, 20));
      const read = await get(tenant, domainId, "/audit/entries?limit=100");
      expect(((await read.json()) as { entries: unknown[] }).entries).toHaveLength(20);
      expect((await get(tenant, domainId, "/audit/entries/19")).status).toBe(200);
      const recomputed = await get(tenant, domainId, "/audit/verify");
      expect(await recomputed.json()).toMatchObject({ verdict: "verified" });
    });

    it("refuses by name, and for good, what nothing signed covers: no 503, no Retry-After", async () => {
      const { tenant, domainId } = await lossy(remains);
      await restore(domainId);
      const asked = [
        await get(tenant, domainId, "/log/checkpoint"),
        await get(tenant, domainId, "/log/consistency?from=1"),
        await get(tenant, domainId, "/audit/entries/3/evidence"),
        await get(tenant, domainId, "/audit/bundle"),
        await call(at(domainId, "/audit/evidence"), { key: tenant.key, body: { range: { from: 0, to: 3 } } }),
      ];
      for (const answer of asked) {
        expect(answer.headers.get("Retry-After")).toBeNull();
        expect(await problemOf(answer, "log.unsigned")).toMatchObject({ status: 409, detail: NEVER });
      }
    });

    it("an export fails at its first try, by name, and is told of as failed", async () => {
      const { tenant, domainId } = await lossy(remains);
      await restore(domainId);
      const { id } = await startExport(tenant, domainId);
      await untilStatus(tenant, domainId, id, "failed");
      expect(await readExport(tenant, domainId, id)).toMatchObject({ status: "failed", failure: "log.unsigned" });
    });
  });
}

describe("S4-8 a living log whose last entries are not archived yet", () => {
  it("says how many entries the log has, brings them to D1, and says when the archive takes the rest", async () => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant, { segment_entries: 4 });
    await append(
      domainId,
      Array.from({ length: 21 }, () => event()),
    );
    await archiveAll(domainId);
    await append(domainId, [event(), event()]);
    await wipeLedger(domainId);
    const view = await restore(domainId);
    expect(view).toMatchObject({ phase: "done", log: "living", size: 22, entries: 24, compared: 22 });
    expect((view.archiveDueMs ?? 0) - Date.now()).toBeGreaterThan(0);
    expect((view.archiveDueMs ?? 0) - Date.now()).toBeLessThanOrEqual(LIMITS.segmentFlushMs);
    expect(await rowsIn(domainId)).toHaveLength(24);
  });
});
