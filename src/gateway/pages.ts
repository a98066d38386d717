/** The gateway's few pages besides the API's: what a problem means, and where to begin. */
import { html } from "hono/html";
import { ERROR_CODES, ERRORS, type ErrorCode } from "../core/errors.ts";
import { type ApiDocument, operationsOf } from "../http/document/schema.ts";
import { problemCodes } from "./docs/operation.ts";
import { addressOf } from "./docs/pages.ts";
import { type Html, page, prose } from "./layout.ts";

export function indexPage(): Html {
  return page(
    "Moonseal",
    html`<p>A tamper-evident audit log, pinned to the EU or the US.</p>
<ul>
<li><a href="/docs">The API, explained</a>; <a href="/openapi.json">the same as OpenAPI 3.1</a></li>
<li><a href="/problems">What each problem means</a></li>
<li><a href="/status">How the cells are</a></li>
<li><a href="/v1/residency">Where each cell keeps its data</a></li>
<li><a href="/claims">What was promised, with the tests that show it and what is missing</a></li>
<li><a href="/verify">Check a proof in this browser: the page asks nobody anything</a></li>
<li><a href="/healthz">Whether this gateway answers</a></li>
</ul>`,
  );
}

export function problemsPage(): Html {
  const groups = Map.groupBy(ERROR_CODES, (code) => code.split(".")[0]);
  return page(
    "Problems",
    html`<p>What goes wrong is answered as a problem document (RFC 9457, <code>application/problem+json</code>). Its <code>type</code> is the address of one of these pages, its <code>code</code> is for programs, and its <code>instance</code> names the request.</p>
${[...groups].map(
  ([
    group,
    codes,
  ]) => html`<section><h2>${group}</h2><div class="wide"><table><tr><th>Code</th><th>Status</th><th>What happened</th></tr>
${codes.map(
  (
    code,
  ) => html`<tr><td><a href="/problems/${code}">${code}</a></td><td>${ERRORS[code].status}</td><td>${ERRORS[code].title}</td></tr>
`,
)}</table></div></section>`,
)}`,
  );
}

/** Operations that answer so are named when they are few; more would tell nobody anything. */
const NAMED_OPERATIONS = 30;

/** The page behind a problem's `type`; null for a code that does not exist. */
export function problemPage(code: string, document: ApiDocument): Html | null {
  if (!ERROR_CODES.includes(code as ErrorCode)) return null;
  const { status, title, explanation } = ERRORS[code as ErrorCode];
  const operations = operationsOf(document).filter(({ operation }) =>
    problemCodes(operation.responses).includes(code as ErrorCode),
  );
  const example = document.components.examples[code]?.value;
  return page(
    title,
    html`<p>Code <code>${code}</code>, HTTP status ${status}.</p>
${prose(explanation)}
${example === undefined ? "" : html`<h2>Example</h2><pre>${JSON.stringify(example, null, 2)}</pre>`}
<h2>Who answers so</h2>
${
  operations.length > NAMED_OPERATIONS || operations.length === 0
    ? html`<p>${operations.length === 0 ? "Any request may be answered so." : html`${operations.length} operations of <a href="/docs">the API</a>.`}</p>`
    : html`<ul>${operations.map(
        (each) => html`<li><a href="${addressOf(each)}">${each.operation.summary}</a></li>
`,
      )}</ul>`
}
<p><a href="/problems">All problems</a></p>`,
  );
}
