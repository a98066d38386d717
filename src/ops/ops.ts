/** `npm run ops -- <task> …`: what an operator does to one cell. */
import { bookmark } from "./bookmark.ts";
import { copyBucket } from "./copy-bucket.ts";
import { deploy } from "./deploy.ts";
import { drill } from "./drill.ts";
import { escrow } from "./escrow.ts";
import { migrate } from "./migrate.ts";
import { probe } from "./probe.ts";
import { provision } from "./provision.ts";
import { replayErasures } from "./replay-erasures.ts";
import { restore } from "./restore.ts";
import { rotateKey } from "./rotate-key.ts";
import { sql } from "./sql.ts";
import { status } from "./status.ts";

interface Task {
  summary: string;
  /** Resolves to the exit code. */
  run(argv: string[]): Promise<number>;
}

const TASKS: Readonly<Record<string, Task>> = {
  provision: { summary: "make what a cell needs in the account, pinned, and read it back", run: provision },
  migrate: { summary: "bring the databases of a cell to the newest schema", run: migrate },
  deploy: { summary: "deploy both cells and the gateway, when the gate finds nothing against it", run: deploy },
  "rotate-key": { summary: "a new secret for a slot, everything sealed anew, the old one gone", run: rotateKey },
  restore: { summary: "bring a log back out of its archive, and compare it byte for byte", run: restore },
  drill: { summary: "rehearse a restore, and have the cell's status say how it went", run: drill },
  "replay-erasures": { summary: "after a restore: erase again whomever the logs say was erased", run: replayErasures },
  status: { summary: "how full the databases of a cell are, what waits, and how its jobs do", run: status },
  bookmark: { summary: "take down what Time Travel would restore each database of a cell to", run: bookmark },
  probe: { summary: "look at a deployment from elsewhere, and tell its cells what was found", run: probe },
  escrow: { summary: "open an escrow file: verify it, or show one secret", run: escrow },
  "copy-bucket": { summary: "the archive of a local cell as a folder, which verifies and restores", run: copyBucket },
  sql: { summary: "one SQL statement against a local database", run: sql },
};

const HELP = `npm run ops -- <task> --jurisdiction eu|us [--local|--remote]

${Object.entries(TASKS)
  .map(([name, { summary }]) => `  ${name.padEnd(16)} ${summary}`)
  .join("\n")}

npm run ops -- <task> --help says what a task takes.
`;

const [name = "", ...argv] = process.argv.slice(2);
const task = Object.hasOwn(TASKS, name) ? TASKS[name] : undefined;
if (name === "--help" || name === "-h") {
  console.log(HELP);
} else if (!task) {
  console.error(`${name === "" ? "Name a task." : `There is no task ${name}.`}\n\n${HELP}`);
  process.exitCode = 2;
} else {
  process.exitCode = await task.run(argv).catch((error: unknown) => {
    console.error((error as Error).message);
    return 1;
  });
}
