import { z } from "@hono/zod-openapi";
import { formatVerifierKey } from "../../core/note.ts";
import { sha256 } from "../../crypto/sha256.ts";
import type { CellConfig } from "../../services/cell-config.ts";
import { PUBLIC } from "../../services/permissions.ts";
import type { CellApp } from "../environment.ts";
import { declareRoute, mount } from "../route.ts";

const keySchema = z.object({
  verifier_key: z.string().openapi({ description: "C2SP signed-note" }),
  state: z.enum(["signs", "retired"]),
});

const cellKeysSchema = z
  .object({
    jurisdiction: z.enum(["eu", "us"]),
    origin_prefix: z.string().openapi({ description: "The origin of a log is this and the id of its domain" }),
    log_keys: z.array(keySchema).openapi({
      description:
        "Newest first. A log's checkpoints are signed by the same key under the log's origin as its name, so its id is computed anew from there",
    }),
    witness_key: z.string().openapi({ description: "Of the cell as a witness (C2SP tlog-cosignature)" }),
  })
  .openapi("CellKeys");

const readLogKeys = declareRoute({
  method: "get",
  path: "/.well-known/moonseal",
  operationId: "readLogKeys",
  summary: "The public keys of each cell: what strangers pin",
  description:
    "Whoever verifies should have these keys from the operator in another way too, and keep them: a page that changes its mind proves nothing.",
  tag: "Proofs",
  permission: PUBLIC,
  responses: {
    200: {
      description: "The keys",
      content: { "application/json": { schema: z.object({ cells: z.array(cellKeysSchema) }) } },
    },
  },
});

export function wellKnownRoutes(app: CellApp): void {
  mount(app, readLogKeys, (c) =>
    c.json({ cells: [cellKeys(c.get("services").config)] }, 200, { "Cache-Control": "public, max-age=300" }),
  );
}

function cellKeys({ jurisdiction, logHost, signer, retiredKeys, cosigner }: CellConfig) {
  const retired = retiredKeys.map((key) => formatVerifierKey(sha256, signer.name, key));
  return {
    jurisdiction,
    origin_prefix: `${logHost}/`,
    log_keys: [
      ...signer.verifierKeys.map((verifier_key) => ({ verifier_key, state: "signs" as const })),
      ...retired.map((verifier_key) => ({ verifier_key, state: "retired" as const })),
    ],
    witness_key: cosigner.verifierKey,
  };
}
