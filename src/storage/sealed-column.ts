/**
 * A column that holds sealed values of one slot: neither plaintext nor a value of another slot compiles in it, and neither
 * goes in or comes out at run time.
 */
import { customType } from "drizzle-orm/sqlite-core";
import { concatBytes } from "../core/bytes.ts";
import { NONCE_BYTES, TAG_BYTES } from "../crypto/aead.ts";
import { KEY_REGISTRY, SLOT_NAMES, type SlotName } from "../crypto/key-registry.ts";
import { asSealed, type Sealed } from "../crypto/sealed.ts";

/** What D1 gives for a BLOB, directly or through drizzle. */
type StoredBlob = Uint8Array | ArrayBuffer | number[];

/** `sealedColumn("contact")("email_claim")`. The column must also be declared in KEY_REGISTRY: `npm run check:keys`. */
export function sealedColumn<S extends SlotName>(slot: S) {
  return customType<{ data: Sealed<S>; driverData: StoredBlob }>({
    dataType: () => "blob",
    toDriver: (value) => asSealed(slot, value),
    fromDriver: (stored) => asSealed(slot, bytesOf(stored)),
  });
}

function bytesOf(stored: StoredBlob): Uint8Array {
  return stored instanceof Uint8Array ? stored : new Uint8Array(stored);
}

/**
 * Under which slot a column of a drizzle table seals; null for every other column. It is asked by what it does: a sealed
 * column takes values of one slot and refuses those of all others.
 */
export function slotOfColumn(column: { mapFromDriverValue(value: unknown): unknown }): SlotName | null {
  const accepted = SLOT_NAMES.filter((slot) => {
    try {
      column.mapFromDriverValue(emptyValueOf(slot));
      return true;
    } catch {
      return false;
    }
  });
  return accepted.length === 1 ? (accepted[0] ?? null) : null;
}

/** A value with a right header and nothing behind it: it never opens. */
function emptyValueOf(slot: SlotName): Uint8Array {
  const header = Uint8Array.of(1, KEY_REGISTRY[slot].number, 0, 1, 0, 1, 0, 0);
  return concatBytes(header, new Uint8Array(NONCE_BYTES + TAG_BYTES));
}
