/**
 * What a domain's self-check looks at, and what follows when it is not as it must be (S0-16, S0-32; FAULTS F16).
 *
 * `contradiction`: two accounts of the log say different things. The domain's `on_violation` decides: it is stopped for writes, or
 * goes on with the finding on record. `tampering`: nothing contradicts the log, but somebody was at the stores, and it can be put
 * right (a guard put back, a database that the object fills again): on record and an alert, never a stop. `condition`: an alert.
 */
import type { AlertKind } from "../alerts/alert.ts";

export const CHECK_NAMES = [
  ...(["object", "checkpoint", "ledger", "archive", "mirror", "witness"] as const),
  ...(["guards", "backlog", "clock", "keys", "jurisdiction"] as const),
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

export const CHECKS: Readonly<Record<CheckName, string>> = {
  object: "The object's head and its tree go on from what was seen before",
  checkpoint: "The signed checkpoint contains the one seen before, and the one that the archive shows",
  ledger: "Rows of D1, recomputed, lie under the signed checkpoint",
  archive: "Segments of R2, recomputed, lie under the signed checkpoint, without a gap",
  mirror: "Tiles and bundles in R2 are those of the signed tree",
  witness: "What witnesses remember of the log is part of it",
  guards: "Every guard of D1 is there, with the body that it was made with",
  backlog: "Entries reach D1 in time",
  clock: "The clock agrees with D1's, and is not before what R2 has stored",
  keys: "The keys that the domain needs are there, and the log's key is a known one",
  jurisdiction: "The object and its stores were observed where the cell is",
};

/** Where the culprit is. */
export type StoreName = "object" | "ledger" | "archive" | "mirror" | "witness" | "cell";

export interface Finding {
  check: CheckName;
  store: StoreName;
  /** A word of the product's own, such as `entry_hash_mismatch`. */
  fault: string;
  /** The first entry that is not what it must be; null: it concerns none in particular. */
  seq: number | null;
  /** Where to look again: the first seq of a segment, a seq under a tile. */
  place: number;
}

export type Gravity = "contradiction" | "tampering" | "condition";

const CONTRADICTIONS: ReadonlySet<CheckName> = new Set([
  ...(["object", "checkpoint", "ledger", "archive", "mirror", "witness"] as const),
]);

/** A database that holds less than it held was set back: its object fills it again. */
export const SET_BACK = "set_back";

export function gravityOf({ check, store, fault }: Finding): Gravity {
  if (check === "guards" || (store === "ledger" && fault === SET_BACK)) return "tampering";
  return CONTRADICTIONS.has(check) ? "contradiction" : "condition";
}

/** The kinds of alert that the self-check raises; at most one of each is open for a domain. */
export const CHECK_ALERTS = ["integrity.violation", "clock.jumped", "check.failed"] as const satisfies AlertKind[];
export type CheckAlert = (typeof CHECK_ALERTS)[number];

export function alertKindOf(finding: Finding): CheckAlert {
  if (finding.check === "clock") return "clock.jumped";
  return gravityOf(finding) === "condition" ? "check.failed" : "integrity.violation";
}

/** `ledger:entry_hash_mismatch`, and `seq:17` where there is one. */
export const codesOf = ({ store, fault, seq }: Finding): string[] => [
  `${store}:${fault}`,
  ...(seq === null ? [] : [`seq:${seq}`]),
];

/** What the domain's own head says once it is stopped; `codesOfReason` reads it again. */
export const reasonOf = (finding: Finding): string =>
  `self-check: ${finding.store}:${finding.fault}${finding.seq === null ? "" : ` at entry ${finding.seq}`}`;

/** Empty for what somebody else found. */
export function codesOfReason(reason: string): string[] {
  const match = /^self-check: ([a-z]+:[a-z0-9_]+)(?: at entry (\d+))?$/.exec(reason);
  return match ? [match[1] as string, ...(match[2] === undefined ? [] : [`seq:${match[2]}`])] : [];
}

/** The same finding as before, found again. */
export const isSame = (a: Finding, b: Finding): boolean =>
  a.check === b.check && a.store === b.store && a.fault === b.fault && a.seq === b.seq;
