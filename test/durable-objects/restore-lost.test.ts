import { describe, expect, it } from "vitest";
import { ADOPTED_REASON } from "../../durable-objects/domain-log/adoption.ts";
import { segmentKey } from "../../src/core/segment.ts";
import { append, call, env, event, inLog, jurisdiction, logOf, newDomain, newTenant } from "../support/cell.ts";
import {
  archiveAll,
  archivedDomain,
  breakRestore,
  forgeFrom,
  loseObject,
  restore,
  rowsIn,
  wipeLedger,
} from "../support/restore.ts";
import { tamper } from "../support/tamper.ts";

/** A domain of a tenant, archived, whose object and D1 rows are lost. */
async function lostDomain(entries = 21) {
  const tenant = await newTenant();
  const domainId = await newDomain(tenant, { segment_entries: 4 });
  await append(
    domainId,
    Array.from({ length: entries }, () => event()),
  );
  await archiveAll(domainId);
  const before = { rows: await rowsIn(domainId), head: await logOf(domainId).head() };
  const { note } = await logOf(domainId).checkpoint();
  await loseObject(domainId);
  await wipeLedger(domainId);
  return { tenant, domainId, ...before, note };
}

describe("a log whose object and D1 were lost", () => {
  it("S4-8 S2-34 is made anew from the bucket alone: every row, head, root and the checkpoint that was published", async () => {
    const { domainId, tenant, rows, head, note } = await lostDomain();
    const view = await restore(domainId);
    expect(view).toMatchObject({
      phase: "done",
      log: "lost",
      inserted: 22,
      compared: 22,
      lost: 0,
      checkpointOurs: true,
    });
    expect(view.checkpointSize).toBe(head.mirroredSize);
    expect(await rowsIn(domainId)).toEqual(rows);
    const { size, entryHash, genesis } = head;
    expect(await logOf(domainId).head()).toMatchObject({ size, entryHash, genesis, stoppedReason: ADOPTED_REASON });
    expect((await logOf(domainId).checkpoint()).note.split("\n\n")[0]).toBe(note.split("\n\n")[0]);
    const read = await call(`/v1/domains/${domainId}/audit/entries?limit=100`, { key: tenant.key });
    expect(((await read.json()) as { entries: unknown[] }).entries).toHaveLength(22);
    const verified = await call(`/v1/domains/${domainId}/audit/verify`, { key: tenant.key });
    expect(await verified.json()).toMatchObject({ verdict: "verified" });
  });

  it("takes no new entry, ever: what it had committed and not archived is missing from it", async () => {
    const { domainId, tenant } = await lostDomain(5);
    await restore(domainId);
    const answer = await call(`/v1/domains/${domainId}/audit/entries`, { key: tenant.key, body: event() });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: "domain.stopped", detail: ADOPTED_REASON });
  });

  it("says how many entries the published checkpoint covers that no archive has", async () => {
    const { domainId } = await lostDomain(21);
    await env.LOG.delete(segmentKey(domainId, 20));
    expect(await restore(domainId)).toMatchObject({ phase: "done", inserted: 20, checkpointSize: 22, lost: 2 });
  });

  for (const [seq, size] of [
    [0, 1],
    [9, 10],
    [11, 12],
    [500, 22],
  ] as const) {
    it(`--until ${seq} ends inside or behind a segment, and a later restore goes on to the end`, async () => {
      const { domainId, rows } = await lostDomain();
      expect(await restore(domainId, { seq, atMs: null })).toMatchObject({ phase: "done", size, compared: size });
      expect(await rowsIn(domainId)).toEqual(rows.slice(0, size));
      expect(await restore(domainId)).toMatchObject({ phase: "done", size: 22, compared: 22 });
      expect(await rowsIn(domainId)).toEqual(rows);
    });
  }

  it("--until a time brings back nothing that was recorded later", async () => {
    const { domainId, rows } = await lostDomain();
    const recordedAt = (i: number) => Date.parse(JSON.parse(rows[i]?.payload ?? "").recorded_at);
    const atMs = recordedAt(0);
    const kept = rows.filter((_, i) => recordedAt(i) <= atMs);
    expect(await restore(domainId, { seq: null, atMs })).toMatchObject({ phase: "done", size: kept.length });
    expect(await rowsIn(domainId)).toEqual(kept);
  });

  it("an altered entry is named by its leaf in the tiles under the checkpoint, before anything is written", async () => {
    const { domainId } = await lostDomain();
    await forgeFrom(domainId, 8);
    expect(await restore(domainId)).toMatchObject({ phase: "refused", refused: { code: "archive_damaged", seq: 8 } });
    expect(await rowsIn(domainId)).toEqual([]);
  });

  it("an archive that does not lead to its checkpoint is refused, whatever the tiles say", async () => {
    const { domainId } = await lostDomain();
    await forgeFrom(domainId, 8);
    for (const { key } of (await env.LOG.list({ prefix: `tlog/${domainId}/tile/` })).objects) await env.LOG.delete(key);
    expect(await restore(domainId)).toMatchObject({ phase: "refused", refused: { code: "checkpoint_contradicts" } });
  });

  it("D1 that survived is compared and kept; its pruned prefix stays pruned", async () => {
    const domainId = await archivedDomain(21);
    const rows = await rowsIn(domainId);
    await loseObject(domainId);
    await tamper(domainId, "DELETE FROM audit_log WHERE domain_id = ?1 AND seq < 9");
    const view = await restoreKnown(domainId);
    expect(view).toMatchObject({ phase: "done", log: "lost", inserted: 0, compared: 13 });
    expect(await rowsIn(domainId)).toEqual(rows.slice(9));
    expect(await logOf(domainId).head()).toMatchObject({ size: 22, firstHot: 9, firstKept: 0 });
  });

  it("a payload prefix that has expired stays hashes: head, root and checkpoint are the old ones", async () => {
    const { domainId, rows, head } = await lostDomain();
    for (const seq of [0, 4]) await env.LOG.delete(segmentKey(domainId, seq));
    const view = await restore(domainId);
    expect(view).toMatchObject({ phase: "done", fromSeq: 8, inserted: 14, compared: 14, checkpointSize: 22 });
    expect(await rowsIn(domainId)).toEqual(rows.slice(8));
    expect(await logOf(domainId).head()).toMatchObject({
      size: 22,
      entryHash: head.entryHash,
      firstHot: 8,
      firstKept: 8,
    });
  });

  it("a log of a tenant that nobody knows here is refused until the tenant's own log is back", async () => {
    const domainId = await archivedDomain(5);
    await loseObject(domainId);
    expect(await restore(domainId)).toMatchObject({ phase: "refused", refused: { code: "tenant_missing" } });
  });

  it("another jurisdiction's archive is refused", async () => {
    const { domainId } = await lostDomain(5);
    const jurisdictionElsewhere = jurisdiction === "eu" ? "us" : "eu";
    await breakRestore(domainId, () => ({ jurisdiction: jurisdictionElsewhere }));
    expect(await restore(domainId)).toMatchObject({ refused: { code: "archive_elsewhere" } });
  });

  it("an empty archive is refused", async () => {
    const { domainId } = await lostDomain(5);
    for (const seq of [0, 4]) await env.LOG.delete(segmentKey(domainId, seq));
    expect(await restore(domainId)).toMatchObject({ refused: { code: "archive_missing" } });
  });

  it("S4-9 a log that is made anew and is killed on the way goes on, and is the same in the end", async () => {
    const { domainId, rows, head } = await lostDomain();
    let left = 4;
    await breakRestore(domainId, (deps) => ({
      log: {
        ...deps.log,
        async extend(page) {
          const reached = await deps.log.extend({ ...page, hashes: page.hashes.slice(0, 5 * 32) });
          if (left-- > 0) throw new Error("killed");
          return page.hashes.length > 5 * 32 ? deps.log.extend(page) : reached;
        },
      },
    }));
    for (let kill = 0; kill < 4; kill++) await restore(domainId).catch(() => undefined);
    expect(await restore(domainId)).toMatchObject({ phase: "done", compared: 22 });
    expect(await rowsIn(domainId)).toEqual(rows);
    expect((await logOf(domainId).head()).entryHash).toBe(head.entryHash);
    await inLog(domainId, (log) => expect(log.tree.size).toBe(22));
  });
});

/** Of a bare domain, which no database knows. */
async function restoreKnown(domainId: string) {
  await breakRestore(domainId, ({ control }) => ({
    control: {
      domain: async () => null,
      tenant: async (tenantId) => ({ id: tenantId }) as Awaited<ReturnType<typeof control.tenant>>,
      shards: async () => [],
      addDomain: async () => true,
      addTenant: async () => {},
    },
  }));
  return restore(domainId);
}
