/** The blocks of docs/claims.md. Pure. */
import path from "node:path";
import type { Claim, ClaimedRow, ClaimStatus, Claims, FileOfTests } from "./claims.ts";

const WORDS: Readonly<Record<ClaimStatus, string>> = { tested: "tested", in_part: "in part", missing: "**missing**" };

const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");

/** Each block by its name in the document. */
export function claimBlocks(claims: Claims): Record<string, string> {
  return {
    counts: countsOf(claims.claims),
    retention: matrixTable(claims.retention),
    gdpr: matrixTable(claims.gdpr),
    requirements: claims.documents.map(({ id, title }) => requirementTable(id, title, claims.claims)).join("\n\n"),
  };
}

function countsOf(claims: readonly Claim[]): string {
  const of = (status: ClaimStatus) => claims.filter((claim) => claim.status === status).length;
  return `${claims.length} requirements: ${of("tested")} tested, ${of("in_part")} in part, ${of("missing")} missing.`;
}

function matrixTable(rows: readonly ClaimedRow[]): string {
  return table(
    ["", "What has to hold", "Here", "Code", "Tests", "Missing"],
    rows.map(({ subject, asks, here, code, tests, missing }) => [
      subject,
      asks,
      here,
      code.map((file) => `[${file}](../${file})`).join(", "),
      linksTo(tests),
      missing ?? "",
    ]),
  );
}

function requirementTable(document: string, title: string, claims: readonly Claim[]): string {
  const rows = claims
    .filter(({ id }) => id.startsWith(`${document}-`))
    .map(({ id, kind, says, status, missing, tests }) => [
      `${id}${kind === "core" ? "" : ` (${kind})`}`,
      says,
      WORDS[status],
      linksTo(tests),
      missing ?? "",
    ]);
  return `### ${document}: ${title}\n\n${table(["", "What has to hold", "", "Tests", "Missing"], rows)}`;
}

/** Each file with the number of its tests that are meant. */
function linksTo(tests: readonly FileOfTests[]): string {
  return tests
    .map(({ file, titles }) => `[${path.posix.basename(file, ".test.ts")}](../${file}) ${titles.length}`)
    .join(", ");
}
