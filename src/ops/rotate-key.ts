/**
 * `npm run ops -- rotate-key`: a new secret for a slot, everything of its columns sealed anew, the old secret gone (S2-4).
 *
 * Order, with the crash after each step. The next run looks at what is there and goes on; a command that fails is treated the
 * same way.
 *  1. names of the secrets, what the cell has             nothing changed
 *  2. remote: the new secret into an escrow file          not put yet: the next run opens the file and uses what it holds
 *  3. the new secret is put beside the old one            two versions: the next run makes no third one
 *  4. the cell says that it has it                        as after 3
 *  5. step by step, everything is sealed anew             the cell's own object knows how far it is
 *  6. a last look, and the entry that the old one goes    the next run looks again
 *  7. each old secret is deleted                          the next run deletes the rest
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { SlotName } from "../crypto/key-registry.ts";
import { parseSlotSecretName, slotSecretName } from "../crypto/slot-keys.ts";
import { accountWrangler, type RunAccount } from "./deploy-account.ts";
import { type Cell, cellOf, readConfigurations } from "./deploy-config.ts";
import { Refused } from "./deploy-refusal.ts";
import { passphraseFrom } from "./escrow-passphrase.ts";
import { expectStatus, type LocalApi, localApi } from "./local-api.ts";
import { localPaths } from "./paths.ts";
import { type EscrowPorts, escrowed, planEscrow } from "./provision-escrow.ts";
import { makeSecret } from "./provision-secrets.ts";
import { accountHome, localHome, localOperatorSecret, type SecretHome } from "./rotate-home.ts";
import { OPERATOR_VARIABLE, parseRotateOptions, ROTATE_HELP, type RotateOptions } from "./rotate-options.ts";

export interface RotatePorts extends EscrowPorts {
  run: RunAccount;
  api: (url: string) => LocalApi;
  operatorSecret: string | undefined;
  /** Milliseconds. */
  wait: (ms: number) => Promise<void>;
}

/** Asks for a new secret until the cell has it: a changed Worker takes some seconds. */
const SEEN_ASKS = 60;
const ASK_EVERY_MS = 1000;

/** Resolves to the exit code; what it has to say goes to `console`, never a secret. */
export async function rotateKey(argv: string[], ports?: RotatePorts): Promise<number> {
  let options: RotateOptions | null;
  try {
    options = parseRotateOptions(argv);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${ROTATE_HELP}`);
    return 2;
  }
  if (!options) {
    console.log(ROTATE_HELP);
    return 0;
  }
  try {
    return await rotate(options, ports ?? processPorts(options));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.error(error.message);
    return 1;
  }
}

function processPorts({ root, jurisdiction, place, operatorFile, passphraseFile }: RotateOptions): RotatePorts {
  const local = place === "local" ? localOperatorSecret(root, jurisdiction) : undefined;
  const file = operatorFile === undefined ? undefined : readFileSync(operatorFile, "utf8").split(/\r?\n/)[0];
  return {
    run: accountWrangler(root),
    api: localApi,
    operatorSecret: file ?? process.env[OPERATOR_VARIABLE] ?? local,
    ask: passphraseFrom(passphraseFile),
    random: (byteLength) => randomBytes(byteLength),
    now: () => new Date(),
    wait: (ms) => sleep(ms),
  };
}

async function rotate(options: RotateOptions, ports: RotatePorts): Promise<number> {
  const { slot, jurisdiction, root, place } = options;
  const cell = cellOf(root, jurisdiction, readConfigurations(root)[jurisdiction]);
  const home = place === "local" ? localHome(root, jurisdiction) : accountHome(ports.run, cell);
  const ask = asking(options, ports);
  const versions = versionsOf(slot, await home.names());
  if (versions.length === 0) throw new Refused("SECRET_MISSING", `the cell has no secret of ${slot}: provision it`);
  const seen = await versionsSeen(slot, ask);
  const newest = await newVersion(versions, cell, home, options, ports);
  await untilSeen(slot, newest, seen, ask, ports);
  await resealAll(slot, ask);
  if (options.keepOld) {
    console.log(`kept       older secrets of ${slot}; run it again without --keep-old to delete them`);
    return 0;
  }
  await untilRetired(slot, ask);
  for (const version of versionsOf(slot, await home.names()).filter((each) => each < newest)) {
    await home.remove(slotSecretName(slot, version));
    console.log(`deleted    ${slotSecretName(slot, version)}`);
  }
  console.log(`\n${slot} is sealed under version ${newest} alone.`);
  return 0;
}

/** Puts the next version, unless a run of before has put it and did not come to its end. */
async function newVersion(
  versions: readonly number[],
  cell: Cell,
  home: SecretHome,
  options: RotateOptions,
  ports: RotatePorts,
): Promise<number> {
  const { slot, jurisdiction, place, root } = options;
  const newest = Math.max(...versions);
  if (versions.length > 1) {
    console.log(`secret     ${slotSecretName(slot, newest)} is there beside older ones: going on`);
    return newest;
  }
  const next = newest + 1;
  const name = slotSecretName(slot, next);
  let value: string;
  if (place === "local") value = makeSecret(name, jurisdiction, ports.random);
  else {
    const plan = await planEscrow({ root, file: options.escrow, reason: "rotate" }, [name], ports);
    value = escrowed(plan, cell, [name], ports)[name] ?? "";
    console.log(`escrow     ${plan.file}: opens, holds ${name}`);
  }
  await home.put(name, value);
  console.log(`secret     ${name}: put, beside version ${newest}`);
  return next;
}

const versionsOf = (slot: SlotName, names: readonly string[]): number[] =>
  names
    .flatMap((name) => {
      const parsed = parseSlotSecretName(name);
      return parsed?.slot === slot ? [parsed.version] : [];
    })
    .sort((a, b) => a - b);

type Ask = (method: "get" | "post", path: string, body?: unknown) => ReturnType<LocalApi["get"]>;

function asking(options: RotateOptions, { api, operatorSecret }: RotatePorts): Ask {
  const url = options.url ?? (options.place === "local" ? runningUrl(options.root) : undefined);
  if (url === undefined) throw new Refused("NOT_RUNNING", "the cell has to run: npm start, or say --url");
  if (operatorSecret === undefined) {
    throw new Refused("OPERATOR_NEEDED", `say the operator's secret with --operator-file or ${OPERATOR_VARIABLE}`);
  }
  const to = api(url.replace(/\/$/, ""));
  return (method, path, body) =>
    method === "get" ? to.get(path, operatorSecret) : to.post(path, operatorSecret, body);
}

function runningUrl(root: string): string | undefined {
  const { run } = localPaths(root);
  return existsSync(run) ? (JSON.parse(readFileSync(run, "utf8")) as { url?: string }).url : undefined;
}

/** Before anything is changed: that the cell answers, and that it lets the operator in. */
async function versionsSeen(slot: SlotName, ask: Ask): Promise<number[]> {
  const answer = await ask("get", "/v1/keys").catch(() => null);
  if (answer?.status !== 200) {
    const said = answer ? `it answers ${answer.status} ${answer.body?.code ?? ""}` : "it does not answer";
    throw new Refused("CELL_NOT_READY", `the cell cannot be asked about its keys: ${said}. Nothing was changed.`);
  }
  const slots: { slot: string; versions: { version: number }[] }[] = answer.body.slots ?? [];
  return (slots.find((each) => each.slot === slot)?.versions ?? []).map(({ version }) => version);
}

async function untilSeen(
  slot: SlotName,
  version: number,
  seen: readonly number[],
  ask: Ask,
  { wait }: RotatePorts,
): Promise<void> {
  let known: readonly number[] = seen;
  for (let asked = 0; !known.includes(version); asked++) {
    if (asked === SEEN_ASKS) {
      throw new Refused(
        "SECRET_NOT_SEEN",
        `the cell does not have version ${version} yet. Run it again, the same way.`,
      );
    }
    await wait(ASK_EVERY_MS);
    known = await versionsSeen(slot, ask).catch(() => known);
  }
  console.log(`cell       has version ${version}`);
}

async function resealAll(slot: SlotName, ask: Ask): Promise<void> {
  const began = performance.now();
  for (;;) {
    const view = expectStatus("resealing", 200, await ask("post", "/v1/slot-rotations", { slot }));
    const rate = Math.round(view.values / Math.max(0.001, (performance.now() - began) / 1000));
    const where = `walk ${view.walks}, ${view.domains} domains through`;
    console.log(`resealing  ${view.values} values so far (${rate}/s), ${where}${view.done ? ", done" : ""}`);
    if (view.done) return;
    if (view.stuck) throw unreadableValues(view.unreadable);
  }
}

async function untilRetired(slot: SlotName, ask: Ask): Promise<void> {
  for (let look_again = true; ; look_again = false) {
    const { retired, stuck, unreadable } = expectStatus(
      "the last look",
      200,
      await ask("post", "/v1/slot-retirements", { slot, look_again }),
    );
    if (retired !== null) {
      console.log(`looked     nothing uses version ${retired.length > 0 ? retired.join(", ") : "—"} any more`);
      return;
    }
    if (stuck) throw unreadableValues(unreadable);
  }
}

const unreadableValues = (count: number) =>
  new Refused(
    "VALUES_UNREADABLE",
    `${count} values of this slot open under no key, so the older secrets stay. Look for the reason: a restored database, lost keys.`,
  );
