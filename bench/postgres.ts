/** A PostgreSQL of its own for the comparison, as Debian installs it, with nothing turned off; and the server in front of it. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PORT = 54_329;

export type PostgresWork = "bare" | "same";

export interface Postgres {
  version: string;
  url: Record<PostgresWork, string>;
  /** Request number → events stored under it. Throws when a chain is broken. Empties the log: the next run begins anew. */
  takeStored(): Map<string, number>;
  stop(): Promise<void>;
}

/** Null where it is not installed; the reason is printed. */
export async function startPostgres(token: string): Promise<Postgres | null> {
  const bin = newestBin();
  if (!bin || !existsSync(path.join(import.meta.dirname, "node_modules/pg"))) {
    console.log("No comparison with PostgreSQL: it takes Debian's postgresql package and `npm ci --prefix bench`.");
    return null;
  }
  const folder = mkdtempSync(path.join(tmpdir(), "moonseal-bench-postgres-"));
  const owner = postgresUser();
  if (owner) chownSync(folder, owner.uid, owner.gid);
  const cluster = path.join(folder, "cluster");
  execFileSync(path.join(bin, "initdb"), ["-D", cluster, "-U", "bench", "--auth=trust", "-E", "UTF8"], {
    ...owner,
    stdio: "ignore",
  });
  const settings = [`port=${PORT}`, "listen_addresses=", `unix_socket_directories=${folder}`]
    .concat("fsync=on", "synchronous_commit=on", "shared_buffers=512MB", "max_connections=120")
    .flatMap((setting) => ["-c", setting]);
  const server = spawn(path.join(bin, "postgres"), ["-D", cluster, ...settings], { ...owner, stdio: "ignore" });
  const psql = (sql: string, database = "bench") =>
    execFileSync(
      "psql",
      ["-h", folder, "-p", String(PORT), "-U", "bench", "-d", database, "-qAt", "-v", "ON_ERROR_STOP=1"],
      {
        input: sql,
        stdio: ["pipe", "pipe", "pipe"],
        encoding: "utf8",
        maxBuffer: 1 << 30,
      },
    );
  await untilReady(() => psql("CREATE DATABASE bench", "postgres"));
  psql(readFileSync(path.join(import.meta.dirname, "postgres.sql"), "utf8"));
  const front = { bare: await startFront(folder, token, "bare"), same: await startFront(folder, token, "same") };
  // Also when a signal ends this process: miniflare exits at once then.
  const abandon = () => {
    for (const { child } of Object.values(front)) child.kill();
    server.kill("SIGQUIT");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", abandon);
  return {
    version: psql("SHOW server_version").trim(),
    url: { bare: front.bare.url, same: front.same.url },
    takeStored: () => takeStored(psql),
    stop: async () => {
      for (const { child } of Object.values(front)) child.kill();
      server.kill("SIGINT");
      await new Promise((resolve) => server.once("exit", resolve));
      process.removeListener("exit", abandon);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const BROKEN = `SELECT count(*) FROM (SELECT prev_hash, entry_hash, payload,
  lag(entry_hash, 1, decode(repeat('00', 32), 'hex')) OVER (PARTITION BY domain_id ORDER BY seq) AS before FROM audit_log) chained
  WHERE prev_hash <> before OR entry_hash <> digest(prev_hash || convert_to(payload, 'UTF8'), 'sha256')`;

function takeStored(psql: (sql: string) => string): Map<string, number> {
  const broken = psql(BROKEN).trim();
  if (broken !== "0") throw new Error(`PostgreSQL: ${broken} rows break the chain`);
  const lines = psql("SELECT payload::json #>> '{metadata,request}' AS request, count(*) FROM audit_log GROUP BY 1");
  psql("TRUNCATE audit_log, request");
  const counts = lines
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split("|") as [string, string]);
  return new Map(counts.map(([request, events]) => [request, Number(events)]));
}

async function startFront(
  folder: string,
  token: string,
  work: PostgresWork,
): Promise<{ url: string; child: ChildProcess }> {
  const file = path.join(import.meta.dirname, "postgres-server.ts");
  const child = spawn(process.execPath, [file, folder, String(PORT), token, work], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await new Promise((resolve) => child.stdout.once("data", (chunk) => resolve([chunk])))) as [Buffer];
  return { url: `http://127.0.0.1:${Number(String(line))}`, child };
}

async function untilReady(attempt: () => void): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return attempt();
    } catch (error) {
      if (tries === 50) throw error;
      await sleep(200);
    }
  }
}

function newestBin(): string | null {
  const root = "/usr/lib/postgresql";
  const [newest] = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  return newest ? path.join(root, newest, "bin") : null;
}

/** PostgreSQL refuses to run as root. */
function postgresUser(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const [, , uid = "", gid = ""] = /^postgres:.*$/m.exec(readFileSync("/etc/passwd", "utf8"))?.[0].split(":") ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}
