/**
 * Ids that carry their jurisdiction: TypeIDs (prefix, then a UUIDv7 in lower-case base32), for example
 * `dom_eu_01jcy3x8e7f4s9m2k5n8q1r4tv`. A tenant cannot move, so an id never changes.
 */
import { TypeID } from "typeid-js";

export const JURISDICTIONS = ["eu", "us"] as const;
export type Jurisdiction = (typeof JURISDICTIONS)[number];

/** Every kind of id that may stand in a path or a body. */
export const ID_KINDS = {
  tenant: "tnt",
  domain: "dom",
  apiKey: "key",
  legalHold: "hld",
  member: "mem",
  staff: "stf",
  session: "ses",
  invitation: "inv",
  serviceAccount: "svc",
  accessGrant: "acc",
  export: "exp",
  exportLink: "lnk",
} as const;
export type IdKind = keyof typeof ID_KINDS;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const SUFFIX = "[0-7][0-9a-hjkmnp-tv-z]{25}";
const ANY_ID = new RegExp(`^(${Object.values(ID_KINDS).join("|")})_(${JURISDICTIONS.join("|")})_${SUFFIX}$`);

export function isJurisdiction(value: unknown): value is Jurisdiction {
  return JURISDICTIONS.some((jurisdiction) => jurisdiction === value);
}

/** The pattern of one kind of id, for schemas. */
export function idPattern(kind: IdKind): RegExp {
  return new RegExp(`^${ID_KINDS[kind]}_(?:${JURISDICTIONS.join("|")})_${SUFFIX}$`);
}

/** Makes an id from a UUID (text form). Throws on a malformed UUID: the caller made it, and TypeID would take anything. */
export function makeId(kind: IdKind, jurisdiction: Jurisdiction, uuid: string): string {
  if (!UUID.test(uuid)) throw new RangeError("not a UUID");
  return TypeID.fromUUID(`${ID_KINDS[kind]}_${jurisdiction}`, uuid).toString();
}

/** Kind and jurisdiction of an untrusted id; `null` unless it is spelled exactly as `makeId` spells it. */
export function parseId(text: string): { kind: IdKind; jurisdiction: Jurisdiction } | null {
  const match = ANY_ID.exec(text);
  if (!match) return null;
  const [, prefix, jurisdiction] = match;
  const kind = (Object.keys(ID_KINDS) as IdKind[]).find((candidate) => ID_KINDS[candidate] === prefix);
  return kind && isJurisdiction(jurisdiction) ? { kind, jurisdiction } : null;
}

/** The 26 characters that two ids of one thing share (an API key's id and the key itself). */
export function idSuffix(id: string): string {
  return id.slice(-26);
}

const NIL_UUID = "00000000-0000-0000-0000-000000000000";

/** The reserved tenant that owns the platform domain of a cell. */
export const platformTenantId = (jurisdiction: Jurisdiction): string => makeId("tenant", jurisdiction, NIL_UUID);
/** The platform domain of a cell (decision 12: one per jurisdiction). */
export const platformDomainId = (jurisdiction: Jurisdiction): string => makeId("domain", jurisdiction, NIL_UUID);
