/**
 * `npm run ops -- probe`: asks a deployment as a stranger does, from wherever it is run, and tells each cell what it found, signed by
 * a key of its own (S2-45). For a machine of somebody else's: it holds no credential, reads nothing but the public status, and needs
 * nothing of the account. It computes lateness itself, from the answer and its own clock.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { fromBase64, toBase64 } from "../core/bytes.ts";
import type { Jurisdiction } from "../core/ids.ts";
import { signerOf, type WebhookSigner } from "../crypto/webhook-signer.ts";
import type { ReportBody } from "../services/monitoring/probe.ts";
import { writePrivateFile } from "./private-file.ts";
import { type Finding, look, type ProbeFetch } from "./probe-look.ts";

export const PROBE_HELP = `npm run ops -- probe --url URL --name NAME --key-file FILE [--every SECONDS]

Asks the deployment as a stranger does, and tells each cell what it found. Run it elsewhere: another provider, another account.

  --url URL          where the gateway answers
  --name NAME        of this probe, [a-z0-9-]{1,32}
  --key-file FILE    its private key; made when it is missing, readable by its owner only. The line that is printed then goes into
                     the setting PROBE_KEYS of each cell
  --every SECONDS    goes on, so often (at least 30); without it, once
  --help             this text

Exit codes: 0 all was as it should be and was taken, 1 something was found, or a cell did not take the report, 2 usage.
`;

interface ProbeOptions {
  url: string;
  name: string;
  keyFile: string;
  everyMs: number | null;
}

export interface ProbePorts {
  fetch: ProbeFetch;
  clock: () => number;
  wait: (ms: number) => Promise<unknown>;
  say: (line: string) => void;
}

const KEY_BYTES = 32;
const LEAST_EVERY_S = 30;

/** Resolves to the exit code; with `--every` it does not, until the process ends. */
export async function probe(
  argv: string[],
  ports: ProbePorts = { fetch, clock: Date.now, wait: sleep, say: console.log },
): Promise<number> {
  let options: ProbeOptions | null;
  let signer: WebhookSigner;
  try {
    options = parseProbeOptions(argv);
    if (!options) {
      ports.say(PROBE_HELP);
      return 0;
    }
    signer = keyOf(options, ports.say);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${PROBE_HELP}`);
    return 2;
  }
  for (;;) {
    const code = await oneRound(options, signer, ports);
    if (options.everyMs === null) return code;
    await ports.wait(options.everyMs);
  }
}

/** 0: all was as it should be, and each cell took the report of it. */
async function oneRound({ url, name }: ProbeOptions, signer: WebhookSigner, ports: ProbePorts): Promise<0 | 1> {
  const findings = await look(url, ports);
  let code: 0 | 1 = 0;
  for (const finding of findings) {
    const taken = await report(finding, { url, name }, signer, ports);
    ports.say(
      `${new Date(ports.clock()).toISOString()}  ${finding.jurisdiction}  ${finding.code ?? "ok"}  ${finding.ms} ms  ${taken}`,
    );
    if (finding.code !== null || taken !== "reported") code = 1;
  }
  return code;
}

/** What became of the report; a cell that is away cannot take one. */
async function report(
  { jurisdiction, code, ms }: Finding & { jurisdiction: Jurisdiction },
  { url, name }: Pick<ProbeOptions, "url" | "name">,
  signer: WebhookSigner,
  { fetch, clock }: ProbePorts,
): Promise<string> {
  const atMs = clock();
  const told: ReportBody = { probe: name, jurisdiction, at: new Date(atMs).toISOString(), code, ms };
  const body = JSON.stringify(told);
  const [id, timestampS] = [`probe_${name}_${atMs}`, Math.floor(atMs / 1000)];
  const headers = {
    "content-type": "text/plain; charset=utf-8",
    ...{
      "webhook-id": id,
      "webhook-timestamp": String(timestampS),
      "webhook-signature": signer.sign(id, timestampS, body),
    },
  };
  const to = new URL(`/v1/status/reports/${jurisdiction}`, url);
  try {
    const signal = AbortSignal.timeout(15_000);
    const answer = await fetch(to, { method: "POST", body, headers, signal, redirect: "manual" });
    if (answer.status === 401) return "not reported: the cell does not know this probe's key, or the clocks differ";
    if (answer.status !== 200) return `not reported: ${answer.status}`;
    return ((await answer.json()) as { taken?: boolean }).taken ? "reported" : "not reported: the cell has a newer one";
  } catch {
    return "not reported: no answer";
  }
}

/** Made when it is missing. The file holds base64 of 32 bytes. */
function keyOf({ keyFile, name }: ProbeOptions, say: (line: string) => void): WebhookSigner {
  if (!existsSync(keyFile)) {
    const seed = new Uint8Array(randomBytes(KEY_BYTES));
    writePrivateFile(keyFile, `${toBase64(seed)}\n`);
    say(`${keyFile} was made. Put this into PROBE_KEYS of each cell:\n${name}=${signerOf([seed]).publicKeys[0]}`);
    return signerOf([seed]);
  }
  const seed = fromBase64(readFileSync(keyFile, "utf8").trim());
  if (seed?.length !== KEY_BYTES) throw new Error(`${keyFile} holds no key: base64 of 32 bytes`);
  return signerOf([seed]);
}

function parseProbeOptions(argv: string[]): ProbeOptions | null {
  const { values } = parseArgs({
    args: argv,
    options: {
      url: { type: "string" },
      name: { type: "string" },
      "key-file": { type: "string" },
      every: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const { url = process.env.MOONSEAL_URL, name, "key-file": keyFile, every } = values;
  if (!url || !URL.canParse(url)) throw new Error("--url must be where the gateway answers");
  if (!/^[a-z0-9-]{1,32}$/.test(name ?? "")) throw new Error("--name must be [a-z0-9-]{1,32}");
  if (!keyFile) throw new Error("--key-file must name a file");
  const everyS = every === undefined ? null : Number(every);
  if (everyS !== null && !(everyS >= LEAST_EVERY_S))
    throw new Error(`--every must be at least ${LEAST_EVERY_S} seconds`);
  return { url, name: name as string, keyFile, everyMs: everyS === null ? null : everyS * 1000 };
}
