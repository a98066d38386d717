import { describe, expect, test } from "vitest";
import { SLOT_NAMES } from "../../src/crypto/key-registry.ts";
import { parseSlotSecretName, readSlotKeys, slotSecretName } from "../../src/crypto/slot-keys.ts";
import { type Settings, slotSetting, slotSettings } from "./support/slots.ts";

const base64Of = (byteLength: number, fill = 1) => Buffer.alloc(byteLength, fill).toString("base64");

function refusal(settings: Settings): string {
  try {
    readSlotKeys(settings);
    return "accepted";
  } catch (error) {
    return (error as Error).message;
  }
}

describe("slot keys", () => {
  test("S2-1 are twelve, of 32 bytes, all different", () => {
    const keys = readSlotKeys(slotSettings());
    const secrets = SLOT_NAMES.map((slot) => Buffer.from(keys.newest(slot).key).toString("hex"));
    expect(new Set(secrets).size).toBe(12);
    for (const secret of secrets) expect(secret).toHaveLength(64);
    for (const slot of SLOT_NAMES) expect(keys.versions(slot)).toEqual([1]);
  });

  test("the newest version is the highest number, whatever the order of the settings; the others stay", () => {
    const further = [10, 2, 9, 65_535].map((version) => slotSetting("contact", version));
    const keys = readSlotKeys(Object.fromEntries([...further, ...Object.entries(slotSettings())]));
    expect(keys.versions("contact")).toEqual([1, 2, 9, 10, 65_535]);
    expect(keys.newest("contact").version).toBe(65_535);
    expect(keys.ofVersion("contact", 9)).toEqual(Uint8Array.from(Buffer.from(slotSetting("contact", 9)[1], "base64")));
    expect(keys.ofVersion("contact", 3)).toBeNull();
    expect(keys.versions("network")).toEqual([1]);
  });

  test("a first version that was taken away is not missed when there is a later one", () => {
    const { SLOT_TAX_IDS_V1: _, ...rest } = slotSettings();
    const keys = readSlotKeys({ ...rest, ...Object.fromEntries([slotSetting("tax_ids", 2)]) });
    expect(keys.newest("tax_ids").version).toBe(2);
    expect(keys.ofVersion("tax_ids", 1)).toBeNull();
  });

  test("settings of other names are not looked at", () => {
    const others = { SLOT_UNKNOWN_V1: "x", SLOT_CONTACTS_V1: "x", SLOTS: "x", API_KEY_PEPPER: "x", DB: {} };
    expect(() => readSlotKeys({ ...slotSettings(), ...others })).not.toThrow();
  });
});

describe("S2-6 slot keys are refused, by the setting's name and never with its value,", () => {
  test.each(SLOT_NAMES)("when %s has none", (slot) => {
    const settings = slotSettings();
    delete settings[slotSecretName(slot, 1)];
    expect(refusal(settings)).toContain(slotSecretName(slot, 1));
  });

  test.each([
    ["empty", ""],
    ["31 bytes", base64Of(31)],
    ["33 bytes", base64Of(33)],
    ["hex", "ab".repeat(32)],
    ["not base64", "not base64 at all, whatever it may be"],
    ["base64 without its padding", base64Of(32, 200).replace("=", "")],
    ["base64url", base64Of(32, 251).replaceAll("+", "-").replaceAll("/", "_")],
    ["with a line end", `${base64Of(32, 200)}\n`],
  ])("when one is %s", (_, value) => {
    const message = refusal({ ...slotSettings(), SLOT_RECORDS_V1: value });
    expect(message).toContain("SLOT_RECORDS_V1");
    if (value !== "") expect(message).not.toContain(value);
    expect(refusal({ ...slotSettings(), SLOT_RECORDS_V2: value })).toContain("SLOT_RECORDS_V2");
  });

  test("when one is no text", () => {
    expect(refusal({ ...slotSettings(), SLOT_RECORDS_V1: 1 as never })).toContain("SLOT_RECORDS_V1");
  });

  test.each(["V0", "V01", "V65536", "V100000", "V-1", "V1.5", "V1e3", "V", "V ", "V1x", "Vx"])(
    "when a version is spelled %s",
    (version) => {
      expect(refusal({ ...slotSettings(), [`SLOT_CONTACT_${version}`]: base64Of(32, 200) })).toContain(
        `SLOT_CONTACT_${version}`,
      );
    },
  );

  test.each([
    ["two slots", "SLOT_CONTACT_V1", "SLOT_NETWORK_V1"],
    ["two versions of one slot", "SLOT_CONTACT_V1", "SLOT_CONTACT_V2"],
    ["versions of two slots", "SLOT_CONTACT_V1", "SLOT_NETWORK_V7"],
  ])("when %s are the same", (_, first, second) => {
    const settings = slotSettings();
    const message = refusal({ ...settings, [second]: settings[first] ?? "" });
    expect(message).toContain(first);
    expect(message).toContain(second);
    expect(message).not.toContain(settings[first]);
  });
});

test("a secret's name and its slot and version are two spellings of one thing", () => {
  for (const slot of SLOT_NAMES) {
    for (const version of [1, 9, 10, 65_535]) {
      expect(parseSlotSecretName(slotSecretName(slot, version))).toEqual({ slot, version });
    }
  }
  for (const name of ["SLOT_CONTACT_V0", "SLOT_CONTACT_V01", "SLOT_CONTACT_V65536", "SLOT_CONTACT", "SLOT_X_V1", ""]) {
    expect(parseSlotSecretName(name)).toBeNull();
  }
});
