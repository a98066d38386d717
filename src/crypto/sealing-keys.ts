/**
 * Keys of sealed values (SPEC.md §9): derived, never stored, and forgotten together with the key that they come from.
 */
import { concatBytes, lengthPrefixed, uint16 } from "../core/bytes.ts";
import { hkdfSha256 } from "./hkdf.ts";
import { KEY_REGISTRY, type SlotName } from "./key-registry.ts";
import { MAX_VERSION, type SlotKeys } from "./slot-keys.ts";

/** Whose value it is. */
export interface SealOwner {
  tenantId: string;
  /** 1 to 65535; of a value about nobody. Not looked at when there is a subject. */
  tenantKeyVersion: number;
  /** `pseudonym` is 64 digits of lower-case hex, `epoch` 1 to 65535. Null: a value about nobody. */
  subject: { pseudonym: string; epoch: number } | null;
  /** The subject's key, or the tenant's key for a value about nobody. 32 bytes. */
  ikm: Uint8Array;
}

const IKM_BYTES = 32;

interface Derived {
  tenantId: string;
  pseudonym: string;
  tenantKeyVersion: number;
  epoch: number;
  /** By slot and version. */
  keys: Map<number, Uint8Array>;
}

/** Derives each key once for as long as somebody holds the array that it is derived from: at most slots × versions each. */
export class SealingKeys {
  readonly #slots: SlotKeys;
  readonly #derived = new WeakMap<Uint8Array, Derived>();

  constructor(slots: SlotKeys) {
    this.#slots = slots;
  }

  /**
   * The 32-byte key for values of this owner under this version of the slot; null when the cell has no such version. Throws
   * RangeError on an owner that cannot be. Whoever drops `owner.ikm` drops everything that was derived from it.
   */
  keyFor(slot: SlotName, version: number, owner: SealOwner): Uint8Array | null {
    const secret = this.#slots.ofVersion(slot, version);
    if (!secret) return null;
    const { keys, ...of } = this.#derivedFor(owner);
    const place = KEY_REGISTRY[slot].number * (MAX_VERSION + 1) + version;
    const known = keys.get(place);
    if (known) return known;
    const versions = concatBytes(uint16(version), uint16(of.tenantKeyVersion), uint16(of.epoch));
    const info = lengthPrefixed("moonseal/seal/v1", slot, of.tenantId, of.pseudonym, versions);
    const key = hkdfSha256(secret, owner.ikm, info);
    keys.set(place, key);
    return key;
  }

  /** What was derived from this array for this owner; for another owner it is forgotten. */
  #derivedFor({ tenantId, tenantKeyVersion, subject, ikm }: SealOwner): Derived {
    const of = {
      tenantId,
      pseudonym: subject?.pseudonym ?? "",
      tenantKeyVersion: subject ? 0 : tenantKeyVersion,
      epoch: subject?.epoch ?? 0,
    };
    const known = this.#derived.get(ikm);
    if (known && sameOwner(known, of)) return known;
    refuseImpossible(of, subject !== null, ikm);
    const derived = { ...of, keys: new Map<number, Uint8Array>() };
    this.#derived.set(ikm, derived);
    return derived;
  }
}

type Of = Omit<Derived, "keys">;

function sameOwner(a: Of, b: Of): boolean {
  return (
    a.tenantId === b.tenantId &&
    a.pseudonym === b.pseudonym &&
    a.tenantKeyVersion === b.tenantKeyVersion &&
    a.epoch === b.epoch
  );
}

function refuseImpossible(of: Of, hasSubject: boolean, ikm: Uint8Array): void {
  if (ikm.length !== IKM_BYTES) throw new RangeError("a subject key and a tenant key have exactly 32 bytes");
  const counted = hasSubject ? of.epoch : of.tenantKeyVersion;
  if (!Number.isInteger(counted) || counted < 1 || counted > MAX_VERSION) {
    throw new RangeError(`${hasSubject ? "an epoch" : "a tenant key version"} is 1 to ${MAX_VERSION}`);
  }
  if (hasSubject && !/^[0-9a-f]{64}$/.test(of.pseudonym)) throw new RangeError("a pseudonym is 64 digits of hex");
}
