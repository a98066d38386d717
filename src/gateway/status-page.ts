/** `/status`: how both cells are, for people. No script: it says when it was made, and a reload makes it anew. */
import { html } from "hono/html";
import type { PresentCell, StatusCell } from "../http/schemas/status.ts";
import { type Html, page } from "./layout.ts";
import { brief, count, described, rows, table, utc, when } from "./parts.ts";

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
${alerts.length === 0 ? html`<p>None.</p>` : html`<ul>${alike(alerts, ({ kind, job }) => [kind, job]).map((same) => html`<li>${said(same)}, since ${when(same.first.opened_at)}</li>`)}</ul>`}
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
    : html`<ul>${alike(incidents, spanOf).map((same) => html`<li>${when(same.first.opened_at)} to ${same.first.resolved_at === null ? "now" : when(same.first.resolved_at)}: ${said(same)}</li>`)}</ul>`
}
<p class="soft">Each is two entries of the cell's own log, which others witness.</p>
</section>`;
}

function drilled(drill: PresentCell["last_drill"]): string {
  if (drill === null) return "none on record";
  if (drill.verdict === "refused") return `${utc(drill.at)}: it did not restore`;
  return `${utc(drill.at)}: ${count(drill.entries)} entries, ${count(drill.entries_per_s)} a second`;
}

function facts({ backlog, log, last_drill, watched_since }: PresentCell): Html {
  return rows([
    ["Waits for the database or the archive", waiting(backlog)],
    ["Domains stopped for writes", backlog === null ? UNSEEN : count(backlog.stopped_domains)],
    [
      "Last checkpoint of the cell's log",
      log?.checkpoint_at ? `${utc(log.checkpoint_at)}, over ${count(log.signed_size)} entries` : "none yet",
    ],
    ["Last witnessed", witnessed(log)],
    ["Last restore drill on this cell", drilled(last_drill)],
    ["Watched since", utc(watched_since)],
  ]);
}

const UNSEEN = "not looked at yet";

/** Nothing was found to wait, and nobody has looked, are two things. */
function waiting(backlog: PresentCell["backlog"]): string {
  if (backlog === null) return UNSEEN;
  const { domains, entries, bytes, oldest_uncopied_at: oldest } = backlog;
  const seen = `${count(domains)} ${domains === 1 ? "domain" : "domains"} as last seen`;
  if (entries === 0) return `nothing, in ${seen}`;
  const which = oldest ? `the oldest for the database, since ${utc(oldest)}` : "for the archive alone";
  return `${count(entries)} entries (${count(bytes)} bytes), ${which}; in ${seen}`;
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
      last_success_at ? brief(last_success_at) : "never",
    ]),
  );
}

function tasks({ tasks: all }: PresentCell): Html {
  const late = all.filter(({ state }) => state === "late");
  const rest = all.filter(({ state }) => state !== "late");
  const isSeen = rest.some(({ state }) => state === "ok");
  const list = (some: PresentCell["tasks"]) =>
    table(
      ["Task", "State"],
      some.map((one) => [
        described(one.name, one.says),
        one.state === "late" ? `late in ${count(one.late)}` : one.state,
      ]),
    );
  return html`<h3>Work of the objects</h3>${late.length === 0 ? "" : list(late)}
<details><summary>${count(rest.length)} tasks ${isSeen ? "that are not late" : UNSEEN}</summary>${list(rest)}</details>`;
}

const VERDICTS = {
  verified: "looked at, whole",
  incomplete: "INCOMPLETE",
  unknown: "not known to the cell",
  none: "none",
} as const;

function backups({ backups: all }: PresentCell): Html {
  return table(
    ["What", "How far back", "State"],
    all.map(({ what, from, reach, verdict, checked_at }) => [
      html`${what}<br><span class="soft">comes back from ${from ?? "nowhere"}</span>`,
      reach,
      html`${VERDICTS[verdict]}${checked_at === null ? "" : html`, ${brief(checked_at)}`}`,
    ]),
  );
}

type Incident = PresentCell["alerts"][number];

/** What reads alike stands once, in the order of the first of each, with how many they are. */
function alike(all: readonly Incident[], keyOf: (one: Incident) => unknown[]): { first: Incident; times: number }[] {
  const groups = Map.groupBy(all, (one) => JSON.stringify(keyOf(one)));
  return [...groups.values()].map((same) => ({ first: same[0] as Incident, times: same.length }));
}

/** Of the page's own precision. */
const spanOf = ({ kind, job, opened_at, resolved_at }: Incident) => [
  kind,
  job,
  utc(opened_at),
  resolved_at === null ? null : utc(resolved_at),
];

const said = ({ first: { says, job }, times }: { first: Incident; times: number }) =>
  html`${says}${job === null ? "" : html`: <code>${job}</code>`}${times === 1 ? "" : html` <b>×${times}</b>`}`;
