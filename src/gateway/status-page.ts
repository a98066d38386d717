/** `/status`: how both cells are, for people. No script: it says when it was made, and a reload makes it anew. */
import { html } from "hono/html";
import type { PresentCell, StatusCell } from "../http/schemas/status.ts";
import { type Html, page } from "./layout.ts";

const PLACES = { eu: "European Union", us: "United States" } as const;
const STATES = { ok: "All is well", attention: "Needs attention", away: "Does not answer" } as const;

/** `at`: when it was made, Unix milliseconds. */
export function statusPage(cells: readonly StatusCell[], at: number): Html {
  const well = cells.every(({ state }) => state === "ok");
  return page(
    "Status",
    html`<p>${well ? "Both cells answer, and none of them has an open alert." : "Not everything is as it should be: see below."} Made ${when(new Date(at).toISOString())}; reload the page to ask again. <a href="/v1/status">The same as JSON</a>.</p>
<p class="soft">Each cell says this of itself, and computes what is late at the moment it is asked. What machines outside see stands under “From outside”.</p>
${cells.map((cell) => (cell.reachable ? present(cell) : away(cell.jurisdiction)))}`,
  );
}

function away(jurisdiction: StatusCell["jurisdiction"]): Html {
  return html`<section><h2>${PLACES[jurisdiction]}</h2><p class="state away"><b>${STATES.away}</b></p>
<p>The cell did not answer this page. Its tenants' appends fail or wait meanwhile; nothing of it moves to the other cell.</p></section>`;
}

function present(cell: PresentCell): Html {
  const { jurisdiction, state, alerts, incidents } = cell;
  return html`<section><h2>${PLACES[jurisdiction]}</h2><p class="state ${state}"><b>${STATES[state]}</b></p>
${facts(cell)}
<h3>Open alerts</h3>
${alerts.length === 0 ? html`<p>None.</p>` : html`<ul>${alerts.map((one) => html`<li>${said(one)}, since ${when(one.opened_at)}</li>`)}</ul>`}
${outside(cell)}
<h3>Jobs</h3>
${jobs(cell)}
${tasks(cell)}
<h3>What could be restored</h3>
${backups(cell)}
<h3>Incidents of the last 90 days</h3>
${
  incidents.length === 0
    ? html`<p>None.</p>`
    : html`<ul>${incidents.map((one) => html`<li>${when(one.opened_at)} to ${one.resolved_at === null ? "now" : when(one.resolved_at)}: ${said(one)}</li>`)}</ul>`
}
<p class="soft">Each is two entries of the cell's own log, which others witness.</p>
</section>`;
}

function facts({ backlog, log, last_drill, watched_since }: PresentCell): Html {
  const waits =
    backlog.entries === 0
      ? "nothing"
      : `${count(backlog.entries)} entries (${count(backlog.bytes)} bytes)${backlog.oldest_uncopied_at ? `, the oldest since ${utc(backlog.oldest_uncopied_at)}` : ""}`;
  return rows([
    ["Waits to be copied", `${waits}, in ${count(backlog.domains)} domains as last seen`],
    ["Domains stopped for writes", count(backlog.stopped_domains)],
    [
      "Last checkpoint of the cell's log",
      log?.checkpoint_at ? `${utc(log.checkpoint_at)}, over ${count(log.signed_size)} entries` : "none yet",
    ],
    ["Last witnessed", witnessed(log)],
    ["Last restore drill on this cell", last_drill === null ? "none on record" : utc(last_drill)],
    ["Watched since", utc(watched_since)],
  ]);
}

function witnessed(log: PresentCell["log"]): string {
  if (!log || log.witnesses === 0) return "nobody witnesses this cell's log";
  if (!log.witnessed_at) return "not yet";
  const independent = log.independently_witnessed_at;
  return `${utc(log.witnessed_at)}; ${independent ? `by an independent witness ${utc(independent)}` : "not by an independent witness"}`;
}

function outside({ probes }: PresentCell): Html {
  if (probes.length === 0)
    return html`<h3>From outside</h3><p>No probe outside is set up: nobody but the cell itself says this.</p>`;
  const said = ({ state, code, last_at }: PresentCell["probes"][number]) =>
    state === "silent"
      ? `silent${last_at === null ? ": it has never reported" : `, last heard ${utc(last_at)}`}`
      : `${code === null ? "all was as it should be" : `found ${code}`}, ${last_at === null ? "not yet heard" : utc(last_at)}`;
  return html`<h3>From outside</h3>${table(
    ["Probe", "What it saw", "Answered in", "Reports in 90 days", "Of them well"],
    probes.map((probe) => {
      const reports = probe.days.reduce((sum, day) => sum + day.reports, 0);
      const failed = probe.days.reduce((sum, day) => sum + day.failed, 0);
      const well = reports === 0 ? "none" : `${((100 * (reports - failed)) / reports).toFixed(2)} %`;
      return [probe.name, said(probe), probe.ms === null ? "" : `${count(probe.ms)} ms`, count(reports), well];
    }),
  )}`;
}

function jobs({ jobs: all }: PresentCell): Html {
  return table(
    ["Job", "State", "Last success"],
    all.map(({ name, state, last_success_at, says }) => [
      described(name, says),
      state,
      last_success_at ? utc(last_success_at) : "never",
    ]),
  );
}

function tasks({ tasks: all }: PresentCell): Html {
  return html`<h3>Work of the objects</h3>${table(
    ["Task", "State"],
    all.map(({ name, state, late, says }) => [
      described(name, says),
      state === "late" ? `late in ${count(late)}` : state,
    ]),
  )}`;
}

const VERDICTS = {
  verified: "looked at, whole",
  incomplete: "INCOMPLETE",
  unknown: "not known to the cell",
  none: "none",
} as const;

function backups({ backups: all }: PresentCell): Html {
  return table(
    ["What", "From", "How far back", "State"],
    all.map(({ what, from, reach, verdict, checked_at }) => [
      what,
      from ?? "nowhere",
      reach,
      `${VERDICTS[verdict]}${checked_at === null ? "" : `, ${utc(checked_at)}`}`,
    ]),
  );
}

function rows(pairs: readonly [string, string][]): Html {
  return html`<div class="wide"><table>${pairs.map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>
`,
  )}</table></div>`;
}

function table(heads: readonly string[], all: readonly (readonly (string | Html)[])[]): Html {
  return html`<div class="wide"><table><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr>
${all.map(
  (cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>
`,
)}</table></div>`;
}

const said = ({ says, job }: { says: string; job: string | null }) =>
  job === null ? says : html`${says}: <code>${job}</code>`;
/** For narrow screens: what it does stands under its name. */
const described = (name: string, says: string) => html`<code>${name}</code><br><span class="soft">${says}</span>`;
const count = (n: number) => n.toLocaleString("en-US");
/** Minutes are enough for people; the JSON has the rest. */
const utc = (instant: string) => `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;
const when = (instant: string) => html`<time datetime="${instant}">${utc(instant)}</time>`;
