/** What was promised, with the tests that carry it and what is missing: docs/claims.json before it is written. Pure. */
import type { MatrixRow } from "./matrices/row.ts";
import { idsOf } from "./requirement-ids.ts";
import type { PromiseDocument, Requirement } from "./requirements.ts";
import type { TitledTest } from "./test-titles.ts";

/** tested: tests carry it. in_part: they do, and `missing` says what they leave out. missing: none carries it. */
export type ClaimStatus = "tested" | "in_part" | "missing";

/** Titles of one file, those of groups and of the test joined by ` > `. */
export interface FileOfTests {
  file: string;
  titles: string[];
}

export interface Claim extends Requirement {
  status: ClaimStatus;
  missing: string | null;
  tests: FileOfTests[];
}

export interface ClaimedRow {
  id: string;
  subject: string;
  asks: string;
  here: string;
  status: ClaimStatus;
  missing: string | null;
  code: string[];
  tests: FileOfTests[];
}

export interface Claims {
  documents: { id: string; title: string }[];
  claims: Claim[];
  retention: ClaimedRow[];
  gdpr: ClaimedRow[];
}

export interface ClaimSources {
  documents: readonly PromiseDocument[];
  tests: readonly TitledTest[];
  missing: Readonly<Record<string, string>>;
  inPart: Readonly<Record<string, string>>;
  retention: readonly MatrixRow[];
  gdpr: readonly MatrixRow[];
  /** Whether the repository has this file or folder. */
  exists: (path: string) => boolean;
}

/**
 * The claims, and in `faults` every sentence that is not true any more: a line of what is missing that a test has overtaken, a
 * requirement without a test and without such a line, a test or a file that a matrix names and that does not exist.
 */
export function claimsOf(sources: ClaimSources): { claims: Claims; faults: string[] } {
  const faults: string[] = [];
  const carried = Map.groupBy(
    sources.tests.flatMap((test) => idsOf(test.titles).map((id) => ({ id, test }))),
    ({ id }) => id,
  );
  const requirements = sources.documents.flatMap((document) => document.requirements);
  const claims = requirements.map((requirement): Claim => {
    const { id } = requirement;
    const tests = byFile((carried.get(id) ?? []).map(({ test }) => test));
    const [missing, inPart] = [sources.missing[id] ?? null, sources.inPart[id] ?? null];
    if (tests.length > 0 && missing) faults.push(`${id} is carried by tests, and MISSING says that none does`);
    if (tests.length === 0 && !missing) faults.push(`${id} is carried by no test, and MISSING does not say why`);
    if (tests.length === 0 && inPart) faults.push(`${id} is carried by no test, and IN_PART says what they leave out`);
    const status = statusOf(tests, inPart ?? missing);
    return { ...requirement, status, missing: tests.length > 0 ? inPart : missing, tests };
  });
  const known = new Set(requirements.map(({ id }) => id));
  for (const id of [...carried.keys(), ...Object.keys(sources.missing), ...Object.keys(sources.inPart)]) {
    if (!known.has(id)) faults.push(`${id} is no requirement`);
  }
  const rows = (matrix: readonly MatrixRow[]) => matrix.map((row) => claimedRow(row, sources, faults));
  const documents = sources.documents.map(({ id, title }) => ({ id, title }));
  return { claims: { documents, claims, retention: rows(sources.retention), gdpr: rows(sources.gdpr) }, faults };
}

function claimedRow(row: MatrixRow, { tests, exists }: ClaimSources, faults: string[]): ClaimedRow {
  const { id, subject, asks, here, code, missing = null } = row;
  for (const path of code) if (!exists(path)) faults.push(`${subject}: there is no ${path}`);
  const named = row.tests.map((name) => {
    const found = tests.filter((test) => isOf(nameOf(test), name));
    if (found.length === 0) faults.push(`${subject}: there is no test ${name}`);
    return found;
  });
  const found = byFile(named.flat());
  if (found.length === 0 && missing === null) faults.push(`${subject}: names no test, and not what is missing`);
  return { id, subject, asks, here, status: statusOf(found, missing), missing, code: [...code], tests: found };
}

const statusOf = (tests: readonly FileOfTests[], missing: string | null): ClaimStatus =>
  tests.length === 0 ? "missing" : missing === null ? "tested" : "in_part";

const nameOf = ({ file, titles }: TitledTest) => [file, ...titles].join(" > ");

/** Whether a test is the named one, or stands in the named group or file. */
const isOf = (test: string, named: string) => test === named || test.startsWith(`${named} > `);

/** Each title once, by file, in an order that does not depend on who found it first. */
function byFile(tests: readonly TitledTest[]): FileOfTests[] {
  const files = Map.groupBy(tests, ({ file }) => file);
  return [...files.keys()].sort().map((file) => {
    const titles = (files.get(file) ?? []).map((test) => test.titles.join(" > "));
    return { file, titles: [...new Set(titles)] };
  });
}
