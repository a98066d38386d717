import { z } from "@hono/zod-openapi";
import { PUBLIC } from "../../services/permissions.ts";
import { CLAIM_KINDS, CLAIM_RESULTS, CLAIM_STATUSES, claimsDocument } from "../claims.ts";
import type { CellApp } from "../environment.ts";
import { declareRoute, mount } from "../route.ts";

const status = z.enum(CLAIM_STATUSES).openapi({
  description:
    "tested: tests carry it. in_part: they do, and `missing` says what they leave out. missing: no test carries it",
});
const missing = z.string().nullable().openapi({ description: "What no test shows, or why there is none" });
const result = z.enum(CLAIM_RESULTS).openapi({
  description: "Of its tests in the run. incomplete: some passed, and others did not run where that run was",
});
const tests = z.array(
  z.object({
    file: z.string().openapi({ example: "test/durable-objects/append.test.ts" }),
    title: z.string().openapi({ example: "order > S2-19 200 parallel appends give 200 consecutive seqs" }),
    result: z.enum(["passed", "failed", "skipped", "absent", "not run here"]).openapi({
      description: "skipped: it said why it cannot run there. absent: that run had no such test",
    }),
  }),
);

const claim = z
  .object({
    id: z.string().openapi({ example: "S2-19", description: "The document, and the number in it" }),
    kind: z.enum(CLAIM_KINDS).openapi({
      description: "core: built here. adapt: true in another form, which the text says. org: an organisation's promise",
    }),
    says: z.string().openapi({ example: "200 parallel appends make one chain.", description: "Markdown, one line" }),
    status,
    missing,
    result,
    tests,
  })
  .openapi("Claim");

const matrixRow = z
  .object({
    id: z.string().openapi({ example: "17" }),
    subject: z.string().openapi({ example: "Art. 17, erasure" }),
    asks: z.string().openapi({ example: "Personal data are erased on request.", description: "What has to hold" }),
    here: z.string().openapi({ example: "The person's key is destroyed.", description: "How this product does it" }),
    status,
    missing,
    result,
    code: z
      .array(z.string().openapi({ example: "src/services/erasure" }))
      .openapi({ description: "Files and folders of the sources" }),
    tests,
  })
  .openapi("ClaimMatrixRow");

const claims = z
  .object({
    run: z
      .object({
        ran_at: z.string().openapi({ format: "date-time" }),
        commit: z.string().nullable(),
        clean: z.boolean().openapi({ description: "Whether nothing was changed since that commit" }),
        passed: z.int(),
        failed: z.int(),
        skipped: z.int(),
      })
      .nullable()
      .openapi({ description: "The run that the results are of; null: none was recorded for these sources" }),
    counts: z.object({
      claims: z.int(),
      tested: z.int(),
      in_part: z.int(),
      missing: z.int(),
      passed: z.int().openapi({ description: "Claims whose tests all ran and passed" }),
    }),
    documents: z.array(
      z.object({
        id: z.string().openapi({ example: "S2" }),
        title: z.string().openapi({ example: "MoonFactory security posture" }),
      }),
    ),
    claims: z.array(claim),
    retention_matrix: z.array(matrixRow),
    gdpr_matrix: z.array(matrixRow),
  })
  .openapi("Claims");

const readClaims = declareRoute({
  method: "get",
  path: "/v1/claims",
  operationId: "readClaims",
  summary: "Everything that was promised, with the tests that show it and what is missing",
  description:
    "Every requirement of docs/requirements.md; the retention matrix; articles of the GDPR. Evidence for an assessment, no certificate and no legal opinion.",
  tag: "Deployment",
  permission: PUBLIC,
  responses: { 200: { description: "The claims", content: { "application/json": { schema: claims } } } },
});

export function claimRoutes(app: CellApp): void {
  // The file is held against the sources by a check, so its words are those of the schema.
  mount(app, readClaims, (c) =>
    c.json(claimsDocument() as z.infer<typeof claims>, 200, { "Cache-Control": "public, max-age=300" }),
  );
}
