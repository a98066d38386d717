/** Evidence for many entries, as one file (SPEC.md §13). */
import { z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";
import type { WantedSet } from "../../services/log/evidence-set.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp } from "../environment.ts";
import { declareRoute, mount } from "../route.ts";
import { evidenceSetSchema } from "../schemas/evidence.ts";
import { domainIdSchema } from "../schemas/resources.ts";
import { invalid } from "../validation.ts";

const TEXT = "text/plain; charset=utf-8";

const makeEvidenceSet = declareRoute({
  method: "post",
  path: "/v1/domains/{domainId}/audit/evidence",
  operationId: "makeEvidenceSet",
  summary: "One file that proves many entries offline",
  description: `Of a \`range\`: every entry from one seq to another, provably complete. Of a \`selection\`: these entries are in the log; nothing is said about others. At most ${LIMITS.evidenceSetEntries} entries; for more, \`GET …/audit/bundle\`. Nothing is written: the same question may be asked again.`,
  tag: "Proofs",
  permission: "entry.read",
  problems: [
    "entry.expired",
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "limit.reached",
    "storage.unavailable",
    "log.unsigned",
  ],
  before: [strictJsonBody],
  request: {
    params: z.object({ domainId: domainIdSchema }),
    body: { required: true, content: { "application/json": { schema: evidenceSetSchema } } },
  },
  responses: {
    200: {
      description: "The evidence set; `moonseal verify FILE` checks it",
      content: { [TEXT]: { schema: z.string() } },
    },
  },
});

export function evidenceSetRoutes(app: CellApp): void {
  mount(app, makeEvidenceSet, async (c) => {
    const { domainId } = c.req.valid("param");
    const wanted = wantedOf(c.req.valid("json"));
    const text = await c.get("services").keeper(domainId).evidenceSet(wanted);
    const name = wanted.kind === "range" ? `${wanted.from}-${wanted.to}` : `${wanted.seqs.length}-selected`;
    return c.text(text, 200, {
      "Content-Type": TEXT,
      "Content-Disposition": `attachment; filename="${domainId}-${name}.evidence-set"`,
      "Cache-Control": "no-store",
    });
  });
}

function wantedOf({ range, selection }: z.output<typeof evidenceSetSchema>): WantedSet {
  if ((range === undefined) === (selection === undefined)) {
    throw invalid([{ pointer: "", detail: "must have either range or selection" }]);
  }
  if (range) {
    if (range.from > range.to) throw invalid([{ pointer: "/range/from", detail: "must not be greater than to" }]);
    return { kind: "range", ...range };
  }
  const seqs = [...new Set(selection)].sort((a, b) => a - b);
  return { kind: "selection", seqs };
}
