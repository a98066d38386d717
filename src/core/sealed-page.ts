/**
 * A page of sealed rows in the archive (SPEC.md §5): JSON lines beside a segment, under the name of the segment. Mutable, for
 * erasure takes rows out. Sealed bytes are base64.
 */
import { fromBase64, toBase64 } from "./bytes.ts";

export interface PageRows {
  privates: { seq: number; subject: string; sealed: Uint8Array | null }[];
  subjects: {
    pseudonym: string;
    seq: number;
    subjectPlaintext: Uint8Array;
    emailClaim: Uint8Array | null;
    sourceIp: Uint8Array | null;
    idpClaimNames: Uint8Array | null;
  }[];
}

/** `sealed/<domain_id>/<first seq of the segment:020d>.jsonl`. */
export const sealedPageKey = (domainId: string, firstSeq: number): string =>
  `${sealedPagePrefix(domainId)}${String(firstSeq).padStart(20, "0")}.jsonl`;

/** First seq of an untrusted name; null for anything that `sealedPageKey` would not have made. */
export function parseSealedPageKey(domainId: string, key: string): number | null {
  const digits = key.slice(sealedPagePrefix(domainId).length, -".jsonl".length);
  return sealedPageKey(domainId, Number(digits)) === key && Number.isSafeInteger(Number(digits))
    ? Number(digits)
    : null;
}

export const sealedPagePrefix = (domainId: string): string => `sealed/${domainId}/`;

export function encodeSealedPage({ privates, subjects }: PageRows): string {
  const lines = [
    ...privates.map(({ seq, subject, sealed }) => ["private", seq, subject, sealed && toBase64(sealed)]),
    ...subjects.map((row) => [
      "subject",
      row.seq,
      row.pseudonym,
      toBase64(row.subjectPlaintext),
      ...[row.emailClaim, row.sourceIp, row.idpClaimNames].map((sealed) => sealed && toBase64(sealed)),
    ]),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** The rows of a stored page; null when it is damaged. */
export function decodeSealedPage(text: string): PageRows | null {
  const rows: PageRows = { privates: [], subjects: [] };
  try {
    for (const line of text.split("\n").filter((each) => each !== "")) {
      const [kind, seq, subject, ...sealed] = JSON.parse(line) as [string, number, string, ...(string | null)[]];
      const [first = null, second = null, third = null, fourth = null] = sealed.map((each) =>
        each === null ? null : bytesOf(each),
      );
      if (!Number.isSafeInteger(seq) || !/^(?:[0-9a-f]{64})?$/.test(subject)) return null;
      if (kind === "private") rows.privates.push({ seq, subject, sealed: first });
      else if (kind === "subject" && first) {
        rows.subjects.push({
          pseudonym: subject,
          seq,
          subjectPlaintext: first,
          emailClaim: second,
          sourceIp: third,
          idpClaimNames: fourth,
        });
      } else return null;
    }
    return rows;
  } catch {
    return null;
  }
}

/**
 * An untrusted page without the rows about a subject (pseudonym in lower-case hex); null when it has none. Nothing is decoded: a
 * row names its subject in its third place, and no other part of it can hold a quoted text of 64 digits between commas.
 */
export function pageWithoutSubject(text: string, pseudonym: string): string | null {
  const named = `,"${pseudonym}",`;
  if (!text.includes(named)) return null;
  return text
    .split("\n")
    .filter((line) => !line.includes(named))
    .join("\n");
}

function bytesOf(base64: string): Uint8Array {
  const bytes = fromBase64(base64);
  if (!bytes) throw new TypeError("not base64");
  return bytes;
}

/** The rows of the entries [fromSeq, toSeq]. */
export function sealedWithin<P extends { seq: number }, S extends { seq: number }>(
  rows: { privates: P[]; subjects: S[] },
  fromSeq: number,
  toSeq: number,
): { privates: P[]; subjects: S[] } {
  const within = ({ seq }: { seq: number }) => seq >= fromSeq && seq <= toSeq;
  return { privates: rows.privates.filter(within), subjects: rows.subjects.filter(within) };
}
