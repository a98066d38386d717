/** The demonstration, told step by step. Nothing is staged: each verdict comes from `moonseal verify` in its own process. */
import path from "node:path";
import { MoonsealClient } from "../client/index.ts";
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import type { DemoCells } from "./demo-cells.ts";
import { companyDay } from "./demo-day.ts";
import { changeOneByte, cutTheTail, insertOneRow, type Scene } from "./demo-scenes.ts";
import { type Log, type Verdict, verifyOutside } from "./demo-verify.ts";
import type { Voice } from "./demo-voice.ts";

const COMPANIES: Record<Jurisdiction, string> = { eu: "Petersen GmbH", us: "Lakeside Inc" };
const PLACE: Record<Jurisdiction, string> = { eu: "the EU", us: "the US" };
const EVENTS_A_REQUEST = 200;

export interface DemoPlan {
  seed: number;
  /** As `2026-11-20`. */
  day: string;
  events: number;
}

/** One tampering: what was done, and whether the verifier named exactly that. */
export interface Outcome {
  what: string;
  expected: string;
  named: string;
  exactly: boolean;
}

/** Resolves to one outcome for each tampering. Throws when an untouched log does not verify. */
export async function tellStory(cells: DemoCells, folder: string, plan: DemoPlan, voice: Voice): Promise<Outcome[]> {
  voice.title("A day of two small companies");
  voice.say("Moonseal keeps audit logs: who did what, when, in an order that nobody can change");
  voice.say("unseen. Here it runs on this machine, once for the EU and once for the US.");
  voice.say("");
  const logs = {} as Record<Jurisdiction, Log>;
  for (const [i, jurisdiction] of JURISDICTIONS.entries()) {
    logs[jurisdiction] = await importDay(cells, folder, jurisdiction, { ...plan, seed: plan.seed + i }, voice);
  }

  voice.title("Untouched");
  voice.say("Anybody with a key can check a log on their own machine. Every hash is computed");
  voice.say("again there; the server is not believed. This machine also remembers each result.");
  voice.say("");
  for (const jurisdiction of JURISDICTIONS) {
    const verdict = await verifyOutside(logs[jurisdiction]);
    if (verdict.verdict !== "verified") throw new Error(`an untouched log is ${verdict.verdict}`);
    const { entries, head } = verdict;
    voice.good(`${COMPANIES[jurisdiction]}: ${entries} entries verified, the last is ${head.entry_hash.slice(0, 12)}…`);
  }

  const scenes: Scene[] = [
    await changeOneByte(await cells.ledger("eu"), logs.eu),
    await insertOneRow(await cells.ledger("eu"), logs.eu),
    await cutTheTail(await cells.ledger("us"), logs.us),
  ];
  const outcomes: Outcome[] = [];
  for (const scene of scenes) outcomes.push(await play(scene, voice));
  return outcomes;
}

async function importDay(
  cells: DemoCells,
  folder: string,
  jurisdiction: Jurisdiction,
  { seed, day, events }: DemoPlan,
  voice: Voice,
): Promise<Log> {
  const { url } = cells;
  const name = COMPANIES[jurisdiction];
  const operator = new MoonsealClient({ baseUrl: url, apiKey: cells.operatorSecrets[jurisdiction] });
  const { tenant, api_key } = await operator.createTenant({ name, jurisdiction, tier: "enterprise" });
  const client = new MoonsealClient({ baseUrl: url, apiKey: api_key.key });
  const { id: domainId } = await client.createDomain(tenant.id, { name: "production" });
  const all = companyDay(seed, day, events);
  for (let at = 0; at < all.length; at += EVENTS_A_REQUEST) {
    await client.append(domainId, all.slice(at, at + EVENTS_A_REQUEST), { wait: "replicated" });
  }
  const people = new Set(all.filter(({ actor }) => actor.type === "user").map(({ actor }) => actor.id)).size;
  voice.good(`${name}: ${events} events of ${day} imported in ${PLACE[jurisdiction]}`);
  voice.say(`        ${people} people stand in it as pseudonyms; what is private about them is sealed beside it`);
  return { url, domainId, key: api_key.key, headFile: path.join(folder, `head-${jurisdiction}.json`) };
}

async function play(scene: Scene, voice: Voice): Promise<Outcome> {
  voice.title(scene.title);
  for (const text of scene.intention) voice.say(text);
  voice.say("");
  voice.did(scene.attempt);
  voice.good(`the database refuses: ${await scene.refused()}`);
  voice.say("");
  voice.say("The owner of the account can remove the guards. So, as the owner:");
  voice.did("DROP TRIGGER … (all guards)");
  voice.did(scene.deed);
  const restore = await scene.tamper();
  voice.say("");
  voice.did("moonseal verify");
  const verdict = await verifyOutside(scene.log);
  const named = said(verdict);
  const exactly = scene.isExact(verdict);
  if (verdict.verdict === "verified") voice.say("nothing was noticed");
  else voice.bad(named);
  for (const text of scene.explanation) voice.say(`        ${text}`);
  await restore();
  const again = await verifyOutside(scene.log);
  if (again.verdict !== "verified") throw new Error(`the log was put back and is ${again.verdict}`);
  voice.say("");
  voice.good("put back as it was, guards included; the log verifies again");
  return { what: scene.title, expected: scene.expected, named, exactly };
}

function said({ finding, verdict, exitCode }: Verdict): string {
  return finding ? `at entry ${finding.seq}: ${finding.detail}` : `${verdict} (exit code ${exitCode})`;
}
