import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.ts";
import { KEY_REGISTRY, SLOT_NAMES, type SlotName } from "../../src/crypto/key-registry.ts";
import {
  asSealed,
  parseSealedHeader,
  type Sealed,
  Sealer,
  type SealOwner,
  type SealPlace,
} from "../../src/crypto/sealed.ts";
import { SealingKeys } from "../../src/crypto/sealing-keys.ts";
import { slotKeys, withoutSlot } from "./support/slots.ts";

const sealer = new Sealer(slotKeys());
const TEXT = "Ana Müller, ana@example.com";

/** The slots that a column is declared for, with the first one. */
const USED = SLOT_NAMES.filter((slot) => KEY_REGISTRY[slot].columns.length > 0);
function placeOf(slot: SlotName, rowId: string | Uint8Array = "row"): SealPlace {
  const [table, column] = (KEY_REGISTRY[slot].columns[0] ?? "").split(".") as [string, string];
  return { table, column, rowId };
}
const ana = (): SealOwner => ({
  tenantId: "tnt_eu_1",
  tenantKeyVersion: 0,
  subject: { pseudonym: "ab".repeat(32), epoch: 1 },
  ikm: new Uint8Array(32).fill(1),
});
const nobody = (): SealOwner => ({
  tenantId: "tnt_eu_1",
  tenantKeyVersion: 3,
  subject: null,
  ikm: new Uint8Array(32).fill(2),
});
const place = placeOf("contact");
const textOf = (opened: Uint8Array | null) => opened && new TextDecoder().decode(opened);
const flipped = (bytes: Uint8Array, at: number, bit: number) => bytes.with(at, (bytes[at] as number) ^ bit);

describe("S2-1 a sealed value", () => {
  test("opens to what was sealed, at its place, for its owner, under every slot that has a column", () => {
    expect(USED.length).toBeGreaterThanOrEqual(6);
    for (const slot of USED) {
      for (const owner of [ana(), nobody()]) {
        const sealed = sealer.seal(slot, TEXT, placeOf(slot), owner);
        expect(textOf(sealer.open(sealed, slot, placeOf(slot), owner))).toBe(TEXT);
      }
    }
  });

  test("opens to the same bytes, whatever they are and however many", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 40 }), (plaintext, rowId) => {
        const sealed = sealer.seal("contact", plaintext, placeOf("contact", rowId), ana());
        expect(sealed.length).toBe(8 + 12 + plaintext.length + 16);
        expect(sealer.open(sealed, "contact", placeOf("contact", rowId), ana())).toEqual(plaintext);
      }),
    );
    const large = new Uint8Array(64 * 1024).map((_, i) => i);
    expect(sealer.open(sealer.seal("contact", large, place, ana()), "contact", place, ana())).toEqual(large);
  });

  test("opens in another isolate with the same secrets: nothing of it is in memory only", () => {
    const sealed = sealer.seal("contact", TEXT, place, ana());
    expect(textOf(new Sealer(slotKeys()).open(sealed, "contact", place, ana()))).toBe(TEXT);
  });

  test("is another one each time: equal values cannot be told by looking", () => {
    const twice = [sealer.seal("contact", TEXT, place, ana()), sealer.seal("contact", TEXT, place, ana())];
    expect(twice[0]).not.toEqual(twice[1]);
    const nonces = Array.from({ length: 1000 }, () =>
      Buffer.from(sealer.seal("contact", "", place, ana()).subarray(8, 20)).toString("hex"),
    );
    expect(new Set(nonces).size).toBe(1000);
  });

  test("shows nothing of the plaintext", () => {
    for (const slot of USED) {
      const hex = Buffer.from(sealer.seal(slot, TEXT, placeOf(slot), ana())).toString("hex");
      for (const part of ["Ana", "Müller", "example"]) expect(hex).not.toContain(Buffer.from(part).toString("hex"));
    }
  });

  test("says in clear which slot and which versions it needs, and no more", () => {
    const sealer = new Sealer(slotKeys(["contact", 2], ["contact", 258]));
    const header = { slot: "contact", slotVersion: 258, tenantKeyVersion: 0, subjectEpoch: 513 };
    const owner = { ...ana(), subject: { pseudonym: "ab".repeat(32), epoch: 513 } };
    const sealed = sealer.seal("contact", TEXT, place, owner);
    expect(parseSealedHeader(sealed)).toEqual(header);
    expect([...sealed.subarray(0, 8)]).toEqual([1, 2, 1, 2, 0, 0, 2, 1]);
    const of = sealer.seal("contact", TEXT, place, { ...nobody(), tenantKeyVersion: 515 });
    expect([...of.subarray(0, 8)]).toEqual([1, 2, 1, 2, 2, 3, 0, 0]);
  });
});

describe("a sealed value never opens", () => {
  test("with any bit flipped, in the header, the nonce, the ciphertext or the tag", () => {
    for (const owner of [ana(), nobody()]) {
      const sealed = sealer.seal("contact", TEXT, place, owner);
      for (let at = 0; at < sealed.length; at++) {
        for (let bit = 1; bit < 256; bit *= 2) {
          expect(sealer.open(flipped(sealed, at, bit), "contact", place, owner), `byte ${at}`).toBeNull();
        }
      }
      expect(sealer.open(sealed, "contact", place, owner)).not.toBeNull();
    }
  });

  test("cut short or made longer, and arbitrary bytes open to nothing and throw nothing", () => {
    const sealed = sealer.seal("contact", TEXT, place, ana());
    for (let length = 0; length < sealed.length; length++) {
      expect(sealer.open(sealed.subarray(0, length), "contact", place, ana()), `${length} bytes`).toBeNull();
    }
    expect(sealer.open(Uint8Array.of(...sealed, 0), "contact", place, ana())).toBeNull();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(sealer.open(bytes, "contact", place, ana())).toBeNull();
      }),
    );
  });

  const moved: [string, Partial<SealPlace>][] = [
    ["another row", { rowId: "rov" }],
    ["a row whose id begins alike", { rowId: "row2" }],
    ["no row", { rowId: "" }],
    ["another column", { column: "email" }],
    ["another table", { table: "audit_subject" }],
    ["table and column cut elsewhere", { table: "audit_subject_piie", column: "mail_claim" }],
  ];
  test.each(moved)("moved to %s", (_, change) => {
    const sealed = sealer.seal("contact", TEXT, place, ana());
    expect(sealer.open(sealed, "contact", { ...place, ...change }, ana())).toBeNull();
  });

  const others: [string, (owner: SealOwner) => SealOwner][] = [
    ["another tenant", (owner) => ({ ...owner, tenantId: "tnt_eu_2" })],
    ["another person", (owner) => ({ ...owner, subject: { pseudonym: "ac".repeat(32), epoch: 1 } })],
    [
      "the same person, seen again after an erasure",
      (o) => ({ ...o, subject: { pseudonym: "ab".repeat(32), epoch: 2 } }),
    ],
    ["another key of the same person", (owner) => ({ ...owner, ikm: new Uint8Array(32).fill(9) })],
    ["nobody, with the same key", (owner) => ({ ...owner, subject: null, tenantKeyVersion: 1 })],
  ];
  test.each(others)("for %s", (_, change) => {
    const sealed = sealer.seal("contact", TEXT, place, ana());
    expect(sealer.open(sealed, "contact", place, change(ana()))).toBeNull();
    // Also when the header is made to fit.
    const owner = change(ana());
    const forged = sealed.with(5, owner.subject ? 0 : 1).with(7, owner.subject?.epoch ?? 0);
    expect(sealer.open(forged, "contact", place, owner)).toBeNull();
  });

  test.each<[string, Partial<SealOwner>]>([
    ["another version of the tenant's key", { tenantKeyVersion: 4 }],
    ["another tenant's key", { ikm: new Uint8Array(32).fill(3) }],
    ["another tenant", { tenantId: "tnt_eu_2" }],
    ["somebody, with the same key", { subject: { pseudonym: "ab".repeat(32), epoch: 3 } }],
  ])("about nobody, for %s", (_, change) => {
    const sealed = sealer.seal("contact", TEXT, place, nobody());
    expect(sealer.open(sealed, "contact", place, { ...nobody(), ...change })).toBeNull();
    const forged = change.subject ? sealed.with(5, 0).with(7, 3) : sealed.with(5, change.tenantKeyVersion ?? 3);
    expect(sealer.open(forged, "contact", place, { ...nobody(), ...change })).toBeNull();
  });

  test("under another slot, and not when the header is made to fit", () => {
    const sealed = sealer.seal("contact", TEXT, place, ana());
    for (const slot of SLOT_NAMES.filter((slot) => slot !== "contact")) {
      expect(sealer.open(sealed, slot, place, ana())).toBeNull();
      expect(sealer.open(sealed.with(1, KEY_REGISTRY[slot].number), slot, place, ana())).toBeNull();
    }
  });

  test("under another version of its slot, and not when the header is made to fit", () => {
    const sealed = sealer.seal("contact", TEXT, place, ana());
    const newer = new Sealer(slotKeys(["contact", 2]));
    expect(newer.open(sealed.with(3, 2), "contact", place, ana())).toBeNull();
    expect(sealer.open(sealed.with(3, 2), "contact", place, ana())).toBeNull();
  });
});

describe("S2-2 S2-3 with one slot's key gone", () => {
  test.each(USED)("%s: its values do not open, and those of every other slot do", (lost) => {
    const sealed = USED.map((slot) => [slot, sealer.seal(slot, TEXT, placeOf(slot), ana())] as const);
    const without = new Sealer(withoutSlot(slotKeys(), lost));
    for (const [slot, value] of sealed) {
      expect(textOf(without.open(value, slot, placeOf(slot), ana())), slot).toBe(slot === lost ? null : TEXT);
    }
  });

  test.each(USED)(
    "a thief with the subject's key, all rows and the secret of %s alone opens its column alone",
    (mine) => {
      const keys = USED.filter((slot) => slot !== mine).reduce(withoutSlot, slotKeys());
      const thief = new Sealer(keys);
      for (const slot of USED) {
        const value = sealer.seal(slot, TEXT, placeOf(slot), ana());
        expect(textOf(thief.open(value, slot, placeOf(slot), ana())), slot).toBe(slot === mine ? TEXT : null);
      }
    },
  );

  test("an old version gone, what was sealed under it does not open and everything newer does", () => {
    const both = slotKeys(["contact", 2]);
    const old = sealer.seal("contact", TEXT, place, ana());
    const fresh = new Sealer(both).seal("contact", TEXT, place, ana());
    expect(textOf(new Sealer(both).open(old, "contact", place, ana()))).toBe(TEXT);
    const later = new Sealer({ ...both, ofVersion: (slot, v) => (v === 1 ? null : both.ofVersion(slot, v)) });
    expect(later.open(old, "contact", place, ana())).toBeNull();
    expect(textOf(later.open(fresh, "contact", place, ana()))).toBe(TEXT);
  });
});

describe("S2-5 sealing is refused", () => {
  test("for a column that no slot declares, or another one", () => {
    const elsewhere = { table: "audit_subject_pii", column: "phone", rowId: "row" };
    expect(() => sealer.seal("contact", TEXT, elsewhere, ana())).toThrow(/audit_subject_pii\.phone is not declared/);
    for (const slot of SLOT_NAMES.filter((slot) => slot !== "contact")) {
      expect(() => sealer.seal(slot, TEXT, place, ana())).toThrow(/is not declared for/);
    }
  });

  test.each<[string, Partial<SealOwner>]>([
    ["a key of 31 bytes", { ikm: new Uint8Array(31) }],
    ["a key of 33 bytes", { ikm: new Uint8Array(33) }],
    ["epoch 0", { subject: { pseudonym: "ab".repeat(32), epoch: 0 } }],
    ["epoch 65536", { subject: { pseudonym: "ab".repeat(32), epoch: 65_536 } }],
    ["epoch 1.5", { subject: { pseudonym: "ab".repeat(32), epoch: 1.5 } }],
    ["a pseudonym in capitals", { subject: { pseudonym: "AB".repeat(32), epoch: 1 } }],
    ["a pseudonym that is cut", { subject: { pseudonym: "ab".repeat(31), epoch: 1 } }],
    ["an empty pseudonym", { subject: { pseudonym: "", epoch: 1 } }],
    ["nobody, under version 0", { subject: null, tenantKeyVersion: 0 }],
    ["nobody, under version 65536", { subject: null, tenantKeyVersion: 65_536 }],
  ])("for an owner with %s", (_, change) => {
    expect(() => sealer.seal("contact", TEXT, place, { ...ana(), ...change })).toThrow(RangeError);
  });
});

describe("derived keys are remembered", () => {
  test.each<[string, () => SealOwner, Partial<SealOwner>]>([
    ["another tenant", ana, { tenantId: "tnt_eu_2" }],
    ["another person", ana, { subject: { pseudonym: "cd".repeat(32), epoch: 1 } }],
    ["another epoch", ana, { subject: { pseudonym: "ab".repeat(32), epoch: 2 } }],
    ["nobody", ana, { subject: null, tenantKeyVersion: 1 }],
    ["another version of the tenant's key", nobody, { tenantKeyVersion: 4 }],
  ])("without mixing two owners that share one array: %s", (_, first, change) => {
    const one = first();
    const other = { ...one, ...change };
    const sealer = new Sealer(slotKeys());
    const sealed = [one, other, one].map((owner) => sealer.seal("contact", TEXT, place, owner));
    const opens = (value: Uint8Array, owner: SealOwner) =>
      new Sealer(slotKeys()).open(value, "contact", place, owner) !== null;
    expect(sealed.map((value) => opens(value, one))).toEqual([true, false, true]);
    expect(sealed.map((value) => opens(value, other))).toEqual([false, true, false]);
  });

  test("for as long as somebody holds the array that they come from, and no longer", () => {
    const keys = new SealingKeys(slotKeys(["contact", 2]));
    const owner = ana();
    const first = keys.keyFor("contact", 1, owner);
    const others = [keys.keyFor("contact", 2, owner), keys.keyFor("network", 1, owner)];
    expect(new Set([first, ...others].map((key) => Buffer.from(key ?? "").toString("hex"))).size).toBe(3);
    expect(keys.keyFor("contact", 1, { ...ana(), ikm: owner.ikm })).toBe(first);
    const again = keys.keyFor("contact", 1, { ...owner, ikm: owner.ikm.slice() });
    expect(again).toEqual(first);
    expect(again).not.toBe(first);
    expect(keys.keyFor("contact", 3, owner)).toBeNull();
  });
});

describe("bytes out of a store", () => {
  test("are taken for a sealed value of their own slot only", () => {
    for (const slot of USED) {
      const value: Uint8Array = sealer.seal(slot, TEXT, placeOf(slot), ana());
      const taken: Sealed = asSealed(slot, value);
      expect(taken).toBe(value);
      for (const other of SLOT_NAMES.filter((name) => name !== slot)) {
        expect(() => asSealed(other, value)).toThrow(TypeError);
      }
    }
    for (const bytes of [utf8(TEXT), new Uint8Array(), new Uint8Array(100)]) {
      expect(() => asSealed("contact", bytes)).toThrow(TypeError);
    }
  });

  const good = () => Uint8Array.of(1, 2, 0, 1, 0, 0, 0, 1, ...new Uint8Array(28));
  test.each<[string, Uint8Array]>([
    ["of another version", good().with(0, 2)],
    ["of slot 0", good().with(1, 0)],
    ["of slot 13", good().with(1, 13)],
    ["of slot version 0", good().with(3, 0)],
    ["about somebody and under a tenant key", good().with(5, 1)],
    ["about somebody in epoch 0", good().with(7, 0)],
    ["without a whole tag", good().slice(1)],
    ["of no bytes", new Uint8Array()],
  ])("have no header when they are %s", (_, bytes) => {
    expect(parseSealedHeader(good())).not.toBeNull();
    expect(parseSealedHeader(bytes)).toBeNull();
  });
});
