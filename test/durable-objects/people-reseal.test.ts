/** S2-4: a new version of a slot's secret reaches what is sealed about people, and the version before may go. */
import { runInDurableObject } from "cloudflare:test";
import { v7 as uuidv7 } from "uuid";
import { afterEach, expect, it } from "vitest";
import type { CellDesk } from "../../durable-objects/cell-desk.ts";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import { platformTenantId } from "../../src/core/ids.ts";
import { parseSealedHeader } from "../../src/crypto/sealed.ts";
import { slotSecretName } from "../../src/crypto/slot-keys.ts";
import type { CellEnv } from "../../src/env.ts";
import { call, env, jurisdiction } from "../support/cell.ts";
import { inBook, memberSession } from "../support/people.ts";
import { addTotp, newStaff } from "../support/staff.ts";
import { deskStub } from "../support/tenancy.ts";

const secret = (fill: number) => Buffer.alloc(32, fill).toString("base64");
const cellDesk = () => env.CELL_DESK.getByName("cell");
const touched: string[] = [];

/** The objects run with these secrets from now on, as after a deployment. */
async function deployed(changes: Record<string, string>, ...tenants: string[]): Promise<void> {
  const its = { ...env, ...changes } as CellEnv;
  touched.push(...tenants);
  for (const tenant of tenants) {
    await runInDurableObject(deskStub(tenant), (desk: TenantDesk) => void Object.assign(desk, { env: its }));
  }
  await runInDurableObject(cellDesk(), (desk: CellDesk) => void Object.assign(desk, { env: its }));
}

afterEach(() => deployed({}, ...touched.splice(0)));

const reseal = (tenantId: string, slot: "contact" | "totp_secrets") =>
  runInDurableObject(deskStub(tenantId), async (desk: TenantDesk) => desk.resealSlot(slot));

const members = async (tenantId: string, key: string) =>
  (await call(`/v1/tenants/${tenantId}/members`, { key })).text();

it("contact: members and open invitations, and they open without the old version", async () => {
  const owner = await memberSession("owner");
  const { tenantId } = owner.tenant;
  const body = { email: `i${uuidv7()}@example.org`, name: "Ada", role: "viewer" };
  expect((await call(`/v1/tenants/${tenantId}/invitations`, { key: owner.token, body })).status).toBe(201);
  const versions = () =>
    inBook(tenantId, (book) =>
      [...book.people(), ...book.openInvitations(Date.now())].map(
        ({ sealed }) => sealed && parseSealedHeader(sealed)?.slotVersion,
      ),
    );
  expect(await versions()).toEqual([1, 1]);
  const newer = { [slotSecretName("contact", 2)]: secret(0xc7) };
  await deployed(newer, tenantId);
  expect(await reseal(tenantId, "contact")).toEqual({ ok: true, value: { values: 2, unreadable: 0 } });
  expect(await versions()).toEqual([2, 2]);
  expect(await reseal(tenantId, "contact")).toEqual({ ok: true, value: { values: 0, unreadable: 0 } });
  await deployed({ ...newer, [slotSecretName("contact", 1)]: secret(0xc8) }, tenantId);
  expect(await members(tenantId, owner.token)).toContain(owner.email);
});

it("contact and totp_secrets of the operator's people follow through the object of the platform's tenant", async () => {
  const staff = await newStaff();
  const { code } = await addTotp(staff.token);
  const platform = platformTenantId(jurisdiction);
  const newer = {
    [slotSecretName("contact", 2)]: secret(0xc9),
    [slotSecretName("totp_secrets", 2)]: secret(0xca),
  };
  await deployed(newer, platform);
  for (const slot of ["contact", "totp_secrets"] as const) {
    const done = (await reseal(platform, slot)) as { value: { values: number } };
    expect(done.value.values, slot).toBeGreaterThanOrEqual(1);
  }
  const gone = {
    [slotSecretName("contact", 1)]: secret(0xcb),
    [slotSecretName("totp_secrets", 1)]: secret(0xcc),
  };
  await deployed({ ...newer, ...gone }, platform);
  const shown = await call(`/v1/auth/${jurisdiction}/second-factor`, { key: staff.token, body: { totp: code(0) } });
  expect(shown.status, await shown.clone().text()).toBe(200);
  const listed = await (await call("/v1/staff", { key: env.OPERATOR_SECRET })).text();
  expect(listed).toContain(staff.email);
  // Back under the first version, where the other tests are.
  await deployed(newer, platform);
});
