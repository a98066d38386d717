/**
 * `npm run ops -- drill`: rehearses a restore on a cell that serves (S4-11), without losing anything: every row is compared with the
 * archive, and what D1 lacks is written. bench/restore.ts does lose a D1, on generated entries.
 */
import { parseArgs } from "node:util";
import { duration } from "../core/progress-text.ts";
import { entriesOf, PORTS, type RestoreAnswer, type RestorePorts, restoreOne, sayOfTheRest } from "./restore.ts";
import { parseRestoreOptions } from "./restore-options.ts";

export const DRILL_HELP = `npm run ops -- drill DOMAIN --to local|remote [--from r2] [options of restore]

Rehearses the restore of a log on a cell that serves, without losing anything: every row of D1 is compared with the archive byte for
byte, rows that D1 lacks are written, and the cell's status says when, how fast and with what verdict. The rehearsal that does lose
a D1, on generated entries, is node bench/restore.ts.

Exit codes: 0 all is there and the same, 1 it is not, 2 usage.
`;

const MILLION = 1_000_000;

/** Resolves to the exit code. */
export async function drill(argv: string[], ports: RestorePorts = PORTS): Promise<number> {
  const { values } = parseArgs({ args: argv, options: { help: { type: "boolean", short: "h" } }, strict: false });
  if (values.help) {
    ports.say(DRILL_HELP);
    return 0;
  }
  let options: ReturnType<typeof parseRestoreOptions>;
  try {
    options = parseRestoreOptions([...(argv.includes("--from") ? argv : [...argv, "--from", "r2"]), "--drill"]);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${DRILL_HELP}`);
    return 2;
  }
  if (!options) return 2;
  return drilled(options.domainId, await restoreOne(options, ports), ports.say);
}

/** What a drill says; the exit code. The time is the cell's own, from asking to the end of the comparison. */
function drilled(domainId: string, answer: RestoreAnswer, say: (line: string) => void): number {
  const { refused, ended_at, started_at } = answer;
  if (refused || ended_at === null) {
    const where = refused?.seq == null ? "" : ` at entry ${refused.seq}`;
    say(`${domainId}  DRILL FAILED ${refused?.code ?? ""}${where}`);
    return 1;
  }
  const elapsedMs = Date.parse(ended_at) - Date.parse(started_at);
  const { compared, inserted } = answer;
  say(`${domainId}  DRILL PASSED ${entriesOf(answer)}, ${inserted} written, ${compared} the same, byte for byte`);
  sayOfTheRest(answer, say);
  const perSecond = Math.round((compared * 1000) / Math.max(1, elapsedMs));
  say(`  ${perSecond.toLocaleString("en-US")} entries a second; a million would take ${forAMillion(perSecond)}`);
  return 0;
}

export const forAMillion = (entriesPerSecond: number): string =>
  entriesPerSecond === 0 ? "for ever" : duration(MILLION / entriesPerSecond);
