/** How a domain treats what comes to it: read, changed, told of in two logs. */
import { beforeAll, describe, expect, test } from "vitest";
import { DOMAIN_SETTINGS } from "../../src/core/domain-settings.ts";
import { call, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { pointersOf, problemOf } from "../support/problems.ts";
import { entriesOf } from "../support/tenancy.ts";

let tenant: TestTenant;
let domainId: string;
beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
});

const path = (of = domainId) => `/v1/domains/${of}/settings`;
const read = (of = domainId) => call(path(of), { key: tenant.key });
const change = (body: object, match: string | null = "*", of = domainId, key = tenant.key) =>
  call(path(of), { method: "PATCH", key, body, headers: match === null ? {} : { "If-Match": match } });

describe("GET …/settings", () => {
  test("tells what holds where nothing was ever set", async () => {
    const answer = await read();
    expect(answer.headers.get("ETag")).toMatch(/^"[0-9a-f]{32}"$/);
    expect(await answer.json()).toEqual({ domain_id: domainId, ...DOMAIN_SETTINGS });
  });
});

describe("PATCH …/settings", () => {
  test("changes what is said and leaves the rest; null is as every domain has it", async () => {
    const own = await newDomain(tenant);
    expect(await (await change({ require_schema: true, personal_data_guard: "redact" }, "*", own)).json()).toEqual({
      domain_id: own,
      ...DOMAIN_SETTINGS,
      require_schema: true,
      personal_data_guard: "redact",
    });
    const back = await (await change({ require_schema: null }, "*", own)).json();
    expect(back).toMatchObject({ require_schema: false, personal_data_guard: "redact" });
    expect(await (await read(own)).json()).toEqual(back);
  });

  test("needs the ETag of what was read: without it 428, with an old one 412, and nothing changes", async () => {
    const own = await newDomain(tenant);
    const etag = (await read(own)).headers.get("ETag");
    await problemOf(await change({ record_reads: false }, null, own), "precondition.required");
    const changed = await change({ record_reads: false }, etag, own);
    expect(changed.status).toBe(200);
    await problemOf(await change({ record_reads: true }, etag, own), "precondition.failed");
    expect((await read(own)).headers.get("ETag")).toBe(changed.headers.get("ETag"));
  });

  test("of two at once with the same ETag one is told that it changed", async () => {
    const own = await newDomain(tenant);
    const etag = (await read(own)).headers.get("ETag");
    const wishes = [{ record_reads: false }, { require_schema: true }, { personal_data_guard: "off" }];
    const answers = await Promise.all(wishes.map((wish) => change(wish, etag, own)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
  });

  test("stands once in the domain's own log and in the tenant's, and not at all when nothing changes", async () => {
    const own = await newDomain(tenant);
    await change({ personal_data_guard: "off", require_schema: false }, "*", own);
    await change({ personal_data_guard: "off" }, "*", own);
    for (const log of [own, tenant.tenantDomainId]) {
      const told = (await entriesOf(log)).filter(
        ({ action, targets }) => action === "domain.settings_changed" && JSON.stringify(targets).includes(own),
      );
      expect(told.map(({ metadata }) => metadata)).toEqual([
        { changed: ["personal_data_guard"], settings: { ...DOMAIN_SETTINGS, personal_data_guard: "off" } },
      ]);
    }
  });

  test.each([
    [{ personal_data_guard: "maybe" }, ["/personal_data_guard"]],
    [{ require_schema: "yes" }, ["/require_schema"]],
    [{ retention_days: 1, record_read: true }, ["/retention_days", "/record_read"]],
  ])("does not guess: %j", async (body, pointers) => {
    const problem = await problemOf(await change(body), "request.invalid");
    expect(pointersOf(problem)).toEqual(pointers);
  });

  test("is refused of a reserved domain, without domain.update, and is a 404 of somebody else's", async () => {
    await problemOf(await change({ record_reads: false }, "*", tenant.tenantDomainId), "auth.forbidden");
    const { key } = await storedKey(tenant.tenantId, ["domain.read"]);
    expect((await call(path(), { key })).status).toBe(200);
    await problemOf(await change({ record_reads: false }, "*", domainId, key), "auth.forbidden");
    const other = await newTenant();
    await problemOf(await change({ record_reads: false }, "*", domainId, other.key), "resource.not_found");
  });
});
