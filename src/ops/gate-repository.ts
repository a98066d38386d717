/** The part of the gate that looks at this folder: what is deployed is a commit, and no secret lies in it. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { type Refusal, refusal } from "./gate.ts";
import { findSecrets, SECRET_FILE } from "./secret-scan.ts";

/** Larger files are no source. */
const SCANNED_BYTES = 1024 * 1024;
/** Published vectors: made of counted bytes, they open nothing. */
const PUBLISHED = "test/vectors/api-key.json";
/** wrangler gives these to every Worker of the folder. */
const DEV_FILES = [".dev.vars", ".dev.vars.local", ".env", ".env.local"];
const DAY_MS = 24 * 60 * 60 * 1000;
/** workerd takes dates up to a week after its own version. */
const DATES_AHEAD_DAYS = 7;

export interface Commit {
  /** Twelve hexadecimal digits; null outside of a repository. */
  id: string | null;
  refusals: Refusal[];
}

export function repositoryRefusals(root: string, env: NodeJS.ProcessEnv = process.env): Commit {
  const refusals = [...devFileRefusals(root), ...globalKeyRefusals(env)];
  const id = git(root, "rev-parse", "--short=12", "HEAD")?.trim() ?? null;
  const status = git(root, "status", "--porcelain");
  const tracked = git(root, "ls-files", "-z");
  if (id === null || status === null || tracked === null) {
    return { id: null, refusals: [...refusals, refusal("REPOSITORY_UNKNOWN", `${root} has no commit`)] };
  }
  const changed = status.split("\n").filter((line) => line !== "");
  if (changed.length > 0) {
    refusals.push(
      refusal("REPOSITORY_DIRTY", `${changed.length} files differ from commit ${id}, first ${changed[0]?.trim()}`),
    );
  }
  return { id, refusals: [...refusals, ...secretRefusals(root, tracked.split("\0").filter(Boolean))] };
}

/** The newest compatibility date that the installed runtime takes. */
export function newestCompatibilityDate(packageFolder: string): string {
  const { version } = JSON.parse(readFileSync(path.join(packageFolder, "package.json"), "utf8")) as { version: string };
  const [, year, month, day] = /^1\.(\d{4})(\d\d)(\d\d)\./.exec(version) ?? [];
  const built = Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  return new Date(built + DATES_AHEAD_DAYS * DAY_MS).toISOString().slice(0, 10);
}

function devFileRefusals(root: string): Refusal[] {
  return DEV_FILES.filter((name) => existsSync(path.join(root, name))).map((name) =>
    refusal("SECRET_IN_REPOSITORY", `${name} lies beside the configurations`),
  );
}

/** S2-31: tokens are scoped; the account's global key is not. */
function globalKeyRefusals(env: NodeJS.ProcessEnv): Refusal[] {
  const names = ["CLOUDFLARE", "CF"].flatMap((prefix) => [`${prefix}_API_KEY`, `${prefix}_EMAIL`]);
  return names.filter((name) => env[name]).map((name) => refusal("GLOBAL_KEY", `${name} is set`));
}

function secretRefusals(root: string, files: readonly string[]): Refusal[] {
  const readable = files.filter((file) => {
    const stat = statSync(path.join(root, file), { throwIfNoEntry: false });
    return stat?.isFile() === true && stat.size <= SCANNED_BYTES;
  });
  const secretsIn = (file: string) => findSecrets(readFileSync(path.join(root, file), "latin1"));
  const published = new Set(readable.includes(PUBLISHED) ? secretsIn(PUBLISHED) : []);
  const named = files.filter((file) => SECRET_FILE.test(file));
  const holding = readable.filter((file) => secretsIn(file).some((secret) => !published.has(secret)));
  return [...new Set([...named, ...holding])].map((file) => refusal("SECRET_IN_REPOSITORY", `${file} is committed`));
}

function git(root: string, ...args: string[]): string | null {
  try {
    return execFileSync("git", args, {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 1 << 26,
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch {
    return null;
  }
}
