import { describe, expect, it } from "vitest";
import { cellDesk } from "../../durable-objects/gates.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { append, call, env, event, newDomain, newTenant } from "../support/cell.ts";

describe("the status of a cell", () => {
  it("counts what cron saw, and says how much room each shard has", async () => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    for (let i = 0; i < 2; i++)
      await append(
        domainId,
        Array.from({ length: 600 }, () => event()),
        { waitForCopy: true },
      );
    await cellDesk(env, cellConfig(env)).wakeDomains();
    const answer = await call("/v1/status/cell", { key: env.OPERATOR_SECRET });
    expect(answer.status).toBe(200);
    const status = (await answer.json()) as {
      shards: { shard: string; bytes: number; entries_left: number; warning: boolean; days_left: number | null }[];
      domains: number;
      entries: number;
      stopped_domains: string[];
    };
    // The platform's, the tenant's and the client's domain.
    expect(status).toMatchObject({ domains: 3, stopped_domains: [] });
    expect(status.entries).toBeGreaterThan(1200);
    const [shard] = status.shards;
    expect(shard).toMatchObject({ shard: "LEDGER_00", warning: false, days_left: null });
    expect(shard?.entries_left).toBeGreaterThan(1_000_000);
  });

  it("is for the operator: a tenant's key gets 403", async () => {
    const tenant = await newTenant();
    expect((await call("/v1/status/cell", { key: tenant.key })).status).toBe(403);
  });
});
