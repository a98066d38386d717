/**
 * Changes about people are rows of the tenant's object with the entries, mails and index that follow from them. Each of what follows
 * fails in both forms, the object is evicted, and its alarm does the rest: nothing missing, nothing doubled.
 */
import { runInDurableObject } from "cloudflare:test";
import { v7 as uuidv7 } from "uuid";
import { describe, expect, test } from "vitest";
import { cellDesk } from "../../durable-objects/gates.ts";
import { mailerFor } from "../../durable-objects/mailer.ts";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import { parseSealedHeader } from "../../src/crypto/sealed.ts";
import type { CellEnv } from "../../src/env.ts";
import { mailLookup } from "../../src/services/access/people/address.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import type { Mail } from "../../src/services/mail/mail.ts";
import { call, env, newTenant, type TestTenant } from "../support/cell.ts";
import { askToDelete, untilDeleted } from "../support/deletion.ts";
import { dumpCell, placesWith } from "../support/dump.ts";
import { bearer, freshWorker } from "../support/fresh-worker.ts";
import {
  acceptInvitation,
  askForLink,
  confirmLink,
  deliverLogins,
  inBook,
  linkTo,
  mailsTo,
  memberSession,
} from "../support/people.ts";
import { problemOf } from "../support/problems.ts";
import { askForRotation } from "../support/rotation.ts";
import { deskOf, deskStub, entriesOf, evictDesk, FORMS, failFrom, openJobs, runDeskAlarm } from "../support/tenancy.ts";

const address = () => `p${uuidv7()}@example.org`;
const invite = (tenant: TestTenant, email: string) =>
  call(`/v1/tenants/${tenant.tenantId}/invitations`, { key: tenant.key, body: { email, name: "Ada", role: "viewer" } });

async function memberByMail(tenant: TestTenant): Promise<string> {
  const { email } = await memberSession("viewer", { tenant });
  return email;
}

/** A change that begins in `tenant`, prepared so that only its own entry is still to come; and the action that tells of it. */
const CHANGES: [string, (tenant: TestTenant) => Promise<() => Promise<Response>>][] = [
  [
    "tenant.member_invited",
    async (tenant) => {
      // So that the tenant has its key: making that is a write too.
      await memberByMail(tenant);
      return () => invite(tenant, address());
    },
  ],
  [
    "tenant.member_joined",
    async (tenant) => {
      const email = address();
      await invite(tenant, email);
      const link = await linkTo(email);
      return () => acceptInvitation(link);
    },
  ],
  [
    "tenant.member_updated",
    async (tenant) => {
      const { memberId } = await memberSession("viewer", { tenant });
      const path = `/v1/tenants/${tenant.tenantId}/members/${memberId}`;
      return () => call(path, { method: "PATCH", key: tenant.key, body: { role: "support" } });
    },
  ],
  [
    "tenant.member_removed",
    async (tenant) => {
      const { memberId } = await memberSession("viewer", { tenant });
      return () => call(`/v1/tenants/${tenant.tenantId}/members/${memberId}`, { method: "DELETE", key: tenant.key });
    },
  ],
  [
    "tenant.login",
    async (tenant) => {
      const email = await memberByMail(tenant);
      const cookie = await askForLink(email);
      await deliverLogins();
      const link = await linkTo(email);
      return () => confirmLink(link, cookie);
    },
  ],
  [
    "tenant.login_failed",
    async (tenant) => {
      const email = await memberByMail(tenant);
      await askForLink(email);
      await deliverLogins();
      const link = await linkTo(email);
      return () => confirmLink(link);
    },
  ],
  [
    "tenant.session_ended",
    async (tenant) => {
      const { sessionId } = await memberSession("viewer", { tenant });
      return () => call(`/v1/tenants/${tenant.tenantId}/sessions/${sessionId}`, { method: "DELETE", key: tenant.key });
    },
  ],
];

describe("the entry of a change", () => {
  const CASES = CHANGES.flatMap(([action, prepare]) => FORMS.map((form) => [action, form, prepare] as const));
  test.each(CASES)("%s, whose log %s: the change holds, and the entry comes once", async (action, form, prepare) => {
    const tenant = await newTenant();
    const change = await prepare(tenant);
    const before = (await entriesOf(tenant.tenantDomainId)).filter((entry) => entry.action === action).length;
    await failFrom(tenant.tenantId, 0, form);
    const { status } = await change();
    expect(status).toBe(action === "tenant.login_failed" ? 403 : status);
    expect(status).toBeLessThan(500);
    expect(await openJobs(tenant.tenantId)).toBeGreaterThanOrEqual(1);
    await evictDesk(tenant.tenantId);
    expect(await runDeskAlarm(tenant.tenantId)).toBe(true);
    expect(await openJobs(tenant.tenantId)).toBe(0);
    const after = (await entriesOf(tenant.tenantDomainId)).filter((entry) => entry.action === action).length;
    expect(after - before).toBe(1);
  });
});

describe("a mail that is not taken", () => {
  test.each(FORMS)("%s: the invitation stands, the mail comes again, and only the newest link works", async (form) => {
    const tenant = await newTenant();
    const [email, sent] = [address(), [] as Mail[]];
    let isAway = true;
    const mailer = {
      async send(mail: Mail) {
        if (!isAway || form === "failed but persisted") sent.push(mail);
        if (isAway) throw new Error("away");
      },
    };
    await runInDurableObject(deskStub(tenant.tenantId), (desk: TenantDesk) => {
      desk.mailer = mailer;
    });
    expect((await invite(tenant, email)).status).toBe(201);
    isAway = false;
    await runInDurableObject(deskStub(tenant.tenantId), async (desk: TenantDesk) => {
      desk.clock = () => Date.now() + 60_000;
      await desk.alarm();
      desk.clock = Date.now;
    });
    const links = sent.map(({ text }) => /token=([\w.-]+)/.exec(text)?.[1] ?? "");
    expect(links).toHaveLength(form === "failed but persisted" ? 2 : 1);
    for (const old of links.slice(0, -1)) await problemOf(await acceptInvitation(old), "auth.link_invalid");
    expect((await acceptInvitation(links.at(-1) as string)).status).toBe(200);
  });

  test("a pinned cell has a way out for mails only with a service and a sender, and never an outbox", async () => {
    const pinned = { ...env, DO_JURISDICTION: env.JURISDICTION, UNPINNED_LOCAL: "", MAIL_FROM: "" };
    const service = { send: async () => ({ messageId: "" }) };
    const wayOut = ({ MAIL, ...without }: typeof pinned, changes: object) => {
      const settings = { ...without, ...changes } as CellEnv;
      return mailerFor(settings, cellConfig(settings));
    };
    expect(wayOut(pinned, {})).toBeNull();
    expect(wayOut(pinned, { MAIL: service })).toBeNull();
    expect(wayOut(pinned, { MAIL_FROM: "no-reply@example.org" })).toBeNull();
    expect(wayOut(pinned, { MAIL_FROM: "no-reply@example.org", MAIL: service })).not.toBeNull();
    const worker = freshWorker({ DO_JURISDICTION: env.JURISDICTION, UNPINNED_LOCAL: "" });
    const outbox = await worker("/v1/outbox", bearer(env.OPERATOR_SECRET));
    await problemOf(outbox, "resource.not_found");
  });
});

describe("the cell's index of addresses", () => {
  const indexed = async (email: string): Promise<boolean> => {
    const before = (await mailsTo(email)).length;
    await askForLink(email);
    await deliverLogins();
    return (await mailsTo(email)).length > before;
  };

  test("learns of a member after a crash between the change and the telling", async () => {
    const tenant = await newTenant();
    const email = address();
    await invite(tenant, email);
    expect((await acceptInvitation(await linkTo(email))).status).toBe(200);
    // As if the message had never left: the cell knows nothing of the tenant, and the object knows that it did not tell.
    await runInDurableObject(env.CELL_DESK.getByName("cell"), (_, { storage }) => {
      storage.sql.exec("DELETE FROM mail_index WHERE tenant_id = ?", tenant.tenantId);
    });
    expect(await indexed(email)).toBe(false);
    await inBook(tenant.tenantId, (book) => book.changeIndex());
    await evictDesk(tenant.tenantId);
    await runInDurableObject(deskStub(tenant.tenantId), (desk: TenantDesk) => desk.alarm());
    expect(await indexed(email)).toBe(true);
  });

  test("is told again by cron, so one that was lost comes back", async () => {
    const { tenant, email } = await memberSession("viewer");
    await runInDurableObject(env.CELL_DESK.getByName("cell"), (_, { storage }) => {
      storage.sql.exec("DELETE FROM mail_index");
      storage.sql.exec("DELETE FROM mail_index_revision");
    });
    expect(await indexed(email)).toBe(false);
    await deskOf(tenant.tenantId).wake();
    expect(await indexed(email)).toBe(true);
  });

  test("is changed by no message that comes late", async () => {
    const { tenant, email } = await memberSession("viewer");
    await memberSession("viewer", { tenant });
    await cellDesk(env, cellConfig(env)).setMailIndex(tenant.tenantId, 1, []);
    expect(await indexed(email)).toBe(true);
  });

  test("holds no address in clear, nor does any table, object or bucket, but the outbox of a local run", async () => {
    const { email } = await memberSession("viewer");
    await askForLink(email);
    await deliverLogins();
    const [local = ""] = email.split("@");
    expect(placesWith(await dumpCell(), local)).toEqual([]);
    const lookup = mailLookup(cellConfig(env).pseudonymPepper, email);
    expect(placesWith(await dumpCell(), lookup).length).toBeGreaterThan(0);
  });
});

describe("what is sealed of people", () => {
  test("S3-38 stands under the tenant's new key after a rotation, and still opens", async () => {
    const owner = await memberSession("engineer");
    const { tenant } = owner;
    await invite(tenant, address());
    expect((await askForRotation(tenant)).status).toBeLessThan(300);
    for (let i = 0; i < 20; i++) await runDeskAlarm(tenant.tenantId);
    const versions = await inBook(tenant.tenantId, (book) =>
      [...book.people(), ...book.openInvitations(Date.now())].map(
        ({ sealed }) => sealed && parseSealedHeader(sealed)?.tenantKeyVersion,
      ),
    );
    expect(versions).toEqual([2, 2]);
    const members = await (await call(`/v1/tenants/${tenant.tenantId}/members`, { key: owner.token })).text();
    expect(members).toContain(owner.email);
  });

  test("S3-44 goes with the tenant: no row, no index entry, no link any more", async () => {
    const { tenant, email, token } = await memberSession("owner");
    await invite(tenant, address());
    const lookup = mailLookup(cellConfig(env).pseudonymPepper, email);
    expect(placesWith(await dumpCell(), lookup).length).toBeGreaterThan(0);
    await askToDelete(tenant.tenantId);
    await untilDeleted(tenant.tenantId);
    expect(placesWith(await dumpCell(), lookup)).toEqual([]);
    const late = cellDesk(env, cellConfig(env)).setMailIndex(tenant.tenantId, 1000, [lookup]);
    await late;
    expect(placesWith(await dumpCell(), lookup)).toEqual([]);
    const counted = await runInDurableObject(env.CELL_DESK.getByName("cell"), (_, { storage }) =>
      storage.sql.exec("SELECT bucket FROM mail_count WHERE instr(bucket, ?) > 0", tenant.tenantId).toArray(),
    );
    expect(counted).toEqual([]);
    await problemOf(await call("/v1/whoami", { key: token }), "auth.required");
  });
});
