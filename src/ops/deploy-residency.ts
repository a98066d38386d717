/** Whether a deployment says, signed, that its data is where it belongs (`GET /v1/residency`). */
import { isDeepStrictEqual } from "node:util";
import { parseCanonicalJson } from "../core/canonical.ts";
import { isJurisdiction } from "../core/ids.ts";
import { verifyNote } from "../crypto/verify.ts";
import { RESIDENCY_LABEL } from "../services/residency.ts";
import type { Cell } from "./deploy-config.ts";

/** A report may be this old: the clocks of two machines differ. */
const FRESH_MS = 5 * 60_000;
const MAX_DEPTH = 8;

interface Report {
  jurisdiction: string;
  durable_objects: { observed: string };
  databases: Record<string, { observed: string }>;
  buckets: Record<string, { observed: string }>;
  at: string;
}

/**
 * What is wrong with an untrusted answer for these cells, one line each. Only what stands in the signed note counts. Without
 * a pinned key the note proves no more than that its signer has the log host's name.
 */
export function residencyFaults(
  body: unknown,
  cells: readonly Cell[],
  logKeys: readonly string[],
  nowMs: number,
): string[] {
  const reports = (body as { cells?: unknown } | null)?.cells;
  if (!Array.isArray(reports)) return ["the answer is no residency report"];
  return cells.flatMap((cell) => {
    const { jurisdiction } = cell;
    const mine = reports.filter((report) => report?.jurisdiction === jurisdiction);
    if (mine.length !== 1) return [`${jurisdiction}: ${mine.length} reports instead of one`];
    const key = logKeys.find((pinned) => pinned.startsWith(`${cell.logHost}/${jurisdiction}+`));
    if (logKeys.length > 0 && key === undefined) return [`${jurisdiction}: none of the given log keys is its own`];
    return reportFaults(mine[0], cell, key, nowMs).map((fault) => `${jurisdiction}: ${fault}`);
  });
}

function reportFaults(
  report: { note?: unknown; signer?: unknown },
  cell: Cell,
  key: string | undefined,
  nowMs: number,
) {
  const signer = String(report.signer);
  if (!signer.startsWith(`${cell.logHost}/${cell.jurisdiction}+`))
    return [`signed by ${signer}, not by the cell's log`];
  const verdict = verifyNote(String(report.note), key ?? signer);
  if (!verdict.ok) return [`its note does not verify (${verdict.fault})`];
  const [label, line = ""] = verdict.note.text.split("\n");
  const signed = label === RESIDENCY_LABEL ? parseCanonicalJson(line, MAX_DEPTH)?.value : undefined;
  return isReport(signed) ? observationFaults(signed, cell, nowMs) : ["its note is no residency report"];
}

function observationFaults(report: Report, { jurisdiction, databases, buckets }: Cell, nowMs: number): string[] {
  const faults: string[] = [];
  const expect = (what: string, observed: string) => {
    if (observed !== jurisdiction) faults.push(`${what}: ${observed}`);
  };
  if (!isJurisdiction(report.jurisdiction)) faults.push(`says of itself ${report.jurisdiction}`);
  expect("the report", report.jurisdiction);
  expect("durable objects", report.durable_objects.observed);
  for (const [kind, expected, observed] of [
    ["databases", databases, report.databases],
    ["buckets", buckets, report.buckets],
  ] as const) {
    const names = expected.map(({ binding }) => binding).sort();
    if (!isDeepStrictEqual(Object.keys(observed).sort(), names)) faults.push(`${kind} are not ${names.join(", ")}`);
    for (const [binding, { observed: place }] of Object.entries(observed)) expect(binding, place);
  }
  if (!(Math.abs(Date.parse(report.at) - nowMs) <= FRESH_MS)) faults.push(`it is of ${report.at}: not of this moment`);
  return faults;
}

function isReport(value: unknown): value is Report {
  const report = value as Partial<Report> | null | undefined;
  const observations = [
    report?.durable_objects,
    ...Object.values(report?.databases ?? {}),
    ...Object.values(report?.buckets ?? {}),
  ];
  return (
    typeof report?.jurisdiction === "string" &&
    typeof report.at === "string" &&
    typeof report.databases === "object" &&
    typeof report.buckets === "object" &&
    observations.every((observation) => typeof observation?.observed === "string")
  );
}
