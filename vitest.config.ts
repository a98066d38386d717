import path from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { testBindings } from "./test/support/bindings.ts";

const root = import.meta.dirname;
const migrations = {
  CONTROL: await readD1Migrations(path.join(root, "migrations/control")),
  LEDGER_00: await readD1Migrations(path.join(root, "migrations/ledger")),
};

/** Of test/http/fuzz.cell.test.ts, which can look longer than the suite has time for. */
const fuzz = { FUZZ_RUNS: process.env.FUZZ_RUNS ?? "", FUZZ_SEED: process.env.FUZZ_SEED ?? "" };

/** Entries a month of test/durable-objects/seven-years.test.ts; `npm run seven-years` sets it. */
const years = { SEVEN_YEARS: process.env.SEVEN_YEARS ?? "" };

/** What touches the platform runs in workerd, once in each cell's configuration. */
const cell = (jurisdiction: "eu" | "us", include: string[]) => ({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: `./wrangler.${jurisdiction}.toml` },
      miniflare: {
        bindings: { ...testBindings(jurisdiction), TEST_MIGRATIONS: migrations, ...fuzz, ...years },
        // A second shard, for the tests of domains that go on in another one.
        d1Databases: { LEDGER_01: `local-moonseal-ledger-01-${jurisdiction}` },
      },
    }),
  ],
  test: { name: `cell-${jurisdiction}`, include, setupFiles: ["./test/support/cell-setup.ts"], testTimeout: 30_000 },
});

const IN_WORKERD = ["test/durable-objects/**/*.test.ts", "test/storage/**/*.test.ts", "test/http/**/*.cell.test.ts"];

const IN_PROCESSES = ["integration", "evil", "storm"].map((folder) => `test/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    // The product logs the faults that tests inject; they are shown for tests that fail.
    silent: "passed-only",
    // An object whose alarm comes while the file's last test is over loads its module from a runner that is closing. Only that is let pass.
    onUnhandledError: ({ name, message }) =>
      !(name === "EnvironmentTeardownError" && message.includes('Closing rpc while "resolve" was pending')),
    projects: [
      cell("eu", IN_WORKERD),
      // The same code in the other cell: the log alone is enough to show it.
      cell("us", ["test/durable-objects/append.test.ts"]),
      {
        test: {
          name: "node",
          environment: "node",
          include: ["test/**/*.test.ts"],
          exclude: [...IN_WORKERD, ...IN_PROCESSES],
          testTimeout: 30_000,
        },
      },
      {
        // The gateway and both cells together, driven over HTTP; and cells that are killed and whose files are changed.
        test: {
          name: "integration",
          environment: "node",
          include: IN_PROCESSES,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
