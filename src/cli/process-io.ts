/** The real process as an `Io`. */
import { homedir } from "node:os";
import type { WriteStream } from "node:tty";
import type { Fetch } from "../client/index.ts";
import { sleep } from "../client/retry.ts";
import type { Io, Output } from "./io.ts";
import { askTerminal } from "./terminal.ts";

export function processIo(): Io {
  const interrupt = new AbortController();
  // Once: a second Ctrl-C ends the process at once.
  process.once("SIGINT", () => interrupt.abort(new DOMException("interrupted", "AbortError")));
  return {
    env: process.env,
    home: homedir(),
    nodeVersion: process.versions.node,
    platform: process.platform,
    stdin: process.stdin,
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    signal: interrupt.signal,
    fetch: fetch as unknown as Fetch,
    ask: (question) => askTerminal(question, interrupt.signal),
    now: Date.now,
    random: Math.random,
    sleep,
  };
}

/**
 * A reader that goes away (`| head`) ends the writing, not the command: a verification still ends with its own exit code.
 */
function output(stream: WriteStream): Output {
  let closed = false;
  const gone = Promise.withResolvers<void>();
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    closed = true;
    gone.resolve();
  });
  return {
    write: (text) => {
      if (!closed) stream.write(text);
    },
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns ?? 80;
    },
    get closed() {
      return closed;
    },
    whenClosed: gone.promise,
  };
}
