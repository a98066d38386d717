/**
 * `npm run ops -- restore`: has a cell bring a log back out of its archive, and shows how far it is. All of the work is the cell's, in
 * steps that come again after a crash; this asks, waits and says what came of it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { progressText } from "../core/progress-text.ts";
import { expectStatus, type LocalApi, localApi } from "./local-api.ts";
import { parseRestoreOptions, RESTORE_HELP, type RestoreOptions } from "./restore-options.ts";
import { objectsOf, type PutAnswer, tenantLogIn, uploadAll } from "./restore-upload.ts";

export interface RestorePorts {
  api: (url: string) => LocalApi;
  put: (url: string, secret: string, bytes: Uint8Array) => Promise<PutAnswer>;
  wait: (ms: number) => Promise<unknown>;
  say: (line: string) => void;
  /** A line that takes the place of the last one; empty: none. */
  show: (line: string) => void;
}

export interface RestoreAnswer {
  phase: "rows" | "compare" | "index" | "done" | "refused";
  log: "living" | "lost";
  from: number;
  seq: number;
  size: number;
  entries: number;
  archived_by: string | null;
  inserted: number;
  compared: number;
  entries_per_s: number | null;
  checkpoint_size: number | null;
  checkpoint_ours: boolean;
  lost: number;
  started_at: string;
  ended_at: string | null;
  refused: PutAnswer["refused"];
  api_key?: string | null;
}

export const PORTS: RestorePorts = { api: localApi, put: putObject, wait: sleep, say: console.log, show: shown };

/** Resolves to the exit code. */
export async function restore(argv: string[], ports: RestorePorts = PORTS): Promise<number> {
  let options: RestoreOptions | null;
  try {
    options = parseRestoreOptions(argv);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${RESTORE_HELP}`);
    return 2;
  }
  if (!options) {
    ports.say(RESTORE_HELP);
    return 0;
  }
  const { folder, domainId } = options;
  const tenantLog = folder === null ? null : tenantLogIn(folder, domainId);
  const answer = await restoreOne(options, ports);
  if (answer.refused?.code !== "tenant_missing" || tenantLog === null) return told(domainId, answer, ports);
  ports.say(`${domainId}  its tenant is not known here: the tenant's own log comes first`);
  const first = await restoreOne({ ...options, domainId: tenantLog, until: {} }, ports);
  if (told(tenantLog, first, ports) !== 0) return 1;
  return told(domainId, await restoreOne(options, ports), ports);
}

/** Begins, waits and answers how it ended. Throws with a plain line for no answer: what was begun goes on. */
export async function restoreOne(options: RestoreOptions, ports: RestorePorts): Promise<RestoreAnswer> {
  const { domainId, folder, url, secret, until, isDrill } = options;
  const api = ports.api(url);
  const path = `/v1/restores/${domainId}`;
  try {
    if (folder !== null) await sendBack(options, folder, ports);
    const begun: RestoreAnswer = expectStatus(path, 202, await api.post(path, secret, { ...until, drill: isDrill }));
    const key = begun.api_key ?? null;
    if (key !== null) ports.say(`The tenant was made anew. This key reads its logs, and is shown once: ${key}`);
    const beganMs = Date.now();
    for (let now = begun; ; ) {
      if (now.phase === "done" || now.phase === "refused") return now;
      await ports.wait(LOOK_MS);
      now = expectStatus(path, 200, await api.get(path, secret));
      ports.show(progressOf(now, Date.now() - beganMs));
    }
  } finally {
    ports.show("");
  }
}

async function sendBack({ domainId, url, secret }: RestoreOptions, folder: string, ports: RestorePorts): Promise<void> {
  const keys = objectsOf(folder, domainId);
  const beganMs = Date.now();
  const put = (key: string, bytes: Uint8Array) =>
    ports.put(`${url}/v1/restores/${domainId}/objects?key=${encodeURIComponent(key)}`, secret, bytes);
  const stored = await uploadAll(folder, keys, put, (done) => {
    const elapsedMs = Date.now() - beganMs;
    ports.show(`upload  ${progressText({ done, total: keys.length, elapsedMs }, "object", "objects")}`);
  });
  ports.show("");
  ports.say(`${domainId}  ${keys.length} objects in the folder, ${stored} put into the bucket, the rest were there`);
}

const LOOK_MS = 500;

function progressOf({ phase, from, seq, size, compared }: RestoreAnswer, elapsedMs: number): string {
  const done = phase === "rows" ? seq - from : compared;
  return `${phase.padEnd(7)} ${progressText({ done, total: size - from, elapsedMs }, "entry", "entries")}`;
}

/** Says what came of it; the exit code. */
function told(domainId: string, answer: RestoreAnswer, { say }: RestorePorts): number {
  const { refused, inserted, compared, log, lost, checkpoint_size, checkpoint_ours, entries_per_s } = answer;
  if (refused) {
    say(
      `${domainId}  REFUSED ${refused.code}${refused.seq === null ? "" : ` at entry ${refused.seq}`}: ${refused.says}`,
    );
    return 1;
  }
  const rate = entries_per_s === null ? "" : `, ${entries_per_s.toLocaleString("en-US")} a second`;
  say(
    `${domainId}  RESTORED ${entriesOf(answer)}: ${inserted} rows written${rate}, ${compared} compared byte for byte`,
  );
  sayOfTheRest(answer, say);
  if (log === "lost") {
    const key = checkpoint_ours
      ? "signed by this cell's log key"
      : "NOT signed by this cell's log key: it is not shown, and nothing is proved under it";
    say(
      checkpoint_size === null
        ? "  no signed checkpoint was found: nothing outside the archive says that this is all of it"
        : `  leads to the checkpoint of size ${checkpoint_size}, ${key}`,
    );
    if (lost > 0) say(`  LOST ${lost} entries that the checkpoint covers and the archive does not have`);
    say("  The object of this log was lost: it is read only from now on. Go on in a new domain.");
  }
  say("  Next: npm run ops -- replay-erasures");
  return 0;
}

/** What was looked at, in words: the archive ends before the log does, by what its open segment holds. */
export const entriesOf = ({ size, entries }: Pick<RestoreAnswer, "size" | "entries">): string =>
  entries <= size ? `${counted(size)} entries` : `${counted(size)} archived entries of ${counted(entries)}`;

/** Where the entries are that the archive does not have yet. */
export function sayOfTheRest(answer: RestoreAnswer, say: (line: string) => void): void {
  const { size, entries, archived_by } = answer;
  if (entries <= size) return;
  const by = archived_by === null ? "" : `, at ${archived_by} at the latest`;
  say(
    `  The other ${counted(entries - size)} are in the log's object, which has brought them to D1; they were not compared.`,
  );
  say(`  The archive takes them as soon as their segment is full${by}: a drill after that compares them too.`);
}

const counted = (n: number): string => n.toLocaleString("en-US");

async function putObject(url: string, secret: string, bytes: Uint8Array): Promise<PutAnswer> {
  const headers = { authorization: `Bearer ${secret}`, "content-type": "application/octet-stream" };
  const answer = await fetch(url, { method: "PUT", headers, body: bytes as Uint8Array<ArrayBuffer> });
  const text = await answer.text();
  if (answer.status !== 200)
    throw new Error(`${new URL(url).searchParams.get("key")}: ${answer.status} ${text.slice(0, 300)}`);
  return JSON.parse(text) as PutAnswer;
}

function shown(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
}
