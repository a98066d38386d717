/**
 * The slots' keys as the environment gives them: one Worker secret for each slot and version. A secret cannot be read back,
 * so a new version is a new secret beside the old one and never an addition to it.
 */
import { fromBase64 } from "../core/bytes.ts";
import { KEY_REGISTRY, SLOT_NAMES, type SlotName } from "./key-registry.ts";

export const SLOT_KEY_BYTES = 32;
/** Versions stand in two bytes of every sealed value. */
export const MAX_VERSION = 0xffff;

/** `SLOT_CONTACT_V2`: a Worker secret. */
export type SlotSecretName = `SLOT_${Uppercase<SlotName>}_V${number}`;
/** What a new cell is given for each slot. */
export type FirstSlotSecret = `SLOT_${Uppercase<SlotName>}_V1`;

export interface SlotKeys {
  /** What is sealed now is sealed under this. The key has 32 bytes and is the same array at every call. */
  newest(slot: SlotName): { version: number; key: Uint8Array };
  /** Null when the cell does not have that version (any more). */
  ofVersion(slot: SlotName, version: number): Uint8Array | null;
  /** Ascending, never empty. */
  versions(slot: SlotName): number[];
}

export function slotSecretName<S extends SlotName, V extends number>(
  slot: S,
  version: V,
): `SLOT_${Uppercase<S>}_V${V}` {
  return `${KEY_REGISTRY[slot].secret}_V${version}` as `SLOT_${Uppercase<S>}_V${V}`;
}

/** Which slot and version a secret's name stands for; null for every other name, also for a version that cannot be. */
export function parseSlotSecretName(name: string): { slot: SlotName; version: number } | null {
  const slot = slotOfName(name);
  const text = slot && name.slice(versionAt(slot));
  if (!slot || !text || !/^[1-9]\d{0,4}$/.test(text) || Number(text) > MAX_VERSION) return null;
  return { slot, version: Number(text) };
}

/**
 * The keys of all twelve slots. Throws naming the setting, never its value: a slot without any version, a key that is not
 * base64 of exactly 32 bytes, the same key twice, a version that is not 1 to 65535. Settings of other names are not looked
 * at, also `SLOT_…` of a slot that is not declared here: after a step back to an older version there may be one.
 */
export function readSlotKeys(settings: object): SlotKeys {
  const keys = new Map<SlotName, Map<number, Uint8Array>>(SLOT_NAMES.map((slot) => [slot, new Map()]));
  const seen = new Map<string, string>();
  for (const [name, value] of Object.entries(settings)) {
    if (!slotOfName(name)) continue;
    const place = parseSlotSecretName(name);
    if (!place) throw new Error(`${name}: the version of a slot is a number from 1 to ${MAX_VERSION}`);
    const key = typeof value === "string" ? fromBase64(value) : null;
    if (key?.length !== SLOT_KEY_BYTES) throw new Error(`${name} must be base64 of exactly ${SLOT_KEY_BYTES} bytes`);
    const twin = seen.get(value);
    if (twin !== undefined) throw new Error(`${name} and ${twin} are the same`);
    seen.set(value, name);
    keys.get(place.slot)?.set(place.version, key);
  }
  return slotKeysOf(keys);
}

function slotKeysOf(keys: ReadonlyMap<SlotName, ReadonlyMap<number, Uint8Array>>): SlotKeys {
  const versions = (slot: SlotName) => [...(keys.get(slot)?.keys() ?? [])].sort((a, b) => a - b);
  const newest = new Map(
    SLOT_NAMES.map((slot) => {
      const version = versions(slot).at(-1);
      const key = version === undefined ? undefined : keys.get(slot)?.get(version);
      if (version === undefined || !key) throw new Error(`${slotSecretName(slot, 1)} is missing`);
      return [slot, { version, key }];
    }),
  );
  return {
    newest: (slot) => newest.get(slot) as { version: number; key: Uint8Array },
    ofVersion: (slot, version) => keys.get(slot)?.get(version) ?? null,
    versions,
  };
}

const versionAt = (slot: SlotName) => KEY_REGISTRY[slot].secret.length + "_V".length;

function slotOfName(name: string): SlotName | null {
  return SLOT_NAMES.find((slot) => name.startsWith(`${KEY_REGISTRY[slot].secret}_V`)) ?? null;
}
