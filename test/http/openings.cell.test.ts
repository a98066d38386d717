/** What opens with what: one slot less, and only its columns are lost; without all three parts, nothing opens at all. */
import { beforeAll, describe, expect, test } from "vitest";
import { privateRowId } from "../../src/core/private-values.ts";
import { SLOT_NAMES, type SlotName } from "../../src/crypto/key-registry.ts";
import { parseSealedHeader, Sealer, type SealOwner } from "../../src/crypto/sealed.ts";
import { readSlotKeys, slotSecretName } from "../../src/crypto/slot-keys.ts";
import { openSubjectPage, type SubjectKey } from "../../src/crypto/subject-page.ts";
import type { CellEnv } from "../../src/env.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { R2TenantKeyStore } from "../../src/storage/tenant-key-store.ts";
import { CANARY, canaryEvent } from "../support/canaries.ts";
import { alarmLater, call, env, inLog, newDomain, newTenant, type TestTenant } from "../support/cell.ts";

let tenant: TestTenant;
let other: TestTenant;
let domainId: string;
let otherDomain: string;
/** Taken before the tests of the slots: their reveals are entries too, with a reason that is sealed under a wrong slot. */
let values: Value[];

beforeAll(async () => {
  [tenant, other] = [await newTenant("A"), await newTenant("B")];
  [domainId, otherDomain] = [await newDomain(tenant), await newDomain(other)];
  for (const [owner, id] of [
    [tenant, domainId],
    [other, otherDomain],
  ] as const) {
    const init = { key: owner.key, body: canaryEvent(), headers: { Prefer: "wait=replicated" } };
    expect((await call(`/v1/domains/${id}/audit/entries`, init)).status).toBe(201);
    await alarmLater(id);
  }
  await opens();
  values = await stolen(domainId);
});

interface Revealed {
  people: {
    status: string;
    identity_id_ref: string | null;
    email_claim: string | null;
    source_ip: string | null;
    idp_claim_names: string[] | null;
  }[];
  private: { pointer: string; value: unknown }[];
}

async function reveal(): Promise<Revealed> {
  const body = { reason: "a test", seqs: [1] };
  const answer = await call(`/v1/domains/${domainId}/audit/entries/reveal`, { key: tenant.key, body });
  expect(answer.status, await answer.clone().text()).toBe(200);
  return ((await answer.json()) as { entries: Revealed[] }).entries[0] as Revealed;
}

/** What of the entry opens, by the slot that it needs. */
async function opens(): Promise<Partial<Record<SlotName, boolean>>> {
  const { people, private: values } = await reveal();
  const has = (field: keyof Revealed["people"][number], value: unknown) =>
    people.some((person) => JSON.stringify(person[field]) === JSON.stringify(value));
  return {
    subject_identity: has("identity_id_ref", CANARY.identityId),
    contact: has("email_claim", CANARY.email),
    network: has("source_ip", CANARY.ip),
    idp_claims: has("idp_claim_names", [CANARY.claimName]),
    private_values: values.some(({ value }) => value === CANARY.reason),
  };
}

/** The object of the domain as it runs with other settings, until the function that this resolves to is called. */
async function objectWith(changes: Partial<CellEnv>): Promise<() => Promise<void>> {
  const set = (its: CellEnv) =>
    inLog(domainId, (log) => {
      Object.assign(log, { env: its });
    });
  await set({ ...env, ...changes });
  return () => set(env);
}

const OTHER_SECRET = Buffer.alloc(32, 0xee).toString("base64");
const USED: SlotName[] = ["subject_identity", "contact", "network", "idp_claims", "private_values"];
const ALL = Object.fromEntries(USED.map((slot) => [slot, true]));

describe("S2-2 S2-3 a cell that has lost the key of one slot", () => {
  test("has every other column: with all slots all of them open", async () => {
    expect(await opens()).toEqual(ALL);
  });

  test.each(SLOT_NAMES)("%s: loses its own columns and no other", async (slot) => {
    const restore = await objectWith({ [slotSecretName(slot, 1)]: OTHER_SECRET });
    try {
      expect(await opens()).toEqual({ ...ALL, ...(USED.includes(slot) ? { [slot]: false } : {}) });
    } finally {
      await restore();
    }
    expect(await opens()).toEqual(ALL);
  });
});

interface Value {
  slot: SlotName;
  place: { table: string; column: string; rowId: string | Uint8Array };
  pseudonym: string;
  sealed: Uint8Array;
}

const hexOf = (bytes: number[]) => Buffer.from(bytes).toString("hex");

/** Every sealed value of a domain, as a thief of the ledger reads it, with where it stands. */
async function stolen(of: string): Promise<Value[]> {
  const select = async <Row>(sql: string) => (await env.LEDGER_00.prepare(sql).bind(of).all<Row>()).results;
  const columns = {
    subject_plaintext: "subject_identity",
    email_claim: "contact",
    source_ip: "network",
    idp_claim_names: "idp_claims",
  } as const;
  const people = await select<Record<string, number[]>>("SELECT * FROM audit_subject_pii WHERE domain_id = ?");
  const mappings = people.flatMap((row) =>
    Object.entries(columns).flatMap(([column, slot]): Value[] => {
      const pseudonym = hexOf(row.pseudonym as number[]);
      const place = { table: "audit_subject_pii", column, rowId: pseudonym };
      return row[column] ? [{ slot, place, pseudonym, sealed: new Uint8Array(row[column]) }] : [];
    }),
  );
  const rows = await select<{ id: string; subject: number[]; sealed: number[] }>(
    "SELECT a.id, p.subject, p.sealed FROM audit_private_value p JOIN audit_log a USING (domain_id, seq) WHERE domain_id = ? AND p.sealed IS NOT NULL",
  );
  const values = rows.map(({ id, subject, sealed }): Value => {
    const pseudonym = hexOf(subject);
    const place = { table: "audit_private_value", column: "sealed", rowId: privateRowId(id, pseudonym) };
    return { slot: "private_values", place, pseudonym, sealed: new Uint8Array(sealed) };
  });
  return [...mappings, ...values];
}

interface Keys {
  tenantId: string;
  tenantKey: Uint8Array;
  subjects: SubjectKey[];
}

/** What a thief of R2 KEYS has of one tenant. */
async function keysOf({ tenantId }: TestTenant, scope: string): Promise<Keys> {
  const [record] = await new R2TenantKeyStore(env.KEYS).list(tenantId);
  if (record?.material.kind !== "raw") throw new Error("the tenant has a raw key");
  const tenantKey = record.material.key;
  const { objects } = await env.KEYS.list({ prefix: `subject-keys/${scope}/` });
  const subjects: SubjectKey[] = [];
  for (const [page, { key }] of objects.entries()) {
    const bytes = new Uint8Array((await (await env.KEYS.get(key))?.arrayBuffer()) ?? []);
    subjects.push(...(openSubjectPage(bytes, { tenantId, scope, page }, tenantKey) ?? []));
  }
  return { tenantId, tenantKey, subjects };
}

/** How many of the values open with every combination of what the thief has, whoever's value it is said to be. */
function opened(values: Value[], sealer: Sealer, tenantIds: string[], ikms: Uint8Array[]): number {
  return values.filter(({ sealed, slot, place, pseudonym }) => {
    const header = parseSealedHeader(sealed);
    return tenantIds.some((tenantId) =>
      ikms.some((ikm) => {
        const subject = pseudonym === "" ? null : { pseudonym, epoch: header?.subjectEpoch ?? 1 };
        const owner: SealOwner = {
          tenantId,
          tenantKeyVersion: header?.tenantKeyVersion ?? 0,
          subject,
          ikm: ikm.slice(),
        };
        return sealer.open(sealed, slot, place, owner) !== null;
      }),
    );
  }).length;
}

describe("S1-8 S2-24 a thief with a copy of D1", () => {
  const otherSlots = () =>
    readSlotKeys(
      Object.fromEntries(
        SLOT_NAMES.map((slot, i) => [slotSecretName(slot, 1), Buffer.alloc(32, 0xa0 + i).toString("base64")]),
      ),
    );
  const everyKey = (keys: Keys) => [keys.tenantKey, ...keys.subjects.map(({ key }) => key)];
  let mine: Keys;
  let theirs: Keys;

  beforeAll(async () => {
    [mine, theirs] = [await keysOf(tenant, domainId), await keysOf(other, otherDomain)];
  });

  test("and R2 KEYS and the secrets opens all of it: the search below tries the right thing", () => {
    expect(values.length).toBeGreaterThan(5);
    expect(new Set(values.map(({ slot }) => slot))).toEqual(new Set(USED));
    expect(opened(values, cellConfig(env).sealer, [tenant.tenantId], everyKey(mine))).toBe(values.length);
  });

  test("and R2 KEYS, without the secrets, opens nothing", () => {
    expect(opened(values, new Sealer(otherSlots()), [tenant.tenantId, other.tenantId], everyKey(mine))).toBe(0);
  });

  test("and the secrets, without R2 KEYS, opens nothing", () => {
    const guesses = [new Uint8Array(32), ...SLOT_NAMES.map((slot) => cellConfig(env).slots.newest(slot).key)];
    const stolenHashes = values.map(({ pseudonym }) => Buffer.from(pseudonym.padEnd(64, "0"), "hex"));
    expect(opened(values, cellConfig(env).sealer, [tenant.tenantId], [...guesses, ...stolenHashes])).toBe(0);
  });

  test("and the secrets, with another tenant's part of R2 KEYS, opens nothing", () => {
    expect(theirs.subjects.length).toBeGreaterThan(0);
    expect(opened(values, cellConfig(env).sealer, [tenant.tenantId, other.tenantId], everyKey(theirs))).toBe(0);
  });

  test("S2-24 and the secrets, after the tenant's keys are destroyed, opens nothing of an older copy", async () => {
    for (const prefix of [
      `subject-keys/${otherDomain}/`,
      `tenant-key/${other.tenantId}/`,
      `tenant-root/${other.tenantId}`,
    ]) {
      const { objects } = await env.KEYS.list({ prefix });
      await env.KEYS.delete(objects.map(({ key }) => key));
    }
    await expect(keysOf(other, otherDomain)).rejects.toThrow("the tenant has a raw key");
    const copy = await stolen(otherDomain);
    const left = await env.KEYS.list();
    const ikms = (
      await Promise.all(
        left.objects.map(async ({ key }) => new Uint8Array((await (await env.KEYS.get(key))?.arrayBuffer()) ?? [])),
      )
    ).filter(({ length }) => length === 32);
    expect(copy.length).toBeGreaterThan(5);
    expect(ikms.length).toBeGreaterThan(0);
    expect(opened(copy, cellConfig(env).sealer, [other.tenantId], [...ikms, ...everyKey(mine)])).toBe(0);
    expect(opened(values, cellConfig(env).sealer, [tenant.tenantId], everyKey(mine))).toBe(values.length);
  });
});
