/**
 * `npm run ops -- replay-erasures`: after any restore of a database or an object, executes again what the logs of a cell say
 * was erased (decision 7). Erases nobody who was not erased before; running it twice does no harm.
 */
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { isJurisdiction, type Jurisdiction, platformDomainId } from "../core/ids.ts";
import { expectStatus, type LocalApi, localApi } from "./local-api.ts";
import { localPaths, REPOSITORY } from "./paths.ts";
import { localOperatorSecret } from "./rotate-home.ts";
import { OPERATOR_VARIABLE } from "./rotate-options.ts";

export const REPLAY_HELP = `npm run ops -- replay-erasures --jurisdiction eu|us [--local|--remote] [options]

After a restore of a database or an object: walks every log of a cell and erases again whomever it says was erased.
Waits until every store has confirmed it.

  --jurisdiction eu|us     which cell
  --local, --remote        the cell that npm start runs on this machine (default), or the one in the account
  --url URL                where the cell or the gateway answers (default: MOONSEAL_URL; local: the running one)
  --operator-file FILE     where the operator's secret stands (default: ${OPERATOR_VARIABLE}; local: .dev.vars)
  --root DIR               the folder with the configurations (default: this repository)
  --help                   this text

Exit codes: 0 done, 1 a log could not be walked or is not finished, 2 usage.
`;

interface ReplayOptions {
  jurisdiction: Jurisdiction;
  url: string;
  secret: string;
}

/** How often an unfinished log is looked at again, a second apart. */
const LOOKS = 60;

export interface ReplayPorts {
  api: (url: string) => LocalApi;
  wait: (ms: number) => Promise<unknown>;
  say: (line: string) => void;
}

/** Resolves to the exit code. */
export async function replayErasures(
  argv: string[],
  ports: ReplayPorts = { api: localApi, wait: sleep, say: console.log },
): Promise<number> {
  let options: ReplayOptions | null;
  try {
    options = parseReplayOptions(argv);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${REPLAY_HELP}`);
    return 2;
  }
  if (!options) {
    ports.say(REPLAY_HELP);
    return 0;
  }
  const api = ports.api(options.url);
  let [logs, erasures, faults] = [0, 0, 0];
  for await (const domainId of domainsOf(api, options)) {
    logs++;
    try {
      erasures += await replayLog(api, options.secret, domainId, ports);
    } catch (error) {
      faults++;
      console.error(`${domainId}  ${(error as Error).message}`);
    }
  }
  ports.say(`${logs} logs, ${erasures} erasures executed again${faults > 0 ? `, ${faults} logs not finished` : ""}`);
  return faults > 0 ? 1 : 0;
}

/** Every log of the cell, the platform's first. */
async function* domainsOf(api: LocalApi, { jurisdiction, secret }: ReplayOptions): AsyncGenerator<string> {
  yield platformDomainId(jurisdiction);
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page = expectStatus("tenants", 200, await api.get(`/v1/tenants?limit=200${query}`, secret));
    for (const { id } of page.tenants as { id: string }[]) {
      const { domains } = expectStatus(`domains of ${id}`, 200, await api.get(`/v1/tenants/${id}/domains`, secret));
      for (const domain of domains as { id: string }[]) yield domain.id;
    }
    cursor = page.next_cursor;
  }
}

async function replayLog(api: LocalApi, secret: string, domainId: string, { wait, say }: ReplayPorts): Promise<number> {
  const path = `/v1/domains/${domainId}/audit/erasures/replay`;
  const ask = async (from: number) => expectStatus("replay", 200, await api.post(path, secret, { from }));
  let erasures = 0;
  let unfinished = 0;
  for (let from: number | null = 0; from !== null; ) {
    const part = await ask(from);
    ({ next_from: from, unfinished } = part);
    erasures += part.erasures;
  }
  // Behind the end of the log there is nothing to replay: the answer tells how many are left.
  for (let look = 0; unfinished > 0 && look < LOOKS; look++) {
    await wait(1000);
    ({ unfinished } = await ask(Number.MAX_SAFE_INTEGER));
  }
  if (unfinished > 0) throw new Error(`${unfinished} erasures wait for a store; run it again`);
  if (erasures > 0) say(`${domainId}  ${erasures} erased again`);
  return erasures;
}

/** `null`: the help was asked for. Throws with a plain line on anything it does not know. */
function parseReplayOptions(argv: string[]): ReplayOptions | null {
  const { values } = parseArgs({
    args: argv,
    options: {
      jurisdiction: { type: "string" },
      local: { type: "boolean", default: false },
      remote: { type: "boolean", default: false },
      url: { type: "string" },
      "operator-file": { type: "string" },
      root: { type: "string", default: REPOSITORY },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const { jurisdiction, local, remote, root } = values;
  if (!isJurisdiction(jurisdiction)) throw new Error("--jurisdiction must be eu or us");
  if (local && remote) throw new Error("say either --local or --remote");
  const url = values.url ?? process.env.MOONSEAL_URL ?? (remote ? undefined : runningUrl(root));
  if (url === undefined) throw new Error("name the address with --url or MOONSEAL_URL, or run npm start");
  const file = values["operator-file"];
  const given = file === undefined ? process.env[OPERATOR_VARIABLE] : readFileSync(file, "utf8").trim();
  const secret = given ?? (remote ? undefined : localOperatorSecret(root, jurisdiction));
  if (secret === undefined) throw new Error(`the operator's secret is needed: --operator-file or ${OPERATOR_VARIABLE}`);
  return { jurisdiction, url, secret };
}

function runningUrl(root: string): string | undefined {
  const { run } = localPaths(root);
  return existsSync(run) ? (JSON.parse(readFileSync(run, "utf8")) as { url?: string }).url : undefined;
}
