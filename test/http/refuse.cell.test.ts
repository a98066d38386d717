/** A cell that must not serve writes nothing, and an object that is not where its cell is does no work. */
import { runInDurableObject } from "cloudflare:test";
import { v7 as uuidv7 } from "uuid";
import { beforeAll, describe, expect, test } from "vitest";
import { makeId } from "../../src/core/ids.ts";
import { type NoteVerdict, verifyNote } from "../../src/crypto/verify.ts";
import type { CellEnv } from "../../src/env.ts";
import {
  call,
  env,
  event,
  jurisdiction,
  logOf,
  newDomain,
  newTenant,
  stubOf,
  type TestTenant,
} from "../support/cell.ts";
import { dumpCell } from "../support/dump.ts";
import { bearer, freshWorker } from "../support/fresh-worker.ts";
import { problemOf } from "../support/problems.ts";
import { deskStub } from "../support/tenancy.ts";

const other = jurisdiction === "eu" ? "us" : "eu";
let tenant: TestTenant;
let domainId: string;

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  await logOf(domainId).flush();
});

/** What only a request can change; the copy to D1 and R2 goes on by itself. */
async function stored() {
  const dump = await dumpCell();
  const { size, entryHash } = await logOf(domainId).head();
  const places = dump.map(({ place }) => place).filter((place) => !place.startsWith("R2 LOG"));
  return { control: dump.filter(({ place }) => place.startsWith("D1 CONTROL")), places, size, entryHash };
}

describe("R1 S2-6 S4-34 a cell whose settings are wrong", () => {
  test.each<[string, Partial<CellEnv>, "residency.unknown" | "internal"]>([
    ["is unpinned without saying so", { UNPINNED_LOCAL: "" }, "residency.unknown"],
    ["is pinned to the other jurisdiction", { DO_JURISDICTION: other, UNPINNED_LOCAL: "" }, "residency.unknown"],
    ["has no jurisdiction", { JURISDICTION: "" }, "residency.unknown"],
    ["lacks a secret", { API_KEY_PEPPER: "" }, "internal"],
    ["S4-29 has a pepper of 31 bytes", { PSEUDONYM_PEPPER: btoa("x".repeat(31)) }, "internal"],
    ["has a secret twice", { LOG_SIGNING_KEY: env.API_KEY_PEPPER }, "internal"],
    ["cosigns with its log key", { WITNESS_SIGNING_KEY: env.LOG_SIGNING_KEY }, "internal"],
    ["cannot read whom it witnesses", { WITNESSED_LOGS: '[{"origin":"x"}]' }, "internal"],
    ["cannot read who witnesses it", { WITNESSES: "https://witness.example" }, "internal"],
    ["lacks the key of a slot", { SLOT_TAX_IDS_V1: undefined }, "internal"],
    ["has a slot with the key of another one", { SLOT_TAX_IDS_V1: env.SLOT_CONTACT_V1 }, "internal"],
  ])("that %s refuses every request and writes nothing", async (_, changes, code) => {
    const before = await stored();
    const worker = freshWorker(changes);
    const headers = { ...bearer(tenant.key).headers, "Content-Type": "application/json" };
    const operator = { ...bearer(env.OPERATOR_SECRET).headers, "Content-Type": "application/json" };
    const answers = [
      await worker("/v1/whoami", { headers }),
      await worker(`/v1/domains/${domainId}/audit/entries`, { method: "POST", headers, body: JSON.stringify(event()) }),
      await worker("/v1/tenants", {
        method: "POST",
        headers: operator,
        body: JSON.stringify({ name: "T", jurisdiction, tier: "pro" }),
      }),
      await worker("/healthz"),
    ];
    for (const answer of answers) {
      const problem = await problemOf(answer, code);
      expect(problem.detail).toBeUndefined();
    }
    expect(await stored()).toEqual(before);
  });
});

describe("S0-24 an object", () => {
  /** Its environment says that its cell is pinned; the object itself, here, is not. */
  const pinned: Partial<CellEnv> = { DO_JURISDICTION: jurisdiction, UNPINNED_LOCAL: "" };

  test("of a domain that is not where its cell is pinned takes no entry", async () => {
    const before = await logOf(domainId).head();
    const body = JSON.stringify(event());
    const call = { body, form: "json" as const, scope: "test", idempotencyKey: null, waitForCopy: false };
    const answer = await runInDurableObject(stubOf(domainId), async (log) => {
      const inside = log as unknown as { env: CellEnv };
      const its = inside.env;
      inside.env = { ...its, ...pinned };
      try {
        return await log.append(call);
      } finally {
        inside.env = its;
      }
    });
    expect(answer).toMatchObject({ ok: false, code: "residency.unknown" });
    expect(await logOf(domainId).head()).toEqual(before);
  });

  test("of a tenant that is not where its cell is pinned makes no tenant", async () => {
    const tenantId = makeId("tenant", jurisdiction, uuidv7());
    const by = { type: "service", id: "operator" } as const;
    const answer = await runInDurableObject(deskStub(tenantId), async (desk) => {
      (desk as unknown as { env: CellEnv }).env = { ...env, ...pinned };
      return desk.createTenant({ name: "T", tier: "pro", by });
    });
    expect(answer).toMatchObject({ ok: false, code: "residency.unknown" });
    expect(await env.CONTROL.prepare("SELECT 1 FROM tenant WHERE id = ?").bind(tenantId).first()).toBeNull();
    expect(await env.KEYS.head(`tenant-root/${tenantId}`)).toBeNull();
  });
});

describe("S0-24 GET /v1/residency", () => {
  const report = async () => {
    const { cells } = (await (await call("/v1/residency")).json()) as { cells: { signer: string; note: string }[] };
    return cells;
  };

  test("is this cell's own report, signed by the key that it names", async () => {
    const cells = await report();
    expect(cells).toMatchObject([{ jurisdiction, durable_objects: { observed: "unpinned local" } }]);
    const verdict: NoteVerdict = verifyNote(cells[0]?.note ?? "", cells[0]?.signer ?? "");
    expect(verdict.ok).toBe(true);
    expect(verdict.ok && verdict.note.text).toContain('"observed":"unpinned local"');
  });

  test("never says what was configured: a read-back that claims a jurisdiction changes nothing here", async () => {
    const insert = "INSERT INTO provisioned_resource (resource, jurisdiction, read_back_at) VALUES ('CONTROL', ?, ?)";
    await env.CONTROL.prepare(insert).bind(jurisdiction, new Date().toISOString()).run();
    expect(await report()).toMatchObject([{ databases: { CONTROL: { observed: "unpinned local" } } }]);
  });
});
