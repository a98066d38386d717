/** The checks of `moonseal doctor`. Each says how it is and, when it is not well, what to do. */
import type { DomainHealth, Head, Principal, Residency } from "../../client/index.ts";
import { parseApiKey, parseOperatorSecret } from "../../core/api-key.ts";
import { parseId } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { credentialJurisdiction, isServerUrl, type Settings } from "../connection.ts";
import { readToken } from "../session-token.ts";
import { maskKey, relative, safeText } from "../text.ts";

export interface Check {
  name: string;
  level: "ok" | "warn" | "fail";
  detail: string;
  /** What to do. */
  todo?: string;
}

const ok = (name: string, detail: string): Check => ({ name, level: "ok", detail });
const warn = (name: string, detail: string, todo: string): Check => ({ name, level: "warn", detail, todo });
const fail = (name: string, detail: string, todo: string): Check => ({ name, level: "fail", detail, todo });

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const good = major > 22 || (major === 22 && minor >= 18);
  return good ? ok("node", version) : fail("node", `${version} is too old`, "install Node 22.18 or newer");
}

/** `mode`: permission bits of the configuration, `null` without one. */
export function checkConfigFile(path: string, mode: number | null): Check {
  if (mode === null) return ok("config", `${path} does not exist; flags and environment are used`);
  if ((mode & 0o077) === 0) return ok("config", `${path} is readable by its owner only`);
  return fail("config", `${path} can be read by others (mode ${mode.toString(8)})`, `chmod 600 ${path}`);
}

export function checkUrl({ url }: Settings): Check {
  if (!url) return fail("url", "no server is named", "set MOONSEAL_URL or add a profile");
  if (!isServerUrl(url.value)) return fail("url", `the address from ${url.source} is not usable`, "use https://host");
  const { protocol, hostname } = new URL(url.value);
  const local = /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(hostname) || hostname.endsWith(".localhost");
  if (protocol === "https:" || local) return ok("url", `${url.value} (${url.source})`);
  return warn("url", `${url.value} is not encrypted: the key can be read on the way`, "use https://");
}

export function checkKey({ key }: Settings, nowMs: number): Check {
  if (!key) return fail("key", "no API key is given", "sign in with moonseal login, set MOONSEAL_KEY or add a profile");
  const shown = `${maskKey(key.value)} (${key.source})`;
  if (parseApiKey(key.value)) return ok("key", `${shown}, form and checksum are right`);
  if (parseOperatorSecret(key.value))
    return warn("key", `${shown} is an operator's secret`, "use an API key of a tenant");
  const token = readToken(key.value);
  if (token && token.expiresAtMs <= nowMs) return fail("key", `${key.source} is over`, "sign in again: moonseal login");
  if (token) return ok("key", `${key.source}, ends ${relative(token.expiresAtMs, nowMs)}`);
  return fail("key", `${shown} is mistyped or incomplete`, "copy the key again");
}

export function checkJurisdiction({ key, domain }: Settings): Check {
  if (!domain) return warn("domain", "no domain is named", "set MOONSEAL_DOMAIN; moonseal domains list shows them");
  const id = parseId(domain.value);
  if (id?.kind !== "domain") return fail("domain", `the value from ${domain.source} is no domain id`, "copy it again");
  const ofKey = key && credentialJurisdiction(key.value);
  if (!ofKey || ofKey === id.jurisdiction) return ok("domain", `${domain.value} (${domain.source})`);
  return fail(
    "domain",
    `the key is for ${ofKey}, the domain is in ${id.jurisdiction}`,
    `use a key that begins with msk_${id.jurisdiction}_`,
  );
}

export function checkPrincipal({ permissions, tenant_id, jurisdiction }: Principal): Check[] {
  const wanted = ["entry.append", "entry.read", "domain.read", "log.verify"] as const;
  const missing = wanted.filter((permission) => !permissions.includes(permission));
  const who = ok("whoami", `${tenant_id ?? "no tenant"} in ${jurisdiction}`);
  const list = permissions.join(", ");
  if (missing.length === 0) return [who, ok("permissions", list)];
  return [
    who,
    warn("permissions", `${list || "none"}; without ${missing.join(", ")}`, "ask for a key that holds what you need"),
  ];
}

/** `skewMs`: the server's clock minus this one. */
export function checkClock(skewMs: number | null): Check {
  if (skewMs === null) return warn("clock", "the server sends no Date", "check the clock yourself");
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const detail = `${seconds} s ${skewMs >= 0 ? "behind" : "ahead of"} the server's`;
  if (-skewMs > LIMITS.clockSkewMs) {
    return fail(
      "clock",
      `this clock is ${detail}: its events would be refused as coming from the future`,
      "set the clock",
    );
  }
  // A Date header counts whole seconds.
  return seconds > 5 ? warn("clock", `this clock is ${detail}`, "synchronise the clock (NTP)") : ok("clock", detail);
}

export function checkHead(head: Head): Check[] {
  const size = ok("log", `${head.size} entries, the last one recorded at ${head.recorded_at}`);
  const state =
    head.status === "running"
      ? ok("status", "running")
      : fail("status", `stopped: ${head.stopped_reason}`, "the operator must look; reading and verifying go on");
  const waiting = `${head.backlog_entries} entries (${head.backlog_bytes} bytes) wait for the database or the archive`;
  const backlog =
    head.backlog_bytes > LIMITS.backlogBytes / 2
      ? warn("backlog", waiting, `appends stop at ${LIMITS.backlogBytes} bytes; the operator must look`)
      : ok("backlog", waiting);
  return [size, state, backlog];
}

type HealthCheck = DomainHealth["checks"][number];

/** `bad: ledger entry_hash_mismatch at entry 17`; the words are the server's, so they are untrusted. */
export function checkText({ state, findings }: Pick<HealthCheck, "state" | "findings">): string {
  const words = findings.map(
    ({ store, fault, first_bad_seq: seq }) => `${store} ${safeText(fault)}${seq === null ? "" : ` at entry ${seq}`}`,
  );
  return words.length === 0 ? state : `${state}: ${words.join(", ")}`;
}

/** What the server has found in its own stores. */
export function checkHealth({ state, checks, last_run: run }: DomainHealth): Check {
  const name = "self-check";
  const of = (wanted: HealthCheck["state"]) => checks.filter((check) => check.state === wanted);
  if (state === "ok") return ok(name, `the server found its stores whole at ${run?.ended_at ?? "no time"}`);
  const todo = "moonseal health shows all of it; the operator must look";
  if (state === "bad")
    return fail(
      name,
      of("bad")
        .map((check) => `${check.name} ${checkText(check)}`)
        .join("; "),
      todo,
    );
  const unknown = of("unknown").map((check) => check.name);
  return warn(name, run ? `not looked at: ${unknown.join(", ")}` : "the server has not looked yet", todo);
}

export function checkResidency({ cells }: Residency): Check[] {
  return cells.map((cell) => {
    const stores = { ...cell.databases, ...cell.buckets, "durable objects": cell.durable_objects };
    const elsewhere = Object.entries(stores).filter(([, { observed }]) => observed !== cell.jurisdiction);
    const name = `residency ${cell.jurisdiction}`;
    if (elsewhere.length === 0) return ok(name, `all stores were observed in ${cell.jurisdiction}`);
    const seen = elsewhere.map(([store, { observed }]) => `${store}: ${observed}`).join(", ");
    const local = elsewhere.every(([, { observed }]) => observed === "unpinned local");
    return local
      ? warn(name, "unpinned local: a local run keeps its data on this machine", "nothing, on a developer's machine")
      : fail(name, seen, "the operator must look before personal data is sent");
  });
}

/** Calls `probe`; a failure becomes one failed check. */
export async function tried(
  name: string,
  todo: string,
  describe: (error: unknown) => string,
  probe: () => Promise<Check | Check[]>,
): Promise<Check[]> {
  try {
    return [await probe()].flat();
  } catch (error) {
    return [fail(name, describe(error), todo)];
  }
}
