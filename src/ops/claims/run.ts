/** One run of the tests against the claims: what did not pass, by the titles that the claims name. Pure. */
import type { Claims, FileOfTests } from "./claims.ts";

/** failed: one of its tests failed. skipped: none of them ran, each said why it cannot here. absent: the run had no such test. */
export type Outcome = "passed" | "failed" | "skipped" | "absent";

export interface ClaimsRun {
  ran_at: string;
  /** Of the repository that was tested; null where it is none. */
  commit: string | null;
  /** Whether nothing was changed since that commit. */
  clean: boolean;
  passed: number;
  failed: number;
  skipped: number;
  /** Of the titles that were looked for: a run of other titles says nothing about these. */
  titles_sha256: string;
  /** Everything else passed. */
  not_passed: { file: string; title: string; result: Exclude<Outcome, "passed"> }[];
}

/** Vitest's JSON report, as far as it is read. */
export interface VitestReport {
  startTime: number;
  testResults: {
    /** Absolute. */
    name: string;
    assertionResults: { ancestorTitles: string[]; title: string; status: string }[];
  }[];
}

type Counts = { passed: number; failed: number; skipped: number };

/** The outcome of each title, looked up in the report: one title of the sources may have been many tests, in several runtimes. */
export function runOf(
  claims: Claims,
  report: VitestReport,
  root: string,
): Omit<ClaimsRun, "commit" | "clean" | "titles_sha256"> {
  const ran = new Map<string, { name: string; status: string }[]>();
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, assertionResults } of report.testResults) {
    const file = name.startsWith(`${root}/`) ? name.slice(root.length + 1) : name;
    const tests = ran.get(file) ?? [];
    for (const { ancestorTitles, title, status } of assertionResults) {
      tests.push({ name: [...ancestorTitles, title].join(" > "), status });
      counts[status === "passed" || status === "failed" ? status : "skipped"] += 1;
    }
    ran.set(file, tests);
  }
  const not_passed = titlesOf(claims).flatMap(({ file, title }) => {
    const spelled = patternOf(title);
    const found = (ran.get(file) ?? []).filter(({ name }) => spelled.test(name));
    const result = outcomeOf(found.map(({ status }) => status));
    return result === "passed" ? [] : [{ file, title, result }];
  });
  return { ran_at: new Date(report.startTime).toISOString(), ...counts, not_passed };
}

/** Every title that a claim or a matrix names, once, in a fixed order. */
export function titlesOf(claims: Claims): { file: string; title: string }[] {
  const named = [...claims.claims, ...claims.retention, ...claims.gdpr].flatMap(({ tests }) => tests);
  const files = Map.groupBy(named, ({ file }: FileOfTests) => file);
  return [...files.keys()].sort().flatMap((file) => {
    const titles = new Set((files.get(file) ?? []).flatMap((each) => each.titles));
    return [...titles].sort().map((title) => ({ file, title }));
  });
}

function outcomeOf(statuses: readonly string[]): Outcome {
  if (statuses.length === 0) return "absent";
  if (statuses.includes("failed")) return "failed";
  return statuses.includes("passed") ? "passed" : "skipped";
}

/** What vitest puts into a title: `%s`, `%i`, `$field`, and what a template literal has between its braces. */
const HOLE = /\$\{[^}]*\}|%[sdifjoOc#$]|\$[A-Za-z0-9_.]+/g;

/** A title of the sources as it can have come out. A group that a function around it adds is seen at run time only: it may stand before. */
function patternOf(title: string): RegExp {
  const fixed = title.split(HOLE).map((part) => part.replaceAll("%%", "%").replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^(?:.* > )?${fixed.join(".*")}$`, "s");
}
