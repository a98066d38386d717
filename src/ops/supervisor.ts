/**
 * Keeps one Node program (`wrangler dev`) running for exactly as long as its parent lives:
 * `node supervisor.ts <log> <quiet|verbose> <program> <args…>`.
 *
 * wrangler starts helpers of its own, and ending wrangler alone leaves them behind. So wrangler leads a process group, and
 * the whole group ends when this process's input closes. It closes when the parent asks for it and also when the parent is
 * killed: nothing is left to hold the port or the databases. First line of the output: the program's process id.
 */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { signalGroup } from "./processes.ts";

const GRACE_MS = 5000;
const [log = "", noise, ...command] = process.argv.slice(2);

const output = createWriteStream(log, { mode: 0o600 });
const wrangler = spawn(process.execPath, command, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
const group = wrangler.pid;
for (const stream of [wrangler.stdout, wrangler.stderr]) {
  stream.on("data", (chunk: Buffer) => {
    output.write(chunk);
    if (noise === "verbose") process.stderr.write(chunk);
  });
}
wrangler.once("exit", (code) => {
  if (group) signalGroup(group, "SIGKILL");
  output.end(() => process.exit(code ?? 1));
});
wrangler.once("error", (error) => output.end(`${error.message}\n`, () => process.exit(1)));

// Ctrl-C reaches every process of the terminal: the parent decides, by closing the input.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});
process.stdout.write(`${group ?? 0}\n`);

process.stdin.resume();
process.stdin.once("close", () => {
  if (!group) return;
  signalGroup(group, "SIGTERM");
  setTimeout(() => signalGroup(group, "SIGKILL"), GRACE_MS).unref();
});
