/** `npm run ops -- <task> …`: what an operator does to one cell. */
import { migrate } from "./migrate.ts";
import { sql } from "./sql.ts";

interface Task {
  summary: string;
  /** Resolves to the exit code. */
  run(argv: string[]): Promise<number>;
}

const TASKS: Readonly<Record<string, Task>> = {
  migrate: { summary: "bring the databases of a cell to the newest schema", run: migrate },
  sql: { summary: "one SQL statement against a local database", run: sql },
};

const HELP = `npm run ops -- <task> --jurisdiction eu|us [--local|--remote]

${Object.entries(TASKS)
  .map(([name, { summary }]) => `  ${name.padEnd(14)} ${summary}`)
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
