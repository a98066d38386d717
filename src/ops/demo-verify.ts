/** Verifying as a stranger would: with the `moonseal` command, in a process of its own, knowing the log's address and a key. */
import { spawn } from "node:child_process";
import path from "node:path";
import { REPOSITORY } from "./paths.ts";

export interface Log {
  url: string;
  domainId: string;
  key: string;
  /** Where this machine remembers the newest head that it verified. */
  headFile: string;
}

export interface Verdict {
  exitCode: number;
  verdict: "verified" | "refuted" | "contradicts_remembered_head";
  finding: { seq: number; fault: string; detail: string } | null;
  entries: number;
  head: { size: number; entry_hash: string };
}

const COMMAND = path.join(REPOSITORY, "src/cli/main.ts");

/** Throws when it could not be checked at all. */
export function verifyOutside({ url, domainId, key, headFile }: Log): Promise<Verdict> {
  const args = [COMMAND, "verify", "--url", url, "--domain", domainId, "--head", headFile, "--json"];
  // Settings of whoever runs the demonstration must not steer it to another log.
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("MOONSEAL_"));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      env: { ...Object.fromEntries(own), MOONSEAL_KEY: key },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      try {
        resolve({ ...JSON.parse(output), exitCode: code ?? 1 });
      } catch {
        reject(new Error(`moonseal verify gave no verdict (exit code ${code}): ${said.trim() || output.trim()}`));
      }
    });
  });
}
