import { expect, test } from "vitest";
import { KEY_REGISTRY, SLOT_NAMES, slotOfNumber } from "../../src/crypto/key-registry.ts";

const slots = SLOT_NAMES.map((name) => KEY_REGISTRY[name]);

test("S2-1 there are twelve slots, each with its own number, name of a secret, and columns", () => {
  expect(slots).toHaveLength(12);
  expect(slots.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(new Set(slots.map(({ secret }) => secret)).size).toBe(12);
  const columns = slots.flatMap((slot) => slot.columns);
  expect(columns.length).toBeGreaterThanOrEqual(6);
  expect(new Set(columns).size).toBe(columns.length);
});

test("a slot's number stands in stored bytes: changing one makes what is sealed under it unreadable", () => {
  expect(Object.fromEntries(SLOT_NAMES.map((name) => [name, KEY_REGISTRY[name].number]))).toEqual({
    subject_identity: 1,
    contact: 2,
    network: 3,
    idp_claims: 4,
    private_values: 5,
    records: 6,
    api_credentials: 7,
    oauth_tokens: 8,
    session_tokens: 9,
    totp_secrets: 10,
    tax_ids: 11,
    payout_details: 12,
  });
});

test("a number is that of one slot or of none", () => {
  for (const name of SLOT_NAMES) expect(slotOfNumber(KEY_REGISTRY[name].number)).toBe(name);
  for (const number of [0, 13, 255]) expect(slotOfNumber(number)).toBeNull();
});

test("every slot says in words what it holds, and has the secret of its name", () => {
  for (const name of SLOT_NAMES) {
    expect(KEY_REGISTRY[name].holds).toMatch(/\S/);
    expect(KEY_REGISTRY[name].secret).toBe(`SLOT_${name.toUpperCase()}`);
  }
});
