/** Everything of the outside world that a command may touch, so that tests can hand in another one. */
import type { Fetch } from "../client/index.ts";
import { EXIT } from "../verifier/chain.ts";

export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly columns: number;
  /** The reader went away (EPIPE): whatever is written from now on is lost. */
  readonly closed: boolean;
  /** Resolves when it went away; absent where that cannot be known before something is written. */
  readonly whenClosed?: Promise<void>;
}

export interface Io {
  readonly env: { readonly [name: string]: string | undefined };
  readonly home: string;
  readonly nodeVersion: string;
  /** The system's name, as `linux`. */
  readonly platform: string;
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly fetch: Fetch;
  /** The answer of the person at the terminal; null where there is none to ask. */
  ask(question: string): Promise<string | null>;
  now(): number;
  random(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Exit codes of every command; those of verifying are DESIGN §5. */
export const CODE = {
  ok: EXIT.verified,
  /** Refuted, refused, or not all of it done. */
  failed: EXIT.refuted,
  usage: EXIT.usage,
  /** No answer, or none for this credential. */
  unreachable: EXIT.couldNotCheck,
  interrupted: 130,
} as const;

/** An error whose message is for the person at the terminal, in one line. */
export class CliError extends Error {
  override name = "CliError";
  readonly exitCode: number;

  constructor(message: string, exitCode: number = CODE.usage) {
    super(message);
    this.exitCode = exitCode;
  }
}
