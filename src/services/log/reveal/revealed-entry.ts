/** One entry as a reveal shows it. What is erased is null; what cannot be read says so. */
import { toHex } from "../../../core/bytes.ts";
import { canonicalJson } from "../../../core/canonical.ts";
import { subjectOf } from "../../../core/payload/people.ts";
import { decodePrivateValues } from "../../../core/private-values.ts";
import type { EntryRow } from "../../ports.ts";
import { type Opened, placeName, type ReadEntry } from "./read-entry.ts";

/** `erased`: for good. `unreadable`: its row or its key is lost, or it does not open. */
export type Readability = "revealed" | "erased" | "unreadable";

/** Somebody whom the entry names. */
export interface RevealedPerson {
  ref: string;
  status: Readability;
  identityId: string | null;
  email: string | null;
  ip: string | null;
  idpClaimNames: string[] | null;
}

export interface RevealedValue {
  pointer: string;
  /** As it stands in the payload. */
  commitment: string;
  /** Whom it is about; null: nobody. */
  subject: string | null;
  status: Readability;
  /** Canonical JSON. */
  valueJson: string | null;
  /** Lower-case hex. */
  salt: string | null;
}

export interface RevealedEntry {
  row: EntryRow;
  people: RevealedPerson[];
  values: RevealedValue[];
}

/** That a value fits its commitment is for the reader to check (`src/verifier/disclosure.ts`). */
export function revealedEntry({ row, payload, people }: ReadEntry, opened: Opened): RevealedEntry {
  const bySubject = new Map<string, ReadonlyMap<string, { valueJson: string; salt: string }>>();
  const valuesOf = (subject: string) => {
    const known = bySubject.get(subject) ?? readValues(opened.privates.get(placeName(row.seq, subject)));
    bySubject.set(subject, known);
    return known;
  };
  const commitments = Object.entries(payload?.private ?? {});
  return {
    row,
    people: people.map((ref) => revealedPerson(ref, opened)),
    values: commitments.map(([pointer, commitment]) => {
      const subject = payload && subjectOf(payload, pointer);
      if (subject !== null && opened.erased.has(subject)) {
        return { pointer, commitment, subject, status: "erased", valueJson: null, salt: null };
      }
      const found = valuesOf(subject ?? "").get(pointer);
      if (!found) return { pointer, commitment, subject, status: "unreadable", valueJson: null, salt: null };
      return { pointer, commitment, subject, status: "revealed", ...found };
    }),
  };
}

function readValues(text: string | undefined): ReadonlyMap<string, { valueJson: string; salt: string }> {
  const values = text === undefined ? null : decodePrivateValues(text);
  return new Map(
    (values ?? []).map(({ pointer, value, salt }) => [
      pointer,
      { valueJson: canonicalJson(value as object), salt: toHex(salt) },
    ]),
  );
}

function revealedPerson(ref: string, { mappings, erased }: Opened): RevealedPerson {
  const nothing = { ref, identityId: null, email: null, ip: null, idpClaimNames: null };
  if (erased.has(ref)) return { ...nothing, status: "erased" };
  const mapping = mappings.get(ref);
  if (!mapping) return { ...nothing, status: "unreadable" };
  const { identityId, email, ip } = mapping;
  const idpClaimNames = mapping.idpClaimNames === null ? null : (JSON.parse(mapping.idpClaimNames) as string[]);
  return { ref, identityId, email, ip, idpClaimNames, status: mapping.unreadable ? "unreadable" : "revealed" };
}
