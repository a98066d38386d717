/** All three Workers in one `wrangler dev`, with a supervisor that ends them together. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { freePort, LOOPBACK } from "./free-port.ts";
import { generatedConfig, localPaths, WORKERS } from "./paths.ts";
import { WRANGLER, wranglerEnvironment } from "./wrangler.ts";

const INSPECTOR_PORT = 9229;
const HEALTHY_WITHIN_MS = 120_000;
const PORT_ATTEMPTS = 3;
const TAIL_LINES = 40;
/** After these wrangler waits for a change of the code, and nobody will make one. */
const HOPELESS = /Build failed with|Workers runtime failed to start/;

export interface DevServer {
  url: string;
  supervisorPid: number;
  wranglerPid: number;
  /** Resolves with the exit code when wrangler ended, for whatever reason. */
  ended: Promise<number>;
  /** Ends wrangler and everything that it started. */
  stop(): Promise<void>;
}

/**
 * Starts on the first free port at or after `port` and resolves when the gateway answers. `onLaunch` is told of every
 * server that has a process, ready or not, so that it can be stopped early; `configure` is called before, with the address.
 */
export async function startDevServer(
  root: string,
  port: number,
  verbose: boolean,
  onLaunch: (server: DevServer) => void,
  configure: (url: string) => void,
): Promise<DevServer> {
  let first = port;
  for (let attempt = 1; ; attempt++) {
    const chosen = await freePort(first);
    configure(addressOf(chosen));
    const server = await launch(root, chosen, await freePort(INSPECTOR_PORT, [chosen]), verbose);
    onLaunch(server);
    const fault = await untilHealthy(root, server);
    if (!fault) return server;
    await server.stop();
    const overtaken = /address already in use/i.test(lastOutput(root));
    if (!overtaken || attempt === PORT_ATTEMPTS) throw new Error(`${fault}\n\n${lastOutput(root)}`);
    first = chosen + 1;
  }
}

/** The end of what wrangler printed, without colours. */
export function lastOutput(root: string): string {
  const { log } = localPaths(root);
  const text = existsSync(log) ? stripVTControlCharacters(readFileSync(log, "utf8")).trimEnd() : "";
  const tail = text.split("\n").slice(-TAIL_LINES).join("\n");
  return `Last output of wrangler (${path.relative(root, log)}):\n${tail}`;
}

const addressOf = (port: number) => `http://${LOOPBACK}:${port}`;

async function launch(root: string, port: number, inspectorPort: number, verbose: boolean): Promise<DevServer> {
  const { log, state } = localPaths(root);
  const command = ["dev", ...WORKERS.flatMap((worker) => ["-c", generatedConfig(root, worker)])];
  command.push("--ip", LOOPBACK, "--port", String(port), "--inspector-port", String(inspectorPort));
  command.push("--persist-to", state);
  const supervision = [
    path.join(import.meta.dirname, "supervisor.ts"),
    log,
    verbose ? "verbose" : "quiet",
    WRANGLER,
    ...command,
  ];
  const supervisor = spawn(process.execPath, supervision, {
    cwd: root,
    env: wranglerEnvironment(root),
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<number>((resolve) => {
    supervisor.once("exit", (code) => resolve(code ?? 1));
    supervisor.once("error", () => resolve(1));
  });
  const announced = new Promise<number>((resolve) => {
    supervisor.stdout.once("data", (line: Buffer) => resolve(Number(line.toString())));
  });
  supervisor.stdin.on("error", () => {});
  return {
    url: addressOf(port),
    supervisorPid: supervisor.pid ?? 0,
    wranglerPid: await Promise.race([announced, ended.then(() => 0)]),
    ended,
    stop: async () => {
      supervisor.stdin.end();
      await ended;
    },
  };
}

/** Resolves with what went wrong, or with nothing once `/healthz` answers. */
async function untilHealthy(root: string, server: DevServer): Promise<string | undefined> {
  let code: number | undefined;
  server.ended.then((exitCode) => {
    code = exitCode;
  });
  const deadline = Date.now() + HEALTHY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (await isHealthy(server.url)) return undefined;
    if (code !== undefined) return `wrangler stopped before it was ready (exit code ${code}).`;
    if (HOPELESS.test(lastOutput(root))) return "The Workers do not start.";
    await sleep(150);
  }
  return `${server.url}/healthz did not answer within ${HEALTHY_WITHIN_MS / 1000} s.`;
}

export async function isHealthy(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(5000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
