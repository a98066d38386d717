/** Restores over HTTP, as the operator asks for them: also from a copy of the bucket, on a machine that has nothing else. */
import { beforeAll, describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { segmentKey } from "../../src/core/segment.ts";
import {
  append,
  call,
  env,
  event,
  jurisdiction,
  logOf,
  newDomain,
  newTenant,
  type TestTenant,
} from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { problemOf } from "../support/problems.ts";
import { archiveAll, breakRestore, loseObject, rowsIn, turn, wipeLedger } from "../support/restore.ts";

const operator = env.OPERATOR_SECRET;

async function restored(logId: string, body: object = {}) {
  const begun = await call(`/v1/restores/${logId}`, { key: operator, body });
  const first = (await begun.json()) as Record<string, unknown>;
  expect(begun.status, JSON.stringify(first)).toBe(202);
  for (let now = first; ; ) {
    if (now.ended_at !== null) return { ...now, api_key: first.api_key } as Record<string, unknown>;
    await turn(logId);
    now = (await (await call(`/v1/restores/${logId}`, { key: operator })).json()) as typeof now;
  }
}

/** What R2 LOG holds of a log, in the order in which a cell takes it back. */
async function copyOf(logId: string): Promise<[string, ArrayBuffer][]> {
  const names: string[] = [];
  for (const prefix of ["audit", "tlog", "sealed"]) {
    names.push(...(await env.LOG.list({ prefix: `${prefix}/${logId}/` })).objects.map(({ key }) => key));
  }
  const read = async (key: string) => [key, await (await env.LOG.get(key))!.arrayBuffer()] as [string, ArrayBuffer];
  return Promise.all(
    [
      names[0] as string,
      ...names.filter((name, i) => i > 0 && name.startsWith("tlog")),
      ...names.filter((name, i) => i > 0 && !name.startsWith("tlog")),
    ].map(read),
  );
}

const put = async (logId: string, key: string, bytes: ArrayBuffer | Uint8Array<ArrayBuffer>) => {
  const path = `/v1/restores/${logId}/objects?key=${encodeURIComponent(key)}`;
  const headers = { "Content-Type": "application/octet-stream" };
  return call(path, { method: "PUT", key: operator, rawBody: bytes, headers });
};

describe("a machine that has a copy of the bucket and nothing else", () => {
  let tenant: TestTenant;
  let domainId: string;
  let logs: string[];
  const copies = new Map<string, [string, ArrayBuffer][]>();
  let rows: unknown[];

  beforeAll(async () => {
    tenant = await newTenant();
    domainId = await newDomain(tenant, { segment_entries: 4 });
    logs = [tenant.tenantDomainId, domainId];
    await append(
      domainId,
      Array.from({ length: 9 }, () => event()),
    );
    for (const log of logs) {
      await archiveAll(log);
      copies.set(log, await copyOf(log));
    }
    rows = await rowsIn(domainId);
    for (const log of logs) {
      await loseObject(log);
      await wipeLedger(log);
      for (const [key] of copies.get(log) ?? []) await env.LOG.delete(key);
    }
    await env.CONTROL.batch(
      ["ledger_shard WHERE domain_id IN (?1, ?2)", "domain WHERE id IN (?1, ?2)"].map((what) =>
        env.CONTROL.prepare(`DELETE FROM ${what}`).bind(...logs),
      ),
    );
    await env.CONTROL.batch([
      env.CONTROL.prepare("DELETE FROM api_key WHERE tenant_id = ?").bind(tenant.tenantId),
      env.CONTROL.prepare("DELETE FROM tenant WHERE id = ?").bind(tenant.tenantId),
    ]);
  }, 60_000);

  it("S2-34 S4-8 takes every object back once, restores the tenant's own log and the other, and shows a key that reads", async () => {
    for (const log of [domainId, tenant.tenantDomainId]) {
      for (const [key, bytes] of copies.get(log) ?? []) {
        expect(await (await put(log, key, bytes)).json(), key).toEqual({ stored: true, refused: null });
        expect(await (await put(log, key, bytes)).json(), key).toEqual({ stored: false, refused: null });
      }
    }
    expect(await restored(domainId)).toMatchObject({
      phase: "refused",
      refused: { code: "tenant_missing" },
      api_key: null,
    });
    // It breaks off after the tenant's row was made and before anything is noted: the next one still shows the key.
    let breaks = 1;
    await breakRestore(tenant.tenantDomainId, ({ log }) => ({
      log: {
        ...log,
        adopt: async (call) => {
          if (breaks-- > 0) throw new AppError("storage.unavailable");
          return log.adopt(call);
        },
      },
    }));
    const broken = await call(`/v1/restores/${tenant.tenantDomainId}`, { key: operator, body: {} });
    await problemOf(broken, "storage.unavailable");
    const own = await restored(tenant.tenantDomainId);
    expect(own).toMatchObject({ phase: "done", log: "lost", refused: null });
    expect(await restored(domainId)).toMatchObject({ phase: "done", log: "lost", compared: 10, checkpoint_ours: true });
    expect(await rowsIn(domainId)).toEqual(rows);
    const key = own.api_key as string;
    const verified = await call(`/v1/domains/${domainId}/audit/verify`, { key });
    expect(await verified.json()).toMatchObject({ verdict: "verified", entries: 10 });
    expect((await call(`/v1/domains/${domainId}/log/checkpoint`, { key })).status).toBe(200);
    // It reads, and no more.
    await problemOf(await call(`/v1/domains/${domainId}/audit/entries`, { key, body: event() }), "auth.forbidden");
  });
});

describe("objects that are put back", () => {
  let domainId: string;
  let segment: ArrayBuffer;

  beforeAll(async () => {
    domainId = await newDomain(await newTenant(), { segment_entries: 4 });
    await append(
      domainId,
      Array.from({ length: 9 }, () => event()),
    );
    await archiveAll(domainId);
    segment = await (await env.LOG.get(segmentKey(domainId, 4)))!.arrayBuffer();
  });

  it("a living log takes back a segment that was lost, and only the one that its tree knows", async () => {
    await env.LOG.delete(segmentKey(domainId, 4));
    const other = await (await env.LOG.get(segmentKey(domainId, 0)))!.arrayBuffer();
    const wrong = (await (await put(domainId, segmentKey(domainId, 4), other)).json()) as { refused: { code: string } };
    expect(wrong.refused.code).toBe("archive_damaged");
    expect(await (await put(domainId, segmentKey(domainId, 4), segment)).json()).toEqual({
      stored: true,
      refused: null,
    });
    expect(await restored(domainId)).toMatchObject({ phase: "done", log: "living", compared: 10 });
    expect((await logOf(domainId).head()).stoppedReason).toBeNull();
  });

  for (const [what, key, code] of [
    ["a page of sealed rows", (id: string) => `sealed/${id}/${"0".repeat(20)}.jsonl`, "log_lives"],
    ["a checkpoint", (id: string) => `tlog/${id}/checkpoint`, "log_lives"],
    ["a name of no archive", (id: string) => `audit/${id}/x.json.zst`, "archive_foreign"],
    [
      "another log's segment",
      () => `audit/dom_${jurisdiction}_00000000000000000000000002/${"0".repeat(20)}.json.zst`,
      "archive_foreign",
    ],
    ["a segment behind the log's end", (id: string) => segmentKey(id, 12), "archive_damaged"],
  ] as const) {
    it(`a living log takes no ${what}`, async () => {
      const answer = (await (await put(domainId, key(domainId), segment)).json()) as {
        refused: { code: string } | null;
      };
      expect(["archive_missing", "archive_damaged", "log_contradicts", code]).toContain(answer.refused?.code);
    });
  }

  it("no tenant's key reaches a log of another tenant, whatever it holds", async () => {
    const stranger = await newTenant();
    const { key } = await storedKey(stranger.tenantId, ["domain.restore"]);
    await problemOf(await call(`/v1/restores/${domainId}`, { key, body: {} }), "resource.not_found");
    await problemOf(await call(`/v1/restores/${domainId}`, { key }), "resource.not_found");
    await problemOf(
      await call(`/v1/restores/${domainId}/objects?key=${segmentKey(domainId, 0)}`, {
        key,
        method: "PUT",
        rawBody: "x",
      }),
      "resource.not_found",
    );
  });

  it("S4-11 a drill stands in the cell's status with when, how many, how fast and what came of it", async () => {
    await wipeLedger(domainId);
    expect(await restored(domainId, { drill: true })).toMatchObject({ phase: "done", drill: true });
    const status = (await (await call("/v1/status/cell", { key: operator })).json()) as {
      watched: { last_drill: Record<string, unknown> };
    };
    expect(status.watched.last_drill).toMatchObject({ entries: 10, verdict: "restored" });
  });
});
