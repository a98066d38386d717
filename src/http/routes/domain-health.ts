import { z } from "@hono/zod-openapi";
import { settingsOf } from "../../core/domain-settings.ts";
import type { CellApp } from "../environment.ts";
import { declareRoute, mount } from "../route.ts";
import { healthSchema } from "../schemas/health.ts";
import { domainIdSchema } from "../schemas/resources.ts";

const readHealth = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/health",
  operationId: "readDomainHealth",
  summary: "What the domain's self-check has found",
  description:
    "The domain's stores are compared with each other by alarm, every hour unless the operator says otherwise: what grew, and a sample of the past. The operator's own word about the operator's own stores: whoever trusts neither runs `moonseal verify` and `moonseal monitor`.",
  tag: "Domains",
  permission: "domain.read",
  problems: ["residency.unknown", "storage.unavailable"],
  request: { params: z.object({ domainId: domainIdSchema }) },
  responses: { 200: { description: "The health", content: { "application/json": { schema: healthSchema } } } },
});

export function domainHealthRoutes(app: CellApp): void {
  mount(app, readHealth, async (c) => {
    const { domainId } = c.req.valid("param");
    const { keeper, control } = c.get("services");
    const { stoppedReason, checks, lastRun, ...health } = await keeper(domainId).health();
    // As it is now, not as it was ten seconds ago.
    const domain = (await control.domain(domainId)) ?? c.get("domain");
    return c.json(
      {
        domain_id: domainId,
        state: health.state,
        status: stoppedReason === null ? ("running" as const) : ("stopped" as const),
        stopped_reason: stoppedReason,
        on_violation: settingsOf(domain).on_violation,
        checks: checks.map(({ name, says, state, since, note, ...check }) => ({
          ...{ name, says, state, since, last_run_at: check.lastRunAt, note },
          findings: check.findings.map(({ store, fault, seq }) => ({ store, fault, first_bad_seq: seq })),
          verified_to: check.verifiedTo,
          sample_size: check.sampleSize,
          lag: check.lag,
        })),
        last_run: lastRun && {
          started_at: lastRun.startedAt,
          ended_at: lastRun.endedAt,
          read: {
            ledger: read(lastRun.read.ledger),
            archive: read(lastRun.read.archive),
            mirror: read(lastRun.read.mirror),
          },
        },
        next_run_at: health.nextRunAt,
        unrecorded: health.unrecorded,
      },
      200,
      { "Cache-Control": "no-store" },
    );
  });
}

const read = ({ entries, tookMs }: { entries: number; tookMs: number }) => ({ entries, took_ms: tookMs });
