#!/usr/bin/env node
// Plain JavaScript that any Node can read: the command itself is TypeScript, which Node runs as it is from 22.18 on.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const runsTypeScript = major > 22 || (major === 22 && minor >= 18);
const main = new URL("./main.ts", import.meta.url);
const ownNode = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url));

if (runsTypeScript) {
  await import(main.href);
} else if (process.env.MOONSEAL_REEXECUTED !== "1" && existsSync(ownNode)) {
  const child = spawn(ownNode, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
    // So that a package `node` that is itself too old ends in the message below and not in a loop.
    env: { ...process.env, MOONSEAL_REEXECUTED: "1" },
  });
  // The child decides how to end. A terminal sends Ctrl-C to both: passed on as well, it would be a second one, which kills.
  const onTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !onTerminal) child.kill(signal);
    });
  }
  child.on("error", (error) => fail(`could not start ${ownNode}: ${error.message}`));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal ? 128 : 1);
  });
} else {
  fail(
    `Node 22.18 or newer is needed; this is ${process.versions.node}. Run npm ci in the repository, or install a newer Node.`,
  );
}

function fail(message) {
  process.stderr.write(`moonseal: ${message}\n`);
  process.exitCode = 2;
}
