/** What was promised, for people: the same as `GET /v1/claims` without the titles of the tests. */
import { html } from "hono/html";
import type { claimsDocument } from "../http/claims.ts";
import { type Html, inline, page } from "./layout.ts";

type Claims = ReturnType<typeof claimsDocument>;
type Shown = Claims["claims"][number] | Claims["gdpr_matrix"][number];

const WORDS: Readonly<Record<string, string>> = { tested: "tested", in_part: "in part", missing: "missing" };

export function claimsPage(claims: Claims): Html {
  const { counts, run, documents } = claims;
  return page(
    "What was promised, and what shows it",
    html`<p>Every promise is one numbered line, with the tests that carry its number and what they do not show. <a href="/v1/claims">The same for programs</a>, with the title of each test.</p>
<p>${counts.claims} promises: ${counts.tested} tested, ${counts.in_part} in part, ${counts.missing} missing. ${runLine(run)}</p>
<p>Nothing here is a certificate or a legal opinion, and none of it replaces an impact assessment of your own.</p>
${matrix("Retention", claims.retention_matrix)}
${matrix("GDPR", claims.gdpr_matrix)}
${documents.map(({ id, title }) => documentSection(id, title, claims.claims))}`,
  );
}

function runLine(run: Claims["run"]): string {
  if (run === null) return "The tests were not run here.";
  const of = run.commit === null ? "" : ` of commit ${run.commit.slice(0, 12)}${run.clean ? "" : " with changes"}`;
  return `Run${of} at ${run.ran_at}: ${run.passed} passed, ${run.failed} failed, ${run.skipped} skipped.`;
}

function matrix(title: string, rows: Claims["gdpr_matrix"]): Html {
  return html`<section><h2>${title}</h2><div class="wide"><table><tr><th>About</th><th>What has to hold</th><th>Here</th><th>Shown</th><th>Missing</th></tr>
${rows.map(
  (row) => html`<tr><td>${row.subject}</td><td>${inline(row.asks)}</td><td>${inline(row.here)}</td>${shown(row)}</tr>
`,
)}</table></div></section>`;
}

function documentSection(document: string, title: string, claims: Claims["claims"]): Html {
  const rows = claims.filter(({ id }) => id.startsWith(`${document}-`));
  return html`<section><h2>${document}: ${title}</h2><div class="wide"><table><tr><th>Number</th><th>What has to hold</th><th>Shown</th><th>Missing</th></tr>
${rows.map(
  (row) => html`<tr id="${row.id}"><td>${row.id}</td><td>${inline(row.says)}</td>${shown(row)}</tr>
`,
)}</table></div></section>`;
}

/** The result only where there is one: "not run here" stands once, above. */
function shown({ status, result, tests, missing }: Shown): Html {
  const count = tests.length === 0 ? "" : `, ${tests.length} ${tests.length === 1 ? "title" : "titles"}`;
  const ran = result === "not run here" ? "" : `, ${result}`;
  return html`<td>${WORDS[status]}${count}${ran}</td><td>${inline(missing ?? "")}</td>`;
}
