/** Slot secrets of tests: fixed, different for each slot and version, worth nothing. */
import { createHash } from "node:crypto";
import { SLOT_NAMES, type SlotName } from "../../../src/crypto/key-registry.ts";
import { readSlotKeys, type SlotKeys, slotSecretName } from "../../../src/crypto/slot-keys.ts";

export type Settings = Record<string, string>;

/** Version 1 of every slot. */
export function slotSettings(): Settings {
  return Object.fromEntries(SLOT_NAMES.map((slot) => slotSetting(slot, 1)));
}

export function slotSetting(slot: SlotName, version: number): [name: string, value: string] {
  const name = slotSecretName(slot, version);
  return [name, createHash("sha256").update(name).digest("base64")];
}

/** Version 1 of every slot, and these further versions. */
export function slotKeys(...further: [slot: SlotName, version: number][]): SlotKeys {
  return readSlotKeys({ ...slotSettings(), ...Object.fromEntries(further.map((place) => slotSetting(...place))) });
}

/** As if the cell had lost every version of this slot. */
export function withoutSlot(keys: SlotKeys, lost: SlotName): SlotKeys {
  return {
    newest: (slot) => {
      if (slot === lost) throw new Error(`no key of ${slot}`);
      return keys.newest(slot);
    },
    ofVersion: (slot, version) => (slot === lost ? null : keys.ofVersion(slot, version)),
    versions: (slot) => (slot === lost ? [] : keys.versions(slot)),
  };
}
