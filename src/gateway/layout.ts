/** The frame of the gateway's pages: no script, nothing inline and nothing from anybody else, so that the strict policy of every answer holds. */
import { html } from "hono/html";
import { STYLE_ADDRESS } from "./style.ts";

/** Text in it was escaped by `html`. */
export type Html = ReturnType<typeof html>;

/** `title` is plain text. */
export function page(title: string, body: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title === "Moonseal" ? title : `${title} · Moonseal`}</title>
<link rel="stylesheet" href="${STYLE_ADDRESS}">
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header><nav aria-label="Site"><a class="brand" href="/">Moonseal</a> <a href="/docs">API</a> <a href="/problems">Problems</a> <a href="/status">Status</a> <a href="/claims">Claims</a> <a href="/openapi.json">OpenAPI</a> <a href="/verify">Check a proof</a></nav></header>
<main id="content">
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`;
}

/** Plain text with `code` between backticks; an empty line makes a paragraph, lines that begin with `- ` a list. */
export function prose(text: string): Html {
  return html`${text.split("\n\n").map((block) => {
    const lines = block.split("\n");
    if (!lines.every((line) => line.startsWith("- "))) return html`<p>${inline(block)}</p>\n`;
    return html`<ul>${lines.map((line) => html`<li>${inline(line.slice(2))}</li>`)}</ul>\n`;
  })}`;
}

/** One paragraph of `prose`. */
export function inline(text: string): Html {
  return html`${text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}
