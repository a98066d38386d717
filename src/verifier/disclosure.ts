/**
 * Disclosures (SPEC.md §8): entries with some of their private values in clear, each with the salt of its commitment. Whoever
 * holds the file checks without any key, server or network that these very values are what the entries committed to.
 *
 * Not checked: that the entries stand in the log (compare their hashes with a receipt or a verified log), who a pseudonym is
 * (only the domain's pepper could tell), and what was left out of the file.
 */
import { fromHex, toHex } from "../core/bytes.ts";
import { entryHash } from "../core/chain.ts";
import { privateCommitment } from "../core/commitment.ts";
import { LIMITS } from "../core/limits.ts";
import { type Payload, parsePayload } from "../core/payload/payload.ts";
import type { Sha256 } from "../core/sha256.ts";
import { type JsonValue, parseStrictJson } from "../core/strict-json.ts";

export const DISCLOSURE_FORMAT = "moonseal/disclosure/v1";

export interface DisclosedValue {
  pointer: string;
  /** `revealed`: with value and salt; anything else: withheld. */
  status: string;
  value: JsonValue;
  salt: string | null;
  commitment: string;
}

export interface DisclosedEntry {
  seq: number;
  id: string;
  prev_hash: string;
  entry_hash: string;
  /** The exact text that was hashed. */
  payload: string;
  private: DisclosedValue[];
}

export interface Disclosure {
  format: typeof DISCLOSURE_FORMAT;
  domain: string;
  entries: DisclosedEntry[];
}

export type EntryFault = "hash_malformed" | "entry_hash_mismatch" | "not_a_payload" | "foreign_place" | "chain_broken";
export type ValueResult = "matches" | "does_not_match" | "not_committed" | "malformed";

export interface CheckedEntry {
  seq: number;
  id: string;
  entryHash: string;
  fault: EntryFault | null;
  values: { pointer: string; result: ValueResult }[];
  /** Commitments of the payload whose values the file does not give. */
  withheld: string[];
}

export interface DisclosureReport {
  /** `nothing`: the file gives no value. */
  verdict: "verified" | "refuted" | "nothing";
  domain: string;
  entries: CheckedEntry[];
  matching: number;
  withheld: number;
}

/** Nesting of the document around a value. */
const DEPTH_AROUND = 5;

/** An untrusted file; null when it is no disclosure of this version. */
export function parseDisclosure(text: string): Disclosure | null {
  const parsed = parseStrictJson(text, LIMITS.jsonDepth + DEPTH_AROUND);
  const file = parsed.ok ? (parsed.value as Partial<Disclosure> | null) : null;
  if (file?.format !== DISCLOSURE_FORMAT || typeof file.domain !== "string" || !Array.isArray(file.entries))
    return null;
  return file.entries.every(isEntry) ? (file as Disclosure) : null;
}

/** Checks every entry and every value that is given; a fault in one does not hide the others. O(bytes). */
export function checkDisclosure({ domain, entries }: Disclosure, sha256: Sha256): DisclosureReport {
  const checked = entries.map((entry, i) => checkEntry(entry, entries[i - 1], domain, sha256));
  const results = checked.flatMap(({ values }) => values);
  const refuted = checked.some(({ fault }) => fault !== null) || results.some(({ result }) => result !== "matches");
  return {
    verdict: refuted ? "refuted" : results.length === 0 ? "nothing" : "verified",
    domain,
    entries: checked,
    matching: results.filter(({ result }) => result === "matches").length,
    withheld: checked.reduce((sum, { withheld }) => sum + withheld.length, 0),
  };
}

function checkEntry(
  entry: DisclosedEntry,
  before: DisclosedEntry | undefined,
  domain: string,
  sha256: Sha256,
): CheckedEntry {
  const { seq, id, entry_hash: hash } = entry;
  const given = entry.private.filter(({ status }) => status === "revealed");
  const { payload, fault } = readEntry(entry, before, domain, sha256);
  const committed = commitmentsOf(payload);
  return {
    seq,
    id,
    entryHash: hash,
    fault,
    values: given.map((value) => ({
      pointer: value.pointer,
      result: checkValue(value, committed.get(value.pointer), { domain, entryId: id }, sha256),
    })),
    withheld: [...committed.keys()].filter((pointer) => !given.some((value) => value.pointer === pointer)),
  };
}

/** The payload counts only when the entry is what its hash says. */
function readEntry(
  entry: DisclosedEntry,
  before: DisclosedEntry | undefined,
  domain: string,
  sha256: Sha256,
): { payload: Payload | null; fault: EntryFault | null } {
  const prev = fromHex(entry.prev_hash);
  if (prev?.length !== 32) return { payload: null, fault: "hash_malformed" };
  if (toHex(entryHash(sha256, prev, entry.payload)) !== entry.entry_hash) {
    return { payload: null, fault: "entry_hash_mismatch" };
  }
  const parsed = parsePayload(entry.payload);
  if (!parsed.ok) return { payload: null, fault: "not_a_payload" };
  const { payload } = parsed;
  const inPlace = payload.domain === domain && payload.seq === entry.seq && payload.id === entry.id;
  if (!inPlace) return { payload: null, fault: "foreign_place" };
  const follows = before?.seq !== entry.seq - 1 || before.entry_hash === entry.prev_hash;
  return { payload, fault: follows ? null : "chain_broken" };
}

function commitmentsOf(payload: Payload | null): Map<string, unknown> {
  const commitments = payload?.private;
  return new Map(commitments !== null && typeof commitments === "object" ? Object.entries(commitments) : []);
}

function checkValue(
  { pointer, value, salt, commitment }: DisclosedValue,
  committed: unknown,
  place: { domain: string; entryId: string },
  sha256: Sha256,
): ValueResult {
  if (typeof committed !== "string") return "not_committed";
  const salt32 = salt === null ? null : fromHex(salt);
  if (salt32?.length !== 32) return "malformed";
  const computed = toHex(privateCommitment(sha256, salt32, { ...place, pointer }, value));
  return computed === committed && commitment === committed ? "matches" : "does_not_match";
}

function isEntry(entry: unknown): entry is DisclosedEntry {
  const { seq, id, prev_hash, entry_hash, payload, private: values } = (entry ?? {}) as Partial<DisclosedEntry>;
  const texts = [id, prev_hash, entry_hash, payload].every((text) => typeof text === "string");
  return texts && Number.isSafeInteger(seq) && Array.isArray(values) && values.every(isValue);
}

function isValue(item: unknown): item is DisclosedValue {
  const { pointer, status, value, salt, commitment } = (item ?? {}) as Partial<DisclosedValue>;
  const texts = [pointer, status, commitment].every((text) => typeof text === "string");
  return texts && value !== undefined && (salt === null || typeof salt === "string");
}
