/** `doctor`: is everything here and there as it must be, and what to do if not. */
import type { Command } from "commander";
import { command, handle, type Session } from "../action.ts";
import { configMode } from "../config.ts";
import { type ConnectionFlags, makeClient, readSettings, type Settings } from "../connection.ts";
import * as checks from "../doctor/checks.ts";
import { describeError } from "../errors.ts";
import { configPath } from "../files.ts";
import { CODE, type Io } from "../io.ts";
import { type Colour, line, painter, safeJson, safeText } from "../text.ts";

const COLOUR: Record<checks.Check["level"], Colour> = { ok: "green", warn: "yellow", fail: "red" };
/** A person waits. */
const RETRY = { attempts: 2 };

export function doctorCommand(session: Session): Command {
  const target = command("doctor", "Check this machine, the key, the server and the log", ["moonseal doctor"])
    .option("--json", "as JSON")
    .addHelpText("after", "\nExit codes: 0 nothing failed, 1 something did, 3 the server could not be reached.");
  return handle<{ json?: boolean }>(target, session, async (io, options) => {
    const results = [checks.checkNode(io.nodeVersion), checks.checkConfigFile(configPath(io), await configMode(io))];
    const settings = await readSettings(io, options as ConnectionFlags);
    const local = [checks.checkUrl(settings), checks.checkKey(settings, io.now()), checks.checkJurisdiction(settings)];
    results.push(...local);
    const usable = (name: string) => local.every((check) => check.name !== name || check.level !== "fail");
    let reached = true;
    if (usable("url")) {
      const remote = await askServer(io, settings, usable("key") && usable("domain"));
      results.push(...remote);
      reached = remote[0]?.level !== "fail";
    }
    if (options.json) line(io.stdout, safeJson({ checks: results }));
    else print(io, results);
    if (!reached) return CODE.unreachable;
    return results.some(({ level }) => level === "fail") ? CODE.failed : CODE.ok;
  });
}

/** The credential goes out only when its form is right and it fits the domain. */
async function askServer(io: Io, settings: Settings, withCredential: boolean): Promise<checks.Check[]> {
  let skewMs: number | null = null;
  const client = makeClient(io, settings.url?.value ?? "", withCredential ? settings.key?.value : undefined, {
    retry: RETRY,
    timeoutMs: 10_000,
    onAnswer: ({ date, sentAtMs, receivedAtMs }) => {
      const serverMs = Date.parse(date ?? "");
      // The header names the beginning of a second; on average its middle was meant.
      if (!Number.isNaN(serverMs)) skewMs = serverMs + 500 - (sentAtMs + receivedAtMs) / 2;
    },
  });
  const why = (error: unknown) => describeError(error).message;
  const { signal } = io;
  const reach = await checks.tried("server", "check the address and the network", why, async () => {
    const { status } = await client.health({ signal });
    return {
      name: "server",
      level: status === "ok" ? "ok" : "warn",
      detail: `answers, status ${status}`,
      todo: "ask the operator",
    };
  });
  if (reach[0]?.level === "fail") return reach;
  const results = [...reach, checks.checkClock(skewMs)];
  if (withCredential && settings.key) {
    const todo = "is the key revoked, expired, or of another server?";
    results.push(
      ...(await checks.tried("whoami", todo, why, async () => checks.checkPrincipal(await client.whoami({ signal })))),
    );
  }
  const domainId = settings.domain?.value;
  if (withCredential && domainId) {
    const todo = "moonseal domains list shows the domains of the key";
    results.push(
      ...(await checks.tried("log", todo, why, async () => checks.checkHead(await client.head(domainId, { signal })))),
      ...(await checks.tried("self-check", todo, why, async () =>
        checks.checkHealth(await client.domainHealth(domainId, { signal })),
      )),
    );
  }
  const todo = "ask the operator";
  results.push(
    ...(await checks.tried("residency", todo, why, async () =>
      checks.checkResidency(await client.residency({ signal })),
    )),
  );
  return results;
}

function print(io: Io, results: checks.Check[]): void {
  const paint = painter(io, io.stdout);
  const width = Math.max(...results.map(({ name }) => name.length));
  for (const { name, level, detail, todo } of results) {
    line(io.stdout, `${paint(COLOUR[level], level.padEnd(4))}  ${safeText(name).padEnd(width)}  ${safeText(detail)}`);
    if (level !== "ok" && todo) line(io.stdout, `      ${" ".repeat(width)}  -> ${safeText(todo)}`);
  }
}
