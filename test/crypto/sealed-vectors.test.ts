/**
 * Golden vectors of SPEC.md §9 and §10: made once, pinned. Each is computed twice, by the product and by `node:crypto` alone.
 */
import { createCipheriv, hkdfSync } from "node:crypto";
import { expect, test } from "vitest";
import { fromHex, toHex } from "../../src/core/bytes.ts";
import type { SlotName } from "../../src/crypto/key-registry.ts";
import { Sealer, type SealOwner } from "../../src/crypto/sealed.ts";
import type { SlotKeys } from "../../src/crypto/slot-keys.ts";
import { openSubjectPage, sealSubjectPage } from "../../src/crypto/subject-page.ts";
import sealedVectors from "../vectors/sealed.json" with { type: "json" };
import page from "../vectors/subject-page.json" with { type: "json" };

const bytes = (hex: string) => fromHex(hex) as Uint8Array;
const breaks = (who: string) => `this format is released: changing it breaks ${who}`;
const uint16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);

function lengthPrefixed(...parts: (Uint8Array | string)[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(Buffer.from(part as string).length);
      return [length, Buffer.from(part as string)];
    }),
  );
}

const derived = (salt: Uint8Array, ikm: Uint8Array, info: Uint8Array) =>
  Buffer.from(hkdfSync("sha256", ikm, salt, info, 32)).toString("hex");

function gcm(key: string, nonce: string, aad: Uint8Array, plaintext: Uint8Array): string {
  const cipher = createCipheriv("aes-256-gcm", bytes(key), bytes(nonce));
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]).toString("hex");
}

type Vector = (typeof sealedVectors.values)[number];

/** The one slot and version of a vector. */
function slotsOf({ slot_secret, slot_version }: Vector): SlotKeys {
  const key = bytes(slot_secret);
  return {
    newest: () => ({ version: slot_version, key }),
    ofVersion: (_, version) => (version === slot_version ? key : null),
    versions: () => [slot_version],
  };
}

test.each(sealedVectors.values)("S2-1 a sealed value, byte for byte: $table.$column", (vector) => {
  const { slot, tenant, subject, table, column, tenant_key_version } = vector;
  const who = breaks("every private value, identity and credential that is stored");
  const sealer = new Sealer(slotsOf(vector), () => bytes(vector.nonce));
  const place = { table, column, rowId: bytes(vector.row_id) };
  const owner: SealOwner = {
    tenantId: tenant,
    tenantKeyVersion: tenant_key_version,
    subject,
    ikm: bytes(vector.ikm),
  };
  expect(toHex(sealer.seal(slot as SlotName, vector.plaintext, place, owner)), who).toBe(vector.sealed);
  const opened = sealer.open(bytes(vector.sealed), slot as SlotName, place, owner);
  expect(opened && new TextDecoder().decode(opened), who).toBe(vector.plaintext);
});

test.each(sealedVectors.values)("and by node:crypto alone: $table.$column", (vector) => {
  const number = { contact: 2, private_values: 5 }[vector.slot] ?? 0;
  const versions = Buffer.concat([
    uint16(vector.slot_version),
    uint16(vector.tenant_key_version),
    uint16(vector.subject?.epoch ?? 0),
  ]);
  const info = lengthPrefixed(
    "moonseal/seal/v1",
    vector.slot,
    vector.tenant,
    vector.subject?.pseudonym ?? "",
    versions,
  );
  const header = Buffer.concat([Buffer.from([1, number]), versions]);
  const aad = lengthPrefixed(vector.table, vector.column, bytes(vector.row_id), header);
  expect(info.toString("hex")).toBe(vector.info);
  expect(aad.toString("hex")).toBe(vector.aad);
  expect(derived(bytes(vector.slot_secret), bytes(vector.ikm), info)).toBe(vector.key);
  const encrypted = gcm(vector.key, vector.nonce, aad, Buffer.from(vector.plaintext));
  expect(encrypted).toBe(vector.ciphertext + vector.tag);
  expect(header.toString("hex") + vector.nonce + encrypted).toBe(vector.sealed);
});

test("a page of subject keys, byte for byte", () => {
  const who = breaks("every subject key: all that is sealed about people would be lost");
  const place = { tenantId: page.tenant, scope: page.scope, page: page.page };
  const subjects = page.subjects.map((subject) => ({ ...subject, key: bytes(subject.key) }));
  const tenantKey = bytes(page.tenant_key);
  const sealed = sealSubjectPage(subjects, place, tenantKey, page.tenant_key_version, () => bytes(page.nonce));
  expect(toHex(sealed), who).toBe(page.sealed);
  expect(openSubjectPage(bytes(page.sealed), place, tenantKey), who).toEqual(subjects);
});

test("and by node:crypto alone", () => {
  const header = Buffer.concat([Buffer.from([1]), uint16(page.tenant_key_version)]);
  const info = lengthPrefixed("moonseal/subject-page/v1", page.tenant, page.scope);
  const aad = lengthPrefixed(page.tenant, page.scope, String(page.page), header);
  const records = page.subjects.map(({ pseudonym, epoch, key }) =>
    Buffer.concat([bytes(pseudonym), uint16(epoch), bytes(key)]),
  );
  expect(Buffer.concat(records).toString("hex")).toBe(page.records);
  expect(info.toString("hex")).toBe(page.info);
  expect(aad.toString("hex")).toBe(page.aad);
  expect(derived(new Uint8Array(32), bytes(page.tenant_key), info)).toBe(page.key);
  const encrypted = gcm(page.key, page.nonce, aad, Buffer.concat(records));
  expect(encrypted).toBe(page.ciphertext + page.tag);
  expect(header.toString("hex") + page.nonce + encrypted).toBe(page.sealed);
});
