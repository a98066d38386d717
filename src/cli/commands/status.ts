/** `status`: how the cells are, as anybody is told. */
import type { Command } from "commander";
import type { Status } from "../../client/index.ts";
import { command, handle, type Session } from "../action.ts";
import { makeClient, readSettings, requireUrl } from "../connection.ts";
import { CODE, type Io } from "../io.ts";
import { count, line, pairs, relative, safeJson, safeText } from "../text.ts";

type Cell = Status["cells"][number];
type Present = Extract<Cell, { reachable: true }>;

/** Exits 0 when all is well, 1 when a cell is away or has an open alert. */
export function statusCommand(session: Session): Command {
  const target = command("status", "Show how the cells are: jobs, backlog, checkpoints, backups, alerts", [
    "moonseal status",
    "moonseal status --json",
  ])
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      "\nNo credential is needed, and none is sent. Exit codes: 0 all is well, 1 a cell is away or has an open alert, 3 no answer.",
    );
  return handle<{ json?: boolean }>(target, session, async (io, options) => {
    const settings = await readSettings(io, options);
    // Nobody is asked for a credential, so none is sent.
    const client = makeClient(io, requireUrl(settings), undefined);
    const { cells } = await client.status({ signal: io.signal });
    if (options.json) line(io.stdout, safeJson({ cells }));
    else for (const cell of cells) show(cell, io);
    return cells.every(({ state }) => state === "ok") ? CODE.ok : CODE.failed;
  });
}

const STATES = { ok: "all is well", attention: "NEEDS ATTENTION", away: "DOES NOT ANSWER" } as const;

function show(cell: Cell, io: Io): void {
  line(io.stdout, `cell ${safeText(cell.jurisdiction)}: ${STATES[cell.state]}`);
  if (cell.reachable) pairs(io.stdout, rows(cell, io.now()));
}

/** That none is late is known only of objects that were looked into. */
const unseenOr = (tasks: Present["tasks"], known: string) =>
  tasks.length > 0 && tasks.every(({ state }) => state === "waiting") ? "not looked at yet" : known;

function rows({ jobs, tasks, backlog, log, backups, alerts, probes }: Present, nowMs: number): [string, string][] {
  const ago = (instant: string | null | undefined) => (instant ? relative(Date.parse(instant), nowMs) : "never");
  const late = tasks.filter(({ state }) => state === "late");
  return [
    ...jobs.map(({ name, state, last_success_at }): [string, string] => [
      `  ${safeText(name)}`,
      `${state}, succeeded ${ago(last_success_at)}`,
    ]),
    [
      "  work of objects",
      late.length === 0
        ? unseenOr(tasks, "none is late")
        : late.map(({ name, late }) => `${name} late in ${late}`).join(", "),
    ],
    [
      "  waiting",
      backlog === null
        ? "not looked at yet"
        : `${count(backlog.entries, "entry", "entries")} in ${count(backlog.domains, "domain")}, ${count(backlog.stopped_domains, "domain")} stopped`,
    ],
    ["  last checkpoint", ago(log?.checkpoint_at)],
    ["  last witnessed", ago(log?.witnessed_at)],
    ...backups.map(({ name, verdict }): [string, string] => [`  backup ${safeText(name)}`, verdict]),
    ...probes.map(({ name, state, last_at }): [string, string] => [
      `  probe ${safeText(name)}`,
      `${state}, heard ${ago(last_at)}`,
    ]),
    ...alerts.map(({ kind, job, opened_at }): [string, string] => [
      "  ALERT",
      `${kind}${job === null ? "" : ` ${safeText(job)}`}, opened ${ago(opened_at)}`,
    ]),
  ];
}
