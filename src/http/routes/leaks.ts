/** Keys that were found where they do not belong: how they are spelled, and where to say so. */
import { z } from "@hono/zod-openapi";
import { PUBLIC } from "../../services/permissions.ts";
import { rightKey } from "../../services/tenancy/keys.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp } from "../environment.ts";
import { keyFormatDocument } from "../key-format.ts";
import { limitAskers } from "../rate-limit.ts";
import { declareRoute, mount } from "../route.ts";
import { keyFormatSchema, leakSchema } from "../schemas/keys.ts";

const TAG = "API keys";

const readKeyFormat = declareRoute({
  method: "get",
  path: "/v1/key-format",
  operationId: "readKeyFormat",
  summary: "How API keys are spelled, for secret scanners",
  tag: TAG,
  permission: PUBLIC,
  responses: { 200: { description: "The patterns", content: { "application/json": { schema: keyFormatSchema } } } },
});

const reportLeak = declareRoute({
  method: "post",
  path: "/v1/leaks",
  operationId: "reportLeak",
  summary: "Report an API key that was found where it does not belong",
  description:
    "A key that works is revoked at once, and its tenant's log tells of it (`api_key.leaked`). The answer is the same for any key: it says that the report was taken, not what became of it.",
  tag: TAG,
  permission: PUBLIC,
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "rate.limited",
    "storage.unavailable",
    "internal",
  ],
  before: [limitAskers("leaks"), strictJsonBody],
  request: { body: { required: true, content: { "application/json": { schema: leakSchema } } } },
  responses: {
    200: {
      description: "The report was taken",
      content: { "application/json": { schema: z.object({ received: z.literal(true) }) } },
    },
  },
});

export function leakRoutes(app: CellApp): void {
  mount(app, readKeyFormat, (c) => c.json(keyFormatDocument(), 200, { "Cache-Control": "public, max-age=300" }));

  mount(app, reportLeak, async (c) => {
    const { config, key, clock, desk } = c.get("services");
    const { key: found, url } = c.req.valid("json");
    const record = await rightKey(found, config.jurisdiction, config.apiKeyPepper, key, clock());
    // Who holds a right key learns from the time this takes no more than by using it.
    if (record) await desk(record.tenantId).keyLeaked(record.id, url === undefined ? null : new URL(url).hostname);
    return c.json({ received: true as const }, 200, { "Cache-Control": "no-store" });
  });
}
