/** Export bundles: a range of the log with everything that verifies it in ten years (SPEC.md §14). */
import { z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";
import type { CellApp } from "../environment.ts";
import { needsFeature } from "../feature.ts";
import { declareRoute, mount } from "../route.ts";
import { seqQuery } from "../schemas/query.ts";
import { domainIdSchema } from "../schemas/resources.ts";
import { invalid } from "../validation.ts";

const TAR = "application/x-tar";

const readBundle = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/audit/bundle",
  operationId: "readBundle",
  summary: "Export entries as one archive that verifies itself",
  description: `A tar archive of the entries, the proof that they are complete, the signed checkpoint, and the script that verifies them with any Node from 20 on: \`tar xf BUNDLE.tar && node verify.mjs --key KEY\`. At most ${LIMITS.bundleEntries} entries. It is streamed: an answer that breaks off has no signed manifest at its end, and no verifier takes it.`,
  tag: "Proofs",
  permission: "entry.read",
  problems: ["tier.required", "limit.reached", "entry.expired", "storage.unavailable", "log.unsigned"],
  before: [needsFeature("exports")],
  request: {
    params: z.object({ domainId: domainIdSchema }),
    query: z.object({
      from: seqQuery.optional().openapi({ description: "First seq. Default 0" }),
      to: seqQuery.optional().openapi({ description: "Last seq. Default: the newest entry" }),
    }),
  },
  responses: {
    200: { description: "The archive", content: { [TAR]: { schema: z.string().openapi({ format: "binary" }) } } },
  },
});

export function bundleRoutes(app: CellApp): void {
  mount(app, readBundle, async (c) => {
    const { domainId } = c.req.valid("param");
    const { from = 0, to = null } = c.req.valid("query");
    if (to !== null && from > to) throw invalid([{ pointer: "query:from", detail: "must not be greater than to" }]);
    const bundle = await c.get("services").keeper(domainId).bundle({ from, to });
    return c.body(bundle.body, 200, {
      "Content-Type": TAR,
      "Content-Disposition": `attachment; filename="${domainId}-${bundle.from}-${bundle.to}.tar"`,
      "Cache-Control": "no-store",
    });
  });
}
