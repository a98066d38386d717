/** One operation as a section of a page. */
import { html } from "hono/html";
import { ERRORS, type ErrorCode } from "../../core/errors.ts";
import type { Answer, ApiDocument, DocumentedOperation, Media, Schema } from "../../http/document/schema.ts";
import { type Html, inline, prose } from "../layout.ts";
import { curlLine } from "./curl.ts";
import { fieldRows, typeName } from "./fields.ts";

export interface PlacedOperation {
  path: string;
  method: string;
  operation: DocumentedOperation;
}

export function operationSection({ path, method, operation }: PlacedOperation, document: ApiDocument): Html {
  const good = Object.entries(operation.responses).filter(([status]) => Number(status) < 400);
  const forPeople = good.some(([, { content }]) => content?.["text/html"] !== undefined);
  return html`<section id="${operation.operationId}">
<h2><a href="#${operation.operationId}">${operation.summary}</a></h2>
<p class="route"><b>${method.toUpperCase()}</b>${path}</p>
${prose(operation.description ?? "")}
${parameters(operation, document)}
${Object.entries(operation.requestBody?.content ?? {}).map(([type, media]) => content("Body", type, media, document))}
${forPeople ? "" : html`<h3>Example</h3><pre>${curlLine(path, method, operation, document)}</pre>`}
${good.map(([status, answer]) => goodAnswer(status, answer, document))}
${problems(operation.responses)}
</section>
`;
}

function parameters({ parameters = [] }: DocumentedOperation, document: ApiDocument): Html | "" {
  if (parameters.length === 0) return "";
  return html`<h3>Parameters</h3>
<div class="wide"><table><tr><th>Name</th><th>In</th><th>Type</th><th>What it is</th></tr>
${parameters.map(
  (each) =>
    html`<tr><td><code>${each.name}</code>${each.required ? "" : html` <span class="soft">optional</span>`}</td><td>${each.in}</td><td>${inline(typeName(each.schema, document))}</td><td>${inline(each.description ?? each.schema.description ?? "")}</td></tr>
`,
)}</table></div>`;
}

function content(title: string, type: string, { schema, example, examples }: Media, document: ApiDocument): Html {
  const named = Object.entries(examples ?? {}).map(
    ([name, each]) => [name, (each as { value?: unknown }).value] as const,
  );
  const shown = example === undefined ? named : [["", example] as const];
  return html`<h3>${title}: <code>${type}</code></h3>
${schema.description === undefined ? "" : prose(schema.description)}
${fieldTable(schema, document)}
${shown.map(([name, value]) => html`${name === "" ? "" : html`<p class="soft">${name}</p>`}<pre>${jsonText(value)}</pre>`)}`;
}

const jsonText = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

function fieldTable(schema: Schema, document: ApiDocument): Html | "" {
  const rows = fieldRows(schema, document);
  if (rows.length === 0) return "";
  return html`<div class="wide"><table><tr><th>Field</th><th>Type</th><th>What it is</th></tr>
${rows.map(
  ({ path, type, required, description }) =>
    html`<tr><td><code>${path}</code>${required ? "" : html` <span class="soft">optional</span>`}</td><td>${inline(type)}</td><td>${inline(description)}</td></tr>
`,
)}</table></div>`;
}

function goodAnswer(status: string, answer: Answer, document: ApiDocument): Html {
  const contents = Object.entries(answer.content ?? {});
  const title = `Answer ${status}`;
  return html`${contents.length === 0 ? html`<h3>${title}</h3>` : ""}${contents.map(([type, media]) => content(title, type, media, document))}
${prose(`${answer.description}.`.replace(/\.\.$/, "."))}`;
}

/** The codes stand in the answers as the names of their examples. */
export function problemCodes(responses: Record<string, Answer>): ErrorCode[] {
  const problems = Object.values(responses).map(({ content }) => content?.["application/problem+json"]?.examples ?? {});
  return problems.flatMap((examples) => Object.keys(examples) as ErrorCode[]);
}

function problems(responses: Record<string, Answer>): Html {
  const codes = problemCodes(responses);
  return html`<h3>Problems</h3>
<div class="wide"><table><tr><th>Status</th><th>Code</th><th>What happened</th></tr>
${codes.map(
  (
    code,
  ) => html`<tr><td>${ERRORS[code].status}</td><td><a href="/problems/${code}">${code}</a></td><td>${ERRORS[code].title}</td></tr>
`,
)}</table></div>`;
}
