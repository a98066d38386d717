/** What `npm start -- …` understands. */
import { parseArgs } from "node:util";

export const HELP = `npm start [-- options]      starts the gateway and both cells on this machine

  --port N     where to listen (default 8787; the next free port when it is taken)
  --once       start, append and read one event in each jurisdiction, verify, stop
  --fresh      delete the local state, its keys and secrets, and begin anew
  --verbose    show what wrangler prints
  --help       this text
`;

export interface StartOptions {
  port: number;
  once: boolean;
  fresh: boolean;
  verbose: boolean;
  help: boolean;
}

/** Throws with a plain line on anything it does not know. */
export function parseOptions(argv: string[]): StartOptions {
  const { values } = parseArgs({
    args: argv,
    options: {
      port: { type: "string", default: "8787" },
      once: { type: "boolean", default: false },
      fresh: { type: "boolean", default: false },
      verbose: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : 0;
  if (port < 1 || port > 65_535) throw new Error(`--port must be a number from 1 to 65535, not ${values.port}`);
  return { ...values, port };
}
