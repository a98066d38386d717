/** Tables and times of the gateway's pages. */
import { html } from "hono/html";
import type { Html } from "./layout.ts";

export function rows(pairs: readonly [string, string][]): Html {
  return html`<div class="wide"><table>${pairs.map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>
`,
  )}</table></div>`;
}

export function table(heads: readonly string[], all: readonly (readonly (string | Html)[])[]): Html {
  return html`<div class="wide"><table><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr>
${all.map(
  (cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>
`,
)}</table></div>`;
}

/** For narrow screens: what it does stands under its name. */
export const described = (name: string, says: string) =>
  html`<code>${name}</code><br><span class="soft">${says}</span>`;
export const count = (n: number) => n.toLocaleString("en-US");
/** Minutes are enough for people; the JSON has the rest. */
export const utc = (instant: string) => `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;
/** For a narrow column: broken between day and time alone. */
export const brief = (instant: string) =>
  html`<time datetime="${instant}"><span class="whole">${instant.slice(0, 10)}</span> <span class="whole">${instant.slice(11, 16)} UTC</span></time>`;
export const when = (instant: string) => html`<time datetime="${instant}">${utc(instant)}</time>`;
