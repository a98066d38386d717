/** What `npm run ops -- restore …` understands. */
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parseId } from "../core/ids.ts";
import { localPaths, REPOSITORY } from "./paths.ts";
import { localOperatorSecret } from "./rotate-home.ts";
import { OPERATOR_VARIABLE } from "./rotate-options.ts";

export const RESTORE_HELP = `npm run ops -- restore DOMAIN --from r2|DIR --to local|remote [options]

Brings a log back out of its archive: writes what D1 lacks, recomputing every hash, compares D1 with the archive byte for byte,
and rebuilds the index. A D1 that is empty, or holds a true beginning, is filled; anything else is refused, with the entry. A log
whose object is lost is made anew, to be read and verified only. Broken off at any moment: run it again, the same way.

  DOMAIN                the log, dom_…
  --from r2|DIR         the cell's own bucket, or a folder that is a copy of it: what the bucket lacks is put there first,
                        and nothing is ever replaced
  --to local|remote     the cell that npm start runs on this machine, or the one in the account
  --until SEQ|TIME      a lost log only: the last entry, or an instant after which nothing comes back
  --url URL             where the cell or the gateway answers (default: MOONSEAL_URL; local: the running one)
  --operator-file FILE  where the operator's secret stands (default: ${OPERATOR_VARIABLE}; local: .dev.vars)
  --root DIR            the folder with the configurations (default: this repository)
  --help                this text

Afterwards: npm run ops -- replay-erasures. docs/restoring.md has the whole of it.
Exit codes: 0 restored, 1 refused, failed or no answer (run it again), 2 usage.
`;

export interface RestoreOptions {
  domainId: string;
  /** Null: the bucket as it is. */
  folder: string | null;
  until: { until_seq?: number; until?: string };
  url: string;
  secret: string;
  isDrill: boolean;
}

/** `null`: the help was asked for. Throws with a plain line on anything it does not know. */
export function parseRestoreOptions(argv: string[]): RestoreOptions | null {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      from: { type: "string" },
      to: { type: "string" },
      until: { type: "string" },
      drill: { type: "boolean", default: false },
      url: { type: "string" },
      "operator-file": { type: "string" },
      root: { type: "string", default: REPOSITORY },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const [domainId, ...rest] = positionals;
  const id = domainId === undefined ? null : parseId(domainId);
  if (domainId === undefined || id?.kind !== "domain" || rest.length > 0) throw new Error("name one domain, dom_…");
  const { from, to, root } = values;
  if (from === undefined) throw new Error("say where it comes from: --from r2, or the folder of a copy");
  if (to !== "local" && to !== "remote") throw new Error("--to must be local or remote");
  const isLocal = to === "local";
  const url = values.url ?? process.env.MOONSEAL_URL ?? (isLocal ? runningUrl(root) : undefined);
  if (url === undefined) throw new Error("name the address with --url or MOONSEAL_URL, or run npm start");
  const file = values["operator-file"];
  const given = file === undefined ? process.env[OPERATOR_VARIABLE] : readFileSync(file, "utf8").trim();
  const secret = given ?? (isLocal ? localOperatorSecret(root, id.jurisdiction) : undefined);
  if (secret === undefined) throw new Error(`the operator's secret is needed: --operator-file or ${OPERATOR_VARIABLE}`);
  const folder = from === "r2" ? null : from;
  return { domainId, folder, until: untilOf(values.until), url, secret, isDrill: values.drill };
}

function untilOf(text: string | undefined): RestoreOptions["until"] {
  if (text === undefined) return {};
  if (/^(?:0|[1-9]\d{0,15})$/.test(text) && Number.isSafeInteger(Number(text))) return { until_seq: Number(text) };
  const atMs = Date.parse(text);
  if (!/^\d{4}-\d\d-\d\dT/.test(text) || Number.isNaN(atMs))
    throw new Error("--until is a seq, or an instant of ISO 8601");
  return { until: new Date(atMs).toISOString() };
}

export function runningUrl(root: string): string | undefined {
  const { run } = localPaths(root);
  return existsSync(run) ? (JSON.parse(readFileSync(run, "utf8")) as { url?: string }).url : undefined;
}
