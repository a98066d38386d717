/** Sealing one stored value anew: under the newest version of its slot, and of the tenant's key when it is about nobody. */
import { privateRowId } from "../../../core/private-values.ts";
import type { SlotName } from "../../../crypto/key-registry.ts";
import { parseSealedHeader, type Sealed, type Sealer, type SealOwner, type SealPlace } from "../../../crypto/sealed.ts";
import type { SlotKeys } from "../../../crypto/slot-keys.ts";
import type { SubjectKey } from "../../../crypto/subject-page.ts";
import type { SubjectRow } from "../../ports.ts";

/** Versions below which a value is stale. */
export interface Fresh {
  slotVersion: (slot: SlotName) => number;
  tenantKeyVersion: number;
}

export function isStale(sealed: Uint8Array, fresh: Fresh): boolean {
  const header = parseSealedHeader(sealed);
  if (!header) return false;
  const { slot, slotVersion, tenantKeyVersion } = header;
  return slotVersion < fresh.slotVersion(slot) || (tenantKeyVersion > 0 && tenantKeyVersion < fresh.tenantKeyVersion);
}

export const freshOf = (slots: SlotKeys, tenantKeyVersion: number): Fresh => ({
  slotVersion: (slot) => slots.newest(slot).version,
  tenantKeyVersion,
});

/** Keys that were fetched before; everything after is synchronous. */
export interface KeysAtHand {
  tenantId: string;
  subjects: ReadonlyMap<string, SubjectKey>;
  /** By version, with the present one. */
  tenant: ReadonlyMap<number, Uint8Array>;
  present: number;
}

/** Null when it does not open. */
export function sealAnew<S extends SlotName>(
  sealed: Sealed<S>,
  slot: S,
  place: SealPlace,
  subject: string,
  keys: KeysAtHand,
  sealer: Pick<Sealer, "seal" | "open">,
): Sealed<S> | null {
  const before = ownerOf(subject, parseSealedHeader(sealed)?.tenantKeyVersion ?? 0, keys);
  const after = ownerOf(subject, keys.present, keys);
  const plaintext = before && sealer.open(sealed, slot, place, before);
  return plaintext && after ? sealer.seal(slot, plaintext, place, after) : null;
}

function ownerOf(subject: string, version: number, { tenantId, subjects, tenant }: KeysAtHand): SealOwner | null {
  if (subject === "") {
    const ikm = tenant.get(version);
    return ikm ? { tenantId, tenantKeyVersion: version, subject: null, ikm } : null;
  }
  const key = subjects.get(subject);
  return key
    ? { tenantId, tenantKeyVersion: 0, subject: { pseudonym: subject, epoch: key.epoch }, ikm: key.key }
    : null;
}

export const privatePlace = (entryId: string, subject: string): SealPlace => ({
  table: "audit_private_value",
  column: "sealed",
  rowId: privateRowId(entryId, subject),
});

/** A mapping with its stale columns sealed anew; null when none is stale or one does not open. */
export function mappingAnew(
  row: SubjectRow,
  fresh: Fresh,
  keys: KeysAtHand,
  sealer: Pick<Sealer, "seal" | "open">,
): { row: SubjectRow; values: number } | null {
  let values = 0;
  let unreadable = false;
  const column = <S extends SlotName, T extends Sealed<S> | null>(sealed: T, slot: S, name: string): T => {
    if (sealed === null || !isStale(sealed, fresh)) return sealed;
    const place = { table: "audit_subject_pii", column: name, rowId: row.pseudonym };
    const anew = sealAnew(sealed, slot, place, row.pseudonym, keys, sealer);
    if (anew) values++;
    else unreadable = true;
    return (anew ?? sealed) as T;
  };
  const subjectPlaintext = column(row.subjectPlaintext, "subject_identity", "subject_plaintext");
  const emailClaim = column(row.emailClaim, "contact", "email_claim");
  const sourceIp = column(row.sourceIp, "network", "source_ip");
  const idpClaimNames = column(row.idpClaimNames, "idp_claims", "idp_claim_names");
  if (values === 0 && !unreadable) return null;
  return { row: { ...row, subjectPlaintext, emailClaim, sourceIp, idpClaimNames }, values };
}

export const isStaleMapping = (row: SubjectRow, fresh: Fresh): boolean =>
  [row.subjectPlaintext, row.emailClaim, row.sourceIp, row.idpClaimNames].some(
    (sealed) => sealed !== null && isStale(sealed, fresh),
  );
