/**
 * `npm run claims` writes docs/claims.json, which `GET /v1/claims` serves, and docs/claims.md. Exit codes: 0 so it is, 1 it is not.
 *
 *   --check          fails when one of them is not what the sources say
 *   --ran FILE       fails unless every test of the two matrices ran and passed, by vitest's JSON report
 *   --report FILE    writes docs/claims-run.json from that report, to be deployed with these sources
 *   --no-report      takes it back: no run is shown
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Claims } from "./claims/claims.ts";
import { claimBlocks } from "./claims/page.ts";
import { claimsOfRepository } from "./claims/repository.ts";
import { type ClaimsRun, runOf, titlesOf, type VitestReport } from "./claims/run.ts";
import { withBlocks } from "./marked-blocks.ts";
import { REPOSITORY } from "./paths.ts";

const LIST = "docs/claims.json";
const PAGE = "docs/claims.md";
const RUN = "docs/claims-run.json";

const read = (file: string) => readFileSync(path.resolve(REPOSITORY, file), "utf8");
const write = (file: string, text: string) => writeFileSync(path.join(REPOSITORY, file), text);
const spelled = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
const reportIn = (file: string) => JSON.parse(readFileSync(path.resolve(file), "utf8")) as VitestReport;

const titlesDigest = (claims: Claims) =>
  createHash("sha256")
    .update(JSON.stringify(titlesOf(claims)))
    .digest("hex");

/** Fails on every fault: a list that is not true is not written either. */
function main(): number {
  const { values } = parseArgs({
    options: {
      check: { type: "boolean" },
      ran: { type: "string" },
      report: { type: "string" },
      "no-report": { type: "boolean" },
    },
  });
  const { claims, faults } = claimsOfRepository(REPOSITORY);
  if (faults.length > 0) {
    for (const fault of faults) console.error(fault);
    return 1;
  }
  if (values.ran !== undefined) return matricesRan(claims, reportIn(values.ran));
  if (values.report !== undefined) return writeRun(claims, reportIn(values.report));
  if (values["no-report"]) write(RUN, '{ "run": null }\n');
  const fresh = {
    [LIST]: spelled({ titles_sha256: titlesDigest(claims), ...claims }),
    [PAGE]: withBlocks(read(PAGE), claimBlocks(claims)),
  };
  const stale = Object.entries(fresh).filter(([file, text]) => text !== committed(file));
  if (values.check) {
    for (const [file] of stale) console.error(`${file} is not what the sources say. Run: npm run claims`);
    return stale.length > 0 ? 1 : 0;
  }
  for (const [file, text] of stale) write(file, text);
  console.log(stale.length > 0 ? `written: ${stale.map(([file]) => file).join(", ")}` : "unchanged");
  return 0;
}

function committed(file: string): string | undefined {
  try {
    return read(file);
  } catch {
    return undefined;
  }
}

/** S4-38, S2-36: a row stands on tests that ran; one that was skipped or was not there shows nothing. */
function matricesRan(claims: Claims, report: VitestReport): number {
  const rows = { ...claims, claims: [] };
  const { not_passed } = runOf(rows, report, REPOSITORY);
  for (const { file, title, result } of not_passed) console.error(`${result}: ${file} > ${title}`);
  console.log(`${titlesOf(rows).length - not_passed.length} of ${titlesOf(rows).length} titles of the matrices passed`);
  return not_passed.length > 0 ? 1 : 0;
}

function writeRun(claims: Claims, report: VitestReport): number {
  const { ran_at, ...results } = runOf(claims, report, REPOSITORY);
  const run: ClaimsRun = { ran_at, ...commitOf(), titles_sha256: titlesDigest(claims), ...results };
  write(RUN, spelled({ run }));
  const count = run.not_passed.length;
  console.log(
    `${RUN}: ${run.passed} passed, ${run.failed} failed, ${run.skipped} skipped; ${count} titles did not pass`,
  );
  return 0;
}

function commitOf(): { commit: string | null; clean: boolean } {
  const git = (...args: string[]) => spawnSync("git", args, { cwd: REPOSITORY, encoding: "utf8" });
  const head = git("rev-parse", "HEAD");
  if (head.status !== 0) return { commit: null, clean: false };
  // The run's own file is expected to differ.
  const changed = git("status", "--porcelain", "--", ".", `:(exclude)${RUN}`).stdout.trim();
  return { commit: head.stdout.trim(), clean: changed === "" };
}

process.exitCode = main();
