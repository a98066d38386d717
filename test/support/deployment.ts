/** The three Workers of a deployment together, from the committed configurations, on this machine. Runs in Node. */
import path from "node:path";
import { createTestHarness } from "wrangler";
import type { Jurisdiction } from "../../src/core/ids.ts";
import type { CellEnv } from "../../src/env.ts";
import { CELL_SECRETS } from "../../src/ops/secrets.ts";
import { testBindings } from "./bindings.ts";

type CellModule = typeof import("../../src/cell.ts");

/** `vars` replaces settings of the cells. */
export function deployment(vars: Partial<Record<Jurisdiction, Record<string, string>>> = {}) {
  const cell = (jurisdiction: Jurisdiction) => {
    const settings: Record<string, string> = { ...testBindings(jurisdiction), ...vars[jurisdiction] };
    const secrets = Object.fromEntries(CELL_SECRETS.map((name) => [name, settings[name] ?? ""]));
    const plain = Object.fromEntries(Object.entries(settings).filter(([name]) => !(name in secrets)));
    return { configPath: `./wrangler.${jurisdiction}.toml`, vars: plain, secrets };
  };
  const server = createTestHarness({
    root: path.join(import.meta.dirname, "../.."),
    workers: [{ configPath: "./wrangler.toml" }, cell("eu"), cell("us")],
  });
  const cells = {
    eu: server.getWorker<CellEnv, CellModule>("moonseal-cell-eu"),
    us: server.getWorker<CellEnv, CellModule>("moonseal-cell-us"),
  };
  return {
    server,
    cells,
    async start() {
      await server.listen();
      for (const worker of Object.values(cells)) {
        await worker.applyD1Migrations("CONTROL");
        await worker.applyD1Migrations("LEDGER_00");
      }
    },
    stop: () => server.close(),
    /** One request through the gateway. */
    async ask(address: string, options: { key?: string; body?: unknown; method?: string } = {}): Promise<Response> {
      const { key, body, method } = options;
      const answer = await server.fetch(address, {
        method: method ?? (body === undefined ? "GET" : "POST"),
        headers: {
          ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return answer as unknown as Response;
    },
  };
}

export type Deployment = ReturnType<typeof deployment>;
