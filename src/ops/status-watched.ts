/** What a cell says of itself to anybody, in lines for its operator. */
import type { Jurisdiction } from "../core/ids.ts";
import type { StatusCell } from "../http/schemas/status.ts";

type Fetch = (url: URL, init: RequestInit) => Promise<Response>;

/** Prints it; false: the cell does not answer, or something needs attention. Never throws. */
export async function sayWatched(url: string, jurisdiction: Jurisdiction, ask: Fetch = fetch): Promise<boolean> {
  const cell = await ask(new URL("/v1/status", url), { signal: AbortSignal.timeout(15_000), redirect: "manual" })
    .then(async (answer) => ((await answer.json()) as { cells: StatusCell[] }).cells)
    .then((cells) => cells.find((one) => one.jurisdiction === jurisdiction))
    .catch(() => undefined);
  if (!cell?.reachable) {
    console.error(`${jurisdiction}: the cell does not answer at ${new URL(url).origin}`);
    return false;
  }
  for (const { name, state, last_success_at } of cell.jobs)
    say(name, `${state}, last success ${last_success_at ?? "never"}`);
  for (const { name, late } of cell.tasks.filter(({ state }) => state === "late")) say(name, `LATE in ${late} objects`);
  for (const { name, verdict, checked_at } of cell.backups)
    say(`backup ${name}`, `${verdict}${checked_at ? `, ${checked_at}` : ""}`);
  for (const { name, state, last_at } of cell.probes)
    say(`probe ${name}`, `${state}, last heard ${last_at ?? "never"}`);
  for (const { kind, job, opened_at } of cell.alerts) say("ALERT", `${kind} ${job ?? ""} since ${opened_at}`);
  return cell.state === "ok";
}

const say = (name: string, what: string) => console.log(`${name.padEnd(22)} ${what}`);
