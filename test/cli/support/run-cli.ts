/** Runs the command: in this process with everything injected, or as a child process the way a user starts it. */
import { spawn } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Io, Output } from "../../../src/cli/io.ts";
import { run } from "../../../src/cli/run.ts";
import type { Fetch } from "../../../src/client/index.ts";

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

export class TextOutput implements Output {
  text = "";
  isTTY = false;
  columns = 100;
  closed = false;
  write(text: string): void {
    this.text += text;
  }
}

export interface FakeIo extends Io {
  stdout: TextOutput;
  stderr: TextOutput;
  slept: number[];
}

export const tempDir = () => mkdtemp(join(tmpdir(), "moonseal-cli-"));

/** Time passes only while something sleeps. */
export function fakeIo(home: string, env: { [name: string]: string } = {}, more: Partial<Io> = {}): FakeIo {
  let nowMs = Date.parse("2026-11-21T10:00:00.000Z");
  const slept: number[] = [];
  return {
    env,
    home,
    nodeVersion: process.versions.node,
    platform: "linux",
    stdin: (async function* () {})(),
    stdout: new TextOutput(),
    stderr: new TextOutput(),
    signal: new AbortController().signal,
    fetch: fetch as unknown as Fetch,
    ask: async () => null,
    now: () => nowMs,
    random: () => 0.5,
    sleep: async (ms) => {
      slept.push(ms);
      nowMs += ms;
    },
    slept,
    ...more,
  } as FakeIo;
}

export async function runCli(argv: string[], io: FakeIo): Promise<CliResult> {
  const code = await run(argv, io);
  return { code, stdout: io.stdout.text, stderr: io.stderr.text };
}

const BIN = fileURLToPath(new URL("../../../src/cli/bin.mjs", import.meta.url).href);

/** `closeStdout`: the reader goes away before the first byte, as `| head -0` does. */
export function spawnCli(
  argv: string[],
  env: { [name: string]: string },
  { input, closeStdout = false }: { input?: string; closeStdout?: boolean } = {},
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...argv], { env: { PATH: process.env.PATH ?? "", ...env } });
    let stdout = "";
    let stderr = "";
    if (closeStdout) child.stdout.destroy();
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, stdout, stderr }));
    child.stdin.end(input);
  });
}
