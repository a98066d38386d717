import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { sqliteTable, text } from "drizzle-orm/sqlite-core";
import { beforeAll, describe, expect, it } from "vitest";
import { fromHex, toHex, utf8 } from "../../src/core/bytes.ts";
import type { SlotName } from "../../src/crypto/key-registry.ts";
import { type Sealed, Sealer, type SealOwner } from "../../src/crypto/sealed.ts";
import { openSubjectPage } from "../../src/crypto/subject-page.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { sealedColumn, slotOfColumn } from "../../src/storage/sealed-column.ts";
import { env } from "../support/cell.ts";
import sealedVectors from "../vectors/sealed.json" with { type: "json" };
import page from "../vectors/subject-page.json" with { type: "json" };
import { control, refusal, run } from "./sql.ts";

/** A table of this test alone; its columns have declared names, so that values can be sealed for them. */
const person = sqliteTable("test_sealed", {
  id: text("id").primaryKey(),
  email: sealedColumn("contact")("email_claim").notNull(),
  ip: sealedColumn("network")("source_ip"),
});
const db = drizzle(control);
const { sealer } = cellConfig(env);
const owner: SealOwner = {
  tenantId: "tnt_eu_1",
  tenantKeyVersion: 0,
  subject: { pseudonym: "ab".repeat(32), epoch: 1 },
  ikm: new Uint8Array(32).fill(1),
};
const emailAt = { table: "audit_subject_pii", column: "email_claim", rowId: "ab" };
const ipAt = { table: "audit_subject_pii", column: "source_ip", rowId: "ab" };
const email = () => sealer.seal("contact", "ana@example.com", emailAt, owner);
const ip = () => sealer.seal("network", "192.0.2.7", ipAt, owner);

beforeAll(() =>
  run(control, "CREATE TABLE test_sealed (id TEXT PRIMARY KEY, email_claim BLOB NOT NULL, source_ip BLOB) STRICT"),
);

describe("the published vectors", () => {
  it.each(sealedVectors.values)("are sealed and opened by workerd as by Node: $table.$column", (vector) => {
    const { slot, slot_version, table, column, tenant, tenant_key_version, subject } = vector;
    const key = fromHex(vector.slot_secret) as Uint8Array;
    const slots = {
      newest: () => ({ version: slot_version, key }),
      ofVersion: () => key,
      versions: () => [slot_version],
    };
    const at = { table, column, rowId: fromHex(vector.row_id) as Uint8Array };
    const of = {
      tenantId: tenant,
      tenantKeyVersion: tenant_key_version,
      subject,
      ikm: fromHex(vector.ikm) as Uint8Array,
    };
    const sealer = new Sealer(slots, () => fromHex(vector.nonce) as Uint8Array);
    const sealed = sealer.seal(slot as SlotName, vector.plaintext, at, of);
    expect(toHex(sealed)).toBe(vector.sealed);
    expect(new TextDecoder().decode(sealer.open(sealed, slot as SlotName, at, of) ?? undefined)).toBe(vector.plaintext);
    for (let byte = 0; byte < sealed.length; byte++) {
      expect(sealer.open(sealed.with(byte, (sealed[byte] as number) ^ 1), slot as SlotName, at, of)).toBeNull();
    }
  });

  it("are a page that workerd opens", () => {
    const place = { tenantId: page.tenant, scope: page.scope, page: page.page };
    const bytes = fromHex(page.sealed) as Uint8Array;
    const tenantKey = fromHex(page.tenant_key) as Uint8Array;
    expect(openSubjectPage(bytes, place, tenantKey)?.map(({ key, ...of }) => ({ ...of, key: toHex(key) }))).toEqual(
      page.subjects,
    );
    expect(openSubjectPage(bytes.with(40, 0), place, tenantKey)).toBeNull();
  });
});

describe("S2-1 a sealed column", () => {
  it("gives back exactly the bytes that went in, and they open", async () => {
    const sealed = email();
    await db.insert(person).values({ id: "a", email: sealed, ip: null });
    const [row] = await db.select().from(person).where(eq(person.id, "a"));
    const stored: Sealed<"contact"> | undefined = row?.email;
    expect(row?.ip).toBeNull();
    expect(stored).toEqual(sealed);
    expect(new TextDecoder().decode(sealer.open(stored as Uint8Array, "contact", emailAt, owner) ?? undefined)).toBe(
      "ana@example.com",
    );
  });

  it("is a BLOB in the database", async () => {
    await db.insert(person).values({ id: "b", email: email(), ip: ip() });
    const { results } = await run(control, "SELECT typeof(email_claim) AS a, typeof(source_ip) AS b FROM test_sealed");
    expect(results.at(-1)).toEqual({ a: "blob", b: "blob" });
  });

  it.each([
    ["plaintext", utf8("ana@example.com")],
    ["a value of another slot", ip()],
    ["nothing", new Uint8Array()],
  ])("takes no %s that was cast, and gives none that somebody put there", async (_, bytes) => {
    const insert = async () => db.insert(person).values({ id: "c", email: bytes as Sealed<"contact"> });
    await expect(insert()).rejects.toThrow();
    expect(await refusal(control, "INSERT INTO test_sealed VALUES (?, ?, NULL)", crypto.randomUUID(), bytes)).toBe(
      "accepted",
    );
    await expect(db.select().from(person).all()).rejects.toThrow(/sealed under contact/);
    await run(control, "DELETE FROM test_sealed");
  });

  it("is known by its slot, and every other kind of column by none", () => {
    expect([person.id, person.email, person.ip].map(slotOfColumn)).toEqual([null, "contact", "network"]);
  });
});

describe("S2-5 does not compile:", () => {
  it("plaintext, or a value of another slot, in a sealed column", () => {
    const values: (typeof person.$inferInsert)[] = [
      { id: "a", email: email(), ip: ip() },
      // @ts-expect-error text is not sealed
      { id: "a", email: "ana@example.com" },
      // @ts-expect-error bytes are not sealed
      { id: "a", email: utf8("ana@example.com") },
      // @ts-expect-error sealed under another slot
      { id: "a", email: ip() },
      // @ts-expect-error sealed under another slot
      { id: "a", email: email(), ip: email() },
    ];
    expect(values).toHaveLength(5);
  });

  it("a column of a slot that is not declared, and sealing under one", () => {
    // @ts-expect-error there is no such slot
    expect(() => sealedColumn("master")("everything").config).not.toThrow();
    // @ts-expect-error there is no such slot
    expect(() => sealer.seal("master", "text", emailAt, owner)).toThrow();
  });
});
