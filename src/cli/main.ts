/** Entry point of the `moonseal` command: wires the process to `run`. */
import { processIo } from "./process-io.ts";
import { run } from "./run.ts";

process.exitCode = await run(process.argv.slice(2), processIo());
