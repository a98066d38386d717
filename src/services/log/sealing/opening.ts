/**
 * Opening what is sealed beside the entries, inside the object that knows who is erased. Keys never leave it: sealed rows
 * come in, plaintext goes out. Keys are fetched first; then one synchronous block looks again who is suppressed, so that
 * nobody whose erasure has begun is opened after it began.
 *
 * Cost: on the thread that puts entries in order, so a call is bounded by its caller to `LIMITS.revealBytes`.
 */
import { privateRowId } from "../../../core/private-values.ts";
import type { SlotName } from "../../../crypto/key-registry.ts";
import { parseSealedHeader, type Sealer, type SealOwner } from "../../../crypto/sealed.ts";
import type { SubjectKey } from "../../../crypto/subject-page.ts";
import type { SealedJournal } from "../../ports.ts";

/** A row of `audit_private_value` with something sealed in it, and the id of its entry, which it is bound to. */
export interface SealedPrivate {
  seq: number;
  entryId: string;
  /** Pseudonym in lower-case hex; empty: about nobody. */
  subject: string;
  sealed: Uint8Array;
}

/** A row of `audit_subject_pii`. */
export interface SealedMapping {
  pseudonym: string;
  subjectPlaintext: Uint8Array;
  emailClaim: Uint8Array | null;
  sourceIp: Uint8Array | null;
  idpClaimNames: Uint8Array | null;
}

export interface OpenCall {
  privates: SealedPrivate[];
  mappings: SealedMapping[];
  /** Whoever else is asked about. */
  people: string[];
}

export interface OpenedMapping {
  /** null: does not open. */
  identityId: string | null;
  /** null: never stored, or does not open. */
  email: string | null;
  ip: string | null;
  /** Canonical JSON of an array. */
  idpClaimNames: string | null;
  /** Something is stored that does not open. */
  unreadable: boolean;
}

export interface OpenedRows {
  /** As the call names them: the plaintext (SPEC.md §9), null where it does not open or its subject is erased. */
  privates: (string | null)[];
  mappings: (OpenedMapping | null)[];
  /** Those of all the people in the call that are erased. */
  erased: string[];
}

/** Keys for reading. A key that is lost is not there; a store or a key service that is away throws. */
export interface ReadingKeys {
  readable(pseudonyms: readonly string[]): Promise<ReadonlyMap<string, SubjectKey>>;
  tenantKeyOf(version: number): Promise<Uint8Array | null>;
}

export interface OpeningDeps {
  tenantId: string;
  keys: ReadingKeys;
  sealer: Pick<Sealer, "open">;
  journal: Pick<SealedJournal, "subjects">;
}

/** Throws `storage.unavailable`, `keys.unavailable` when keys cannot be had now. What is lost or damaged is null. */
export async function openRows(call: OpenCall, deps: OpeningDeps): Promise<OpenedRows> {
  const people = [
    ...new Set([
      ...call.privates.map(({ subject }) => subject),
      ...call.mappings.map(({ pseudonym }) => pseudonym),
      ...call.people,
    ]),
  ].filter((pseudonym) => pseudonym !== "");
  const holding = new Set([
    ...call.privates.map(({ subject }) => subject),
    ...call.mappings.map(({ pseudonym }) => pseudonym),
  ]);
  const subjectKeys = await deps.keys.readable(people.filter((pseudonym) => holding.has(pseudonym)));
  const tenantKeys = await tenantKeysFor(call, deps.keys);

  // From here on nothing waits.
  const erased = new Set(
    deps.journal
      .subjects(people)
      .filter(({ suppressed }) => suppressed)
      .map(({ pseudonym }) => pseudonym),
  );
  const ownerOf = (subject: string, sealed: Uint8Array): SealOwner | null => {
    const { tenantId } = deps;
    if (subject === "") {
      const tenantKeyVersion = parseSealedHeader(sealed)?.tenantKeyVersion ?? 0;
      const ikm = tenantKeys.get(tenantKeyVersion);
      return ikm ? { tenantId, tenantKeyVersion, subject: null, ikm } : null;
    }
    const key = erased.has(subject) ? undefined : subjectKeys.get(subject);
    return key
      ? { tenantId, tenantKeyVersion: 0, subject: { pseudonym: subject, epoch: key.epoch }, ikm: key.key }
      : null;
  };
  const open = (slot: SlotName, table: string, column: string, rowId: string | Uint8Array, subject: string) => {
    return (sealed: Uint8Array | null): string | null => {
      const owner = sealed && ownerOf(subject, sealed);
      const plaintext = sealed && owner ? deps.sealer.open(sealed, slot, { table, column, rowId }, owner) : null;
      return plaintext && textOf(plaintext);
    };
  };
  return {
    privates: call.privates.map(({ entryId, subject, sealed }) => {
      const rowId = privateRowId(entryId, subject);
      return open("private_values", "audit_private_value", "sealed", rowId, subject)(sealed);
    }),
    mappings: call.mappings.map((row) => (erased.has(row.pseudonym) ? null : openMapping(row, open))),
    erased: [...erased],
  };
}

type Open = (
  slot: SlotName,
  table: string,
  column: string,
  rowId: string,
  subject: string,
) => (sealed: Uint8Array | null) => string | null;

function openMapping(row: SealedMapping, open: Open): OpenedMapping {
  const { pseudonym } = row;
  const column = (slot: SlotName, name: string, sealed: Uint8Array | null) =>
    open(slot, "audit_subject_pii", name, pseudonym, pseudonym)(sealed);
  const opened = {
    identityId: column("subject_identity", "subject_plaintext", row.subjectPlaintext),
    email: column("contact", "email_claim", row.emailClaim),
    ip: column("network", "source_ip", row.sourceIp),
    idpClaimNames: column("idp_claims", "idp_claim_names", row.idpClaimNames),
  };
  const unreadable =
    opened.identityId === null ||
    (row.emailClaim !== null && opened.email === null) ||
    (row.sourceIp !== null && opened.ip === null) ||
    (row.idpClaimNames !== null && opened.idpClaimNames === null);
  return { ...opened, unreadable };
}

/** The tenant's keys that these values about nobody say they are sealed under; versions that are gone are left out. */
async function tenantKeysFor({ privates }: OpenCall, keys: ReadingKeys): Promise<Map<number, Uint8Array>> {
  const versions = new Set<number>();
  for (const { subject, sealed } of privates) {
    const version = subject === "" ? parseSealedHeader(sealed)?.tenantKeyVersion : undefined;
    if (version) versions.add(version);
  }
  const found = new Map<number, Uint8Array>();
  for (const version of versions) {
    const key = await keys.tenantKeyOf(version);
    if (key) found.set(version, key);
  }
  return found;
}

function textOf(plaintext: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plaintext);
  } catch {
    return null;
  }
}
