/** S2-4: what lies about the operator's people follows the keys of the platform's tenant; and their entries survive a log that is away. */
import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { cellDesk, tenantDesk } from "../../durable-objects/gates.ts";
import { platformTenantId } from "../../src/core/ids.ts";
import { parseSealedHeader } from "../../src/crypto/sealed.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { call, env, jurisdiction, newTenant } from "../support/cell.ts";
import { addTotp, newStaff } from "../support/staff.ts";

const config = cellConfig(env);
const AUTH = `/v1/auth/${jurisdiction}`;

const sealedOf = (table: "person" | "totp", id: string) =>
  runInDurableObject(env.CELL_DESK.getByName("cell"), (_, { storage }) => {
    const column = table === "person" ? "id" : "person_id";
    return new Uint8Array(
      storage.sql.exec<{ sealed: ArrayBuffer }>(`SELECT sealed FROM ${table} WHERE ${column} = ?`, id).one().sealed,
    );
  });

it("is sealed anew under a newer key of the platform's tenant, and still opens", async () => {
  await newTenant();
  const staff = await newStaff();
  const { code } = await addTotp(staff.token);
  const before = [await sealedOf("person", staff.staffId), await sealedOf("totp", staff.staffId)];
  const desk = cellDesk(env, config);
  expect(await desk.resealStaff("totp_secrets", 0)).toBe(0);
  const version = (parseSealedHeader(before[0] as Uint8Array)?.tenantKeyVersion ?? 0) + 1;
  // Stale is what is below the version that the rotation names; the newest that there is seals it.
  expect(await desk.resealStaff("contact", version)).toBeGreaterThan(0);
  expect(await desk.resealStaff("totp_secrets", version)).toBeGreaterThan(0);
  const after = [await sealedOf("person", staff.staffId), await sealedOf("totp", staff.staffId)];
  for (const i of [0, 1]) expect(after[i]).not.toEqual(before[i]);
  expect((await call(`${AUTH}/second-factor`, { key: staff.token, body: { totp: code(0) } })).status).toBe(200);
  const listed = (await (await call("/v1/staff", { key: env.OPERATOR_SECRET })).json()) as {
    staff: { email: string }[];
  };
  expect(listed.staff.map(({ email }) => email)).toContain(staff.email);
});

it("a slot's rotation reaches it through the object of the platform's tenant", async () => {
  const platform = tenantDesk(env, config, platformTenantId(jurisdiction));
  expect(await platform.resealSlot("totp_secrets")).toEqual({ values: 0, unreadable: 0 });
  expect(await platform.resealSlot("contact")).toEqual({ values: 0, unreadable: 0 });
});
