/**
 * Sealed values (SPEC.md §9): one value of one column, under the key of one slot, one tenant and one subject, bound to its
 * place. Opening needs three things that lie in three places: the slot's secret, the subject's (or the tenant's) key, the row.
 */
import { concatBytes, lengthPrefixed, uint16, uint16At } from "../core/bytes.ts";
import { decrypt, encrypt, NONCE_BYTES, randomNonce, TAG_BYTES } from "./aead.ts";
import { KEY_REGISTRY, type SlotName, slotOfNumber } from "./key-registry.ts";
import { SealingKeys, type SealOwner } from "./sealing-keys.ts";
import type { SlotKeys } from "./slot-keys.ts";

export type { SealOwner } from "./sealing-keys.ts";

declare const sealedIn: unique symbol;
/** Bytes that `Sealer.seal` made, or that came out of a store as such. Plaintext is no `Sealed`. */
export type Sealed<S extends SlotName = SlotName> = Uint8Array & { readonly [sealedIn]: S };

/** Where a value stands; it opens nowhere else. */
export interface SealPlace {
  table: string;
  column: string;
  /** Strings stand for their UTF-8 bytes. */
  rowId: string | Uint8Array;
}

export interface SealedHeader {
  slot: SlotName;
  slotVersion: number;
  /** 0: a value about a subject. */
  tenantKeyVersion: number;
  /** 0: a value about nobody. */
  subjectEpoch: number;
}

const FORMAT_VERSION = 1;
const HEADER_BYTES = 8;
const BODY_AT = HEADER_BYTES + NONCE_BYTES;

/** What an untrusted value says of itself; null when it has no header of this format. Nothing is vouched for until it opens. */
export function parseSealedHeader(bytes: Uint8Array): SealedHeader | null {
  if (bytes.length < BODY_AT + TAG_BYTES || bytes[0] !== FORMAT_VERSION) return null;
  const slot = slotOfNumber(bytes[1] as number);
  const slotVersion = uint16At(bytes, 2);
  const tenantKeyVersion = uint16At(bytes, 4);
  const subjectEpoch = uint16At(bytes, 6);
  // About a subject or about nobody: exactly one of the two says so.
  if (!slot || slotVersion === 0 || (tenantKeyVersion === 0) === (subjectEpoch === 0)) return null;
  return { slot, slotVersion, tenantKeyVersion, subjectEpoch };
}

/**
 * Takes bytes that a store gave for a sealed value of this slot. Throws TypeError when they do not say so themselves. That
 * they open is not checked.
 */
export function asSealed<S extends SlotName>(slot: S, bytes: Uint8Array): Sealed<S> {
  if (parseSealedHeader(bytes)?.slot !== slot) throw new TypeError(`not a value that is sealed under ${slot}`);
  return bytes as Sealed<S>;
}

export class Sealer {
  readonly #slots: SlotKeys;
  readonly #keys: SealingKeys;
  readonly #random: (byteLength: number) => Uint8Array;

  /** `random` is replaced by tests only: a nonce that comes twice under one key gives both values away. */
  constructor(slots: SlotKeys, random: (byteLength: number) => Uint8Array = randomNonce) {
    this.#slots = slots;
    this.#keys = new SealingKeys(slots);
    this.#random = random;
  }

  /**
   * Seals under the slot's newest version. Throws unless KEY_REGISTRY declares the column for this slot, and on an owner that
   * cannot be (`SealOwner`). Synchronous. A key is derived once for each owner and slot.
   */
  seal<S extends SlotName>(slot: S, plaintext: Uint8Array | string, place: SealPlace, owner: SealOwner): Sealed<S> {
    const column = `${place.table}.${place.column}` as const;
    const { columns, objectColumns = [] } = KEY_REGISTRY[slot];
    if (![...columns, ...objectColumns].includes(column)) throw new TypeError(`${column} is not declared for ${slot}`);
    const { version } = this.#slots.newest(slot);
    const key = this.#keys.keyFor(slot, version, owner);
    if (!key) throw new Error("a slot has its newest version");
    const header = headerBytes(slot, version, owner);
    const nonce = this.#random(NONCE_BYTES);
    const sealed = concatBytes(header, nonce, encrypt(key, nonce, aadOf(place, header), plaintext));
    return asSealed(slot, sealed);
  }

  /**
   * The plaintext, or null when it does not open here, whatever the reason: damaged, moved, sealed under another slot or for
   * another owner, under a version that this cell no longer has. Throws only on an owner that cannot be.
   */
  open(sealed: Uint8Array, slot: SlotName, place: SealPlace, owner: SealOwner): Uint8Array | null {
    const header = parseSealedHeader(sealed);
    if (header?.slot !== slot || header.subjectEpoch !== (owner.subject?.epoch ?? 0)) return null;
    if (header.tenantKeyVersion !== (owner.subject ? 0 : owner.tenantKeyVersion)) return null;
    const key = this.#keys.keyFor(slot, header.slotVersion, owner);
    if (!key) return null;
    const nonce = sealed.subarray(HEADER_BYTES, BODY_AT);
    return decrypt(key, nonce, aadOf(place, sealed.subarray(0, HEADER_BYTES)), sealed.subarray(BODY_AT));
  }
}

function headerBytes(slot: SlotName, slotVersion: number, { subject, tenantKeyVersion }: SealOwner): Uint8Array {
  return concatBytes(
    Uint8Array.of(FORMAT_VERSION, KEY_REGISTRY[slot].number),
    uint16(slotVersion),
    uint16(subject ? 0 : tenantKeyVersion),
    uint16(subject?.epoch ?? 0),
  );
}

function aadOf({ table, column, rowId }: SealPlace, header: Uint8Array): Uint8Array {
  return lengthPrefixed(table, column, rowId, header);
}
