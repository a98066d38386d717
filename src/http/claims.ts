/**
 * What was promised and what shows it, as it goes over the wire: docs/claims.json, which a check holds against the sources, and the
 * last run of the tests if somebody put one beside it. No Hono here: the gateway answers with the same.
 */
import stored from "../../docs/claims.json" with { type: "json" };
import lastRun from "../../docs/claims-run.json" with { type: "json" };

export const CLAIM_STATUSES = ["tested", "in_part", "missing"] as const;
export const CLAIM_KINDS = ["core", "adapt", "org"] as const;
/** incomplete: tests of it ran and passed, and others did not run. */
export const CLAIM_RESULTS = ["passed", "failed", "incomplete", "not run here"] as const;

export type ClaimResult = (typeof CLAIM_RESULTS)[number];
type TestResult = "passed" | "failed" | "skipped" | "absent" | "not run here";

export interface StoredClaims {
  titles_sha256: string;
  documents: readonly { id: string; title: string }[];
  claims: readonly StoredClaim[];
  retention: readonly StoredRow[];
  gdpr: readonly StoredRow[];
}

interface Stored {
  id: string;
  status: string;
  missing: string | null;
  tests: readonly { file: string; titles: readonly string[] }[];
}
type StoredClaim = Stored & { kind: string; says: string };
type StoredRow = Stored & { subject: string; asks: string; here: string; code: readonly string[] };

export interface StoredRun {
  ran_at: string;
  commit: string | null;
  clean: boolean;
  passed: number;
  failed: number;
  skipped: number;
  titles_sha256: string;
  not_passed: readonly { file: string; title: string; result: string }[];
}

let made: ReturnType<typeof claimsWith> | undefined;

/** Of this deployment, made once: it says the same until the next one. */
export function claimsDocument() {
  made ??= claimsWith(stored, lastRun.run as StoredRun | null);
  return made;
}

/** A run of other titles than these is none of theirs, and is not shown. */
export function claimsWith(claims: StoredClaims, lastRun: StoredRun | null) {
  const run = lastRun?.titles_sha256 === claims.titles_sha256 ? lastRun : null;
  const notPassed = new Map(run?.not_passed.map(({ file, title, result }) => [`${file} > ${title}`, result]));
  const shown = <T extends Stored>({ tests, ...claim }: T) => {
    const results = tests.flatMap(({ file, titles }) =>
      titles.map((title) => {
        const result = run ? ((notPassed.get(`${file} > ${title}`) ?? "passed") as TestResult) : "not run here";
        return { file, title, result };
      }),
    );
    return { ...claim, result: resultOf(results.map(({ result }) => result)), tests: results };
  };
  const rows = claims.claims.map(shown);
  return {
    run: run && {
      ran_at: run.ran_at,
      commit: run.commit,
      clean: run.clean,
      passed: run.passed,
      failed: run.failed,
      skipped: run.skipped,
    },
    counts: {
      claims: rows.length,
      tested: rows.filter(({ status }) => status === "tested").length,
      in_part: rows.filter(({ status }) => status === "in_part").length,
      missing: rows.filter(({ status }) => status === "missing").length,
      passed: rows.filter(({ result }) => result === "passed").length,
    },
    documents: [...claims.documents],
    claims: rows,
    retention_matrix: claims.retention.map(shown),
    gdpr_matrix: claims.gdpr.map(shown),
  };
}

function resultOf(results: readonly TestResult[]): ClaimResult {
  if (results.includes("failed")) return "failed";
  if (!results.includes("passed")) return "not run here";
  return results.every((result) => result === "passed") ? "passed" : "incomplete";
}
