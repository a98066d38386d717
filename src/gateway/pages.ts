/** The gateway's few pages: what a problem means, and where to begin. No style, no script: they must work everywhere. */
import { html } from "hono/html";
import { ERROR_CODES, ERRORS, type ErrorCode } from "../core/errors.ts";

type Html = ReturnType<typeof html>;

export function indexPage(): Html {
  return page(
    "Moonseal",
    html`<p>A tamper-evident audit log, pinned to the EU or the US.</p>
      <ul>
        <li><a href="/openapi.json">The API, as OpenAPI 3.1</a></li>
        <li><a href="/v1/residency">Where each cell keeps its data</a></li>
        <li><a href="/verify">Check a proof in this browser: the page asks nobody anything</a></li>
        <li><a href="/healthz">Whether this gateway answers</a></li>
      </ul>
      <h2>Problems</h2>
      <ul>
        ${ERROR_CODES.map((code) => html`<li><a href="/problems/${code}">${code}</a>: ${ERRORS[code].title}</li>`)}
      </ul>`,
  );
}

/** The page behind a problem's `type`; null for a code that does not exist. */
export function problemPage(code: string): Html | null {
  if (!ERROR_CODES.includes(code as ErrorCode)) return null;
  const { status, title, explanation } = ERRORS[code as ErrorCode];
  return page(
    title,
    html`<p>Code <code>${code}</code>, HTTP status ${status}.</p>
      <p>${explanation}</p>
      <p><a href="/">All problems</a></p>`,
  );
}

function page(title: string, body: Html | Promise<Html>): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>`;
}
