/** A link to an export is worth no more than the rights of whoever made it, as they are when it is used. */
import { beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { append, call, event, newDomain, newTenant, ORIGIN, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { download, inRoom, newLink, pathOf, startExport, untilStatus } from "../support/exports.ts";
import { inBook, memberSession } from "../support/people.ts";
import { problemOf } from "../support/problems.ts";
import { entriesOf } from "../support/tenancy.ts";

let tenant: TestTenant;
let domainId: string;
let exportId: string;

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  await append(domainId, [event(), event()]);
  ({ id: exportId } = await startExport(tenant, domainId));
  await untilStatus(tenant, domainId, exportId);
});

async function linkBy(key: string): Promise<string> {
  const answer = await call(pathOf(domainId, `/${exportId}/link`), { key, body: {} });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { url: string }).url.slice(ORIGIN.length);
}

async function isDead(path: string): Promise<void> {
  const before = (await entriesOf(tenant.tenantDomainId)).length;
  await problemOf(await download(path), "resource.not_found");
  expect(await entriesOf(tenant.tenantDomainId)).toHaveLength(before);
}

const removed = (id: string) => inBook(tenant.tenantId, (book) => book.removePerson(id, Date.now()));

describe("S0-20: a link is dead, like one that never was, and nothing is said to be downloaded,", () => {
  test("when the member who made it was removed", async () => {
    const { token, memberId } = await memberSession("admin", { tenant });
    const [used, unused] = [await linkBy(token), await linkBy(token)];
    expect((await download(used)).status).toBe(200);
    await removed(memberId);
    await isDead(used);
    await isDead(unused);
  });

  test("when the key that made it was revoked", async () => {
    const { key, id } = await storedKey(tenant.tenantId, ["export.read"]);
    const path = await linkBy(key);
    expect((await download(path)).status).toBe(200);
    await call(`/v1/tenants/${tenant.tenantId}/keys/${id}`, { key: tenant.key, method: "DELETE" });
    await isDead(path);
  });
});

test("S0-20: a link to private values takes the permission to see them, when it is made and when it is used", async () => {
  const body = { include_private: { reason: "Ticket 4711: an audit of the exports" } };
  const { id } = await startExport(tenant, domainId, body);
  await untilStatus(tenant, domainId, id);
  const { key } = await storedKey(tenant.tenantId, ["export.read"]);
  const path = pathOf(domainId, `/${id}/link`);
  const refused = await call(path, { key, body: {} });
  expect((await problemOf(refused, "auth.forbidden")).detail).toContain("entry.reveal");
  const { token, memberId } = await memberSession("owner", { tenant });
  const made = await call(path, { key: token, body: {} });
  expect(made.status).toBe(201);
  const link = ((await made.json()) as { url: string }).url.slice(ORIGIN.length);
  expect((await download(link)).status).toBe(200);
  await inBook(tenant.tenantId, (book) => book.setRole(memberId, "support"));
  await isDead(link);
});

test("a link outlives the session that made it: it has an end of its own", async () => {
  const { token, sessionId } = await memberSession("admin", { tenant });
  const path = await linkBy(token);
  await inBook(tenant.tenantId, (book) => book.endSession(sessionId, Date.now()));
  expect((await download(path)).status).toBe(200);
});

test("S1-9: who asked for an export, and whom it was asked about, is kept no longer than the making needs it", async () => {
  const { token, memberId } = await memberSession("admin", { tenant });
  const nobody = "person-nobody-knows-7f3a";
  const body = { q: `actor:${nobody}` };
  const answer = await call(pathOf(domainId), { key: token, body });
  expect(answer.status).toBe(202);
  const { id } = ((await answer.json()) as { export: { id: string } }).export;
  await untilStatus(tenant, domainId, id);
  await newLink(tenant, domainId, id);
  const kept = await inRoom(domainId, (_, { storage }) =>
    storage.sql.exec<{ record: string }>("SELECT record FROM export_job WHERE id = ?", id).one(),
  );
  expect(kept.record).toContain(id);
  expect(kept.record).not.toContain(nobody);
  expect(kept.record).not.toContain(memberId);
  const told = (await entriesOf(tenant.tenantDomainId)).filter(({ targets }) => JSON.stringify(targets).includes(id));
  expect(told.map(({ action }) => action)).toEqual(["audit.export_created", "audit.export_finished"]);
  expect(told[0]?.actor).toMatchObject({ type: "user" });
});

test("exports that are kept have a limit, so that their files do not fill the bucket without end", async () => {
  const its = await newDomain(tenant);
  const { id } = await startExport(tenant, its);
  await untilStatus(tenant, its, id);
  await inRoom(its, (_, { storage }) => {
    const { record } = storage.sql.exec<{ record: string }>("SELECT record FROM export_job").one();
    for (let i = 1; i < LIMITS.exportsKept; i++) {
      const parsed = JSON.parse(record) as { wish: { id: string } };
      const its = JSON.stringify({ ...parsed, wish: { ...parsed.wish, id: `${id}-${i}` } });
      storage.sql.exec(
        "INSERT INTO export_job (id, created_ms, version, record) VALUES (?, 0, 1, ?)",
        `${id}-${i}`,
        its,
      );
    }
  });
  const refused = await call(pathOf(its), { key: tenant.key, body: {} });
  expect((await problemOf(refused, "limit.reached")).detail).toContain("withdraw one");
  await call(pathOf(its, `/${id}`), { key: tenant.key, method: "DELETE" });
  await startExport(tenant, its);
  const { exports } = (await (await call(pathOf(its), { key: tenant.key })).json()) as { exports: unknown[] };
  expect(exports).toHaveLength(LIMITS.exportsKept);
});
