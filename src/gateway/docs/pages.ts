/**
 * The description as pages: `/docs` with every operation on one line, and one page a tag. Made from docs/openapi.json, which the gateway
 * carries, once a page and isolate: a few milliseconds, then from memory.
 */
import { html } from "hono/html";
import { type ApiDocument, operationsOf } from "../../http/document/schema.ts";
import { type Html, inline, page, prose } from "../layout.ts";
import { operationSection, type PlacedOperation } from "./operation.ts";

/** The last part of a tag's address: its words in lower case. */
export const slugOf = (tag: string) => tag.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");

const of = (document: ApiDocument, tag: string) =>
  operationsOf(document).filter(({ operation }) => operation.tags[0] === tag);

/** Where an operation is explained. */
export const addressOf = ({ operation }: Pick<PlacedOperation, "operation">) =>
  `/docs/${slugOf(operation.tags[0] ?? "")}#${operation.operationId}`;

export function docsIndex(document: ApiDocument): Html {
  const [about = "", ...permissions] = document.info.description.split("\n\n");
  return page(
    `The API, version ${document.info.version}`,
    html`${prose(about)}
<p>A credential goes into <code>Authorization: Bearer …</code>. Bodies are JSON; fields that are not named here are refused. What goes wrong is a <a href="/problems">problem document</a> (RFC 9457). <a href="/openapi.json">The same as OpenAPI 3.1</a>.</p>
${document.tags.map(
  ({ name, description }) => html`<section id="${slugOf(name)}"><h2><a href="/docs/${slugOf(name)}">${name}</a></h2>
${prose(description)}<ul>${of(document, name).map(
    (
      each,
    ) => html`<li><a href="${addressOf(each)}">${each.operation.summary}</a> <code>${each.method.toUpperCase()} ${each.path}</code></li>
`,
  )}</ul></section>
`,
)}
<section id="permissions"><h2>Permissions</h2>
${permissions.map(prose)}</section>`,
  );
}

/** The page of the tag with this slug; null when there is none. */
export function docsPage(document: ApiDocument, slug: string): Html | null {
  const tag = document.tags.find(({ name }) => slugOf(name) === slug);
  if (!tag) return null;
  const operations = of(document, tag.name);
  return page(
    tag.name,
    html`<p>${inline(tag.description)}</p>
<nav aria-label="Operations"><ul>${operations.map(
      ({ operation }) => html`<li><a href="#${operation.operationId}">${operation.summary}</a></li>
`,
    )}</ul></nav>
${operations.map((each) => operationSection(each, document))}`,
  );
}
