/** The frame of the pages for people: server-made, no script, one style, light and dark, narrow screens first. */
import type { Context } from "hono";
import { html, raw } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import { toBase64 } from "../../core/bytes.ts";
import { sha256 } from "../../crypto/sha256.ts";
import type { HttpEnv } from "../environment.ts";

/** Text in it was escaped by `html`. */
export type Fragment = HtmlEscapedString | Promise<HtmlEscapedString>;

const STYLE = `:root{color-scheme:light dark;--back:light-dark(#f6f7f9,#14161a);--card:light-dark(#fff,#1d2026);--text:light-dark(#1a1d22,#e8eaee);--soft:light-dark(#555c68,#a4abb8);--line:light-dark(#8a919e,#6b7280);--act:light-dark(#1d4ed8,#93b4ff);--on:light-dark(#fff,#10131a);--bad:light-dark(#a61b1b,#ff9d9d)}
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
main{max-width:30rem;margin:0 auto;padding:1.5rem 1rem}.brand{color:var(--soft);font-weight:600;margin:0 0 1rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1.25rem}h1{font-size:1.4rem;line-height:1.25;margin:0 0 .75rem}
p{margin:0 0 1rem;overflow-wrap:anywhere}label{display:block;font-weight:600;margin:0 0 .25rem}.hint{color:var(--soft);font-size:.9rem}
input:not([type=hidden],[type=checkbox]){width:100%;font:inherit;padding:.6rem .7rem;border:1px solid var(--line);border-radius:.375rem;background:var(--back);color:var(--text);margin:0 0 1rem}
button{font:inherit;font-weight:600;padding:.6rem 1.1rem;border-radius:.375rem;border:1px solid var(--act);background:var(--act);color:var(--on);cursor:pointer;min-height:2.75rem}
button.quiet{background:none;color:var(--act)}form+form{margin-top:.75rem}a{color:var(--act)}:focus-visible{outline:3px solid var(--act);outline-offset:2px}
.bad{color:var(--bad)}code,.code{font:600 1.1rem ui-monospace,monospace;letter-spacing:.08em}dt{color:var(--soft);font-size:.9rem}dd{margin:0 0 .75rem;overflow-wrap:anywhere}dl{margin:0 0 1rem}`;

const STYLE_HASH = toBase64(sha256(STYLE));

/** Without scripts unless the page names some: `'sha256-…'` of one, or `'self'`. */
export function pagePolicy(scripts = ""): string {
  const script = scripts === "" ? "" : ` script-src ${scripts};`;
  return `default-src 'none'; style-src 'sha256-${STYLE_HASH}';${script} img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;
}

/** `title` is plain text. */
export function page(title: string, body: Fragment): Fragment {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · Moonseal</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<main>
<p class="brand">Moonseal</p>
<div class="card">
<h1>${title}</h1>
${body}
</div>
</main>
</body>
</html>
`;
}

/** The answer; `pageHeaders` of src/http/pages/headers.ts adds what every page carries. */
export async function showPage(
  c: Context<HttpEnv>,
  title: string,
  body: Fragment,
  status: 200 | 403 | 404 | 410 | 429 = 200,
) {
  return c.html(await page(title, body), status);
}
