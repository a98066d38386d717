/** A repository of its own for a test: the committed configurations and migrations, as a git commit. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { vi } from "vitest";
import { committedConfig, REPOSITORY, type WorkerName } from "../../../src/ops/paths.ts";

const CONFIGURATIONS = ["wrangler.toml", "wrangler.eu.toml", "wrangler.us.toml", "migrations"];

export class Deployment {
  readonly folder = mkdtempSync(path.join(tmpdir(), "moonseal-deployment-"));
  /** The repository. */
  readonly root = path.join(this.folder, "repository");
  /** The operator's safe. */
  readonly safe = path.join(this.folder, "safe");

  constructor(...more: string[]) {
    mkdirSync(this.root);
    mkdirSync(this.safe);
    for (const name of [...CONFIGURATIONS, ...more]) {
      cpSync(path.join(REPOSITORY, name), path.join(this.root, name), { recursive: true });
    }
    writeFileSync(path.join(this.root, ".gitignore"), ".wrangler/\nnode_modules\n");
    if (more.length > 0) symlinkSync(path.join(REPOSITORY, "node_modules"), path.join(this.root, "node_modules"));
    this.git("init", "-q");
    this.commit();
  }

  commit(): void {
    this.git("add", "-A");
    this.git("-c", "user.name=t", "-c", "user.email=t@t.example", "commit", "-q", "--allow-empty", "-m", "state");
  }

  git(...args: string[]): string {
    return execFileSync("git", args, { cwd: this.root, encoding: "utf8" });
  }

  config(worker: WorkerName): string {
    return readFileSync(committedConfig(this.root, worker), "utf8");
  }

  edit(worker: WorkerName, change: (toml: string) => string): void {
    writeFileSync(committedConfig(this.root, worker), change(this.config(worker)));
  }

  /** As the operator does once: the log's host name, in both cells. */
  nameLogHost(host = "log.customer.eu"): void {
    for (const worker of ["eu", "us"] as const) {
      this.edit(worker, (toml) => toml.replace(/^LOG_HOST = .*$/m, `LOG_HOST = "${host}"`));
      this.edit(worker, (toml) => toml.replace(/^PUBLIC_ORIGIN = .*$/m, `PUBLIC_ORIGIN = "https://api.customer.eu"`));
      this.edit(worker, (toml) => toml.replace(/^MAIL_FROM = .*$/m, `MAIL_FROM = "no-reply@customer.eu"`));
      this.edit(worker, (toml) => toml.replace(/^TOKEN_AUDIENCE = .*$/m, `TOKEN_AUDIENCE = "https://api.customer.eu"`));
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Everything that goes to the console from here on. */
export function listen(): { text(): string; clear(): void } {
  const lines: string[] = [];
  for (const stream of ["log", "error", "warn"] as const) {
    vi.spyOn(console, stream).mockImplementation((...words: unknown[]) => void lines.push(words.join(" ")));
  }
  return { text: () => lines.join("\n"), clear: () => void lines.splice(0) };
}
