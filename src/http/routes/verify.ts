import { z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";
import type { VerifyRun, VerifyStep } from "../../services/log/verify.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import type { CellApp } from "../environment.ts";
import { declareRoute, mount } from "../route.ts";
import { seqQuery } from "../schemas/query.ts";
import { domainIdSchema, verificationSchema } from "../schemas/resources.ts";
import { invalid } from "../validation.ts";

const verifyLog = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/audit/verify",
  operationId: "verifyLog",
  summary: "Have a range of the log recomputed",
  description: `Recomputes at most ${LIMITS.verifyEntriesPerRequest} entries a request and hands back a cursor for the rest. The verdict is the operator's word about the operator's own copy; \`moonseal verify\` recomputes on your side.`,
  tag: "Verification",
  permission: "log.verify",
  problems: ["storage.unavailable"],
  request: {
    params: z.object({ domainId: domainIdSchema }),
    query: z.object({ from: seqQuery.optional(), to: seqQuery.optional(), cursor: z.string().max(2000).optional() }),
  },
  responses: {
    200: { description: "The verdict so far", content: { "application/json": { schema: verificationSchema } } },
  },
});

export function verifyRoutes(app: CellApp): void {
  mount(app, verifyLog, async (c) => {
    const { domainId } = c.req.valid("param");
    const { from, to, cursor } = c.req.valid("query");
    if (from !== undefined && to !== undefined && from > to) {
      throw invalid([{ pointer: "query:from", detail: "must not be greater than to" }]);
    }
    if (cursor !== undefined && (from !== undefined || to !== undefined)) {
      throw invalid([{ pointer: "query:cursor", detail: "says the range; leave from and to out" }]);
    }
    const keeper = c.get("services").keeper(domainId);
    const call = cursor === undefined ? { from: from ?? 0, to: to ?? null } : { run: readRun(cursor, domainId) };
    const step = await keeper.verify(call);
    if (from !== undefined && from >= step.run.head.size) {
      throw invalid([{ pointer: "query:from", detail: `the log has ${step.run.head.size} entries` }]);
    }
    return c.json(verificationJson(step, domainId), 200, { "Cache-Control": "no-store" });
  });
}

function readRun(cursor: string, domainId: string): VerifyRun {
  return decodeCursor(cursor, "verify", domainId, (state) => {
    const result = runSchema.safeParse(state);
    return result.success ? result.data : null;
  });
}

const size = z.int().min(0);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const runSchema = z.strictObject({
  from: size,
  to: z.int().min(-1),
  head: z.strictObject({ size, entryHash: hash }),
  copiedSize: size,
  nextSeq: size,
  prevHash: hash.nullable(),
  entries: size,
  firstKept: size,
});

function verificationJson({ run, finding, done }: VerifyStep, domainId: string) {
  const verdict = finding ? ("refuted" as const) : done ? ("verified" as const) : ("incomplete" as const);
  const range = Math.max(1, run.to - run.from + 1);
  return {
    domain_id: domainId,
    verdict,
    from: run.from,
    to: Math.max(run.to, 0),
    verified_through: run.nextSeq - 1,
    first_seq: Math.max(run.from, Math.min(run.firstKept, run.to + 1)),
    entries: run.entries,
    progress: done ? 1 : Math.min(1, (run.nextSeq - run.from) / range),
    first_bad_seq: finding?.seq ?? null,
    fault: finding?.fault ?? null,
    detail: finding?.detail ?? null,
    not_checked: notChecked(run),
    next_cursor: done ? null : encodeCursor("verify", domainId, run),
  };
}

function notChecked(run: VerifyRun): string[] {
  return [
    "whether the operator rewrote the whole log: that takes a head that somebody else remembers (moonseal verify keeps one)",
    ...(run.firstKept > run.from
      ? [`what entries ${run.from} to ${Math.min(run.firstKept - 1, run.to)} said: their payloads are gone by policy`]
      : []),
    ...(run.from > 0 ? [`the entries before ${run.from}, and whether they were always these`] : []),
    ...(run.to < run.head.size - 1 ? [`the entries after ${run.to}`] : []),
    "archived copies of entries that are in the queryable copy too",
  ];
}
