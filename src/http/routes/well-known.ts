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
    witness_key: z.string().openapi({ description: "Of the cell as a witness (C2SP tlog-cosignature, Ed25519)" }),
    witness_key_ml_dsa_44: z.string().nullable().openapi({
      description:
        "Its second key as the same witness (ML-DSA-44, which stands against quantum computers); null: it cosigns with Ed25519 alone",
    }),
    document_certificate_sha256: z.string().nullable().openapi({
      description:
        "Fingerprint (lower-case hex) of the certificate that the PDFs of its exports are signed with; the cell signed it itself, so compare it. Null: it makes no PDF",
    }),
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

/** Short: whoever verifies tokens elsewhere sees a new key before the cell signs its first hour of tokens with it. */
const JWKS_CACHE = "public, max-age=300";

const publicJwkSchema = z
  .strictObject({
    kty: z.literal("RSA"),
    n: z.string(),
    e: z.string(),
    kid: z.string().openapi({ description: "Thumbprint (RFC 7638)." }),
    alg: z.literal("RS256"),
    use: z.literal("sig"),
  })
  .openapi("PublicJwk");

const readTokenKeys = declareRoute({
  method: "get",
  path: "/.well-known/jwks.json",
  operationId: "readTokenKeys",
  summary: "The public keys that session tokens are signed with (RFC 7517)",
  description:
    "Of both cells, with keys that sign no more. A cell that signs with a shared secret (HS256) shows none. Here a token of the other cell is nobody's: `iss` names the cell.",
  tag: "Access",
  permission: PUBLIC,
  responses: {
    200: {
      description: "The keys",
      content: { "application/jwk-set+json": { schema: z.object({ keys: z.array(publicJwkSchema) }) } },
    },
  },
});

export function wellKnownRoutes(app: CellApp): void {
  mount(app, readTokenKeys, (c) => {
    const { published } = c.get("services").config.tokens;
    return c.json({ keys: [...published] }, 200, {
      "Content-Type": "application/jwk-set+json",
      "Cache-Control": JWKS_CACHE,
    });
  });
  mount(app, readLogKeys, async (c) =>
    c.json({ cells: [await cellKeys(c.get("services").config)] }, 200, { "Cache-Control": "public, max-age=300" }),
  );
}

async function cellKeys({
  jurisdiction,
  logHost,
  signer,
  retiredKeys,
  cosigner,
  mlDsaCosigner,
  documents,
}: CellConfig) {
  const retired = retiredKeys.map((key) => formatVerifierKey(sha256, signer.name, key));
  return {
    jurisdiction,
    origin_prefix: `${logHost}/`,
    log_keys: [
      ...signer.verifierKeys.map((verifier_key) => ({ verifier_key, state: "signs" as const })),
      ...retired.map((verifier_key) => ({ verifier_key, state: "retired" as const })),
    ],
    witness_key: cosigner.verifierKey,
    witness_key_ml_dsa_44: (await mlDsaCosigner?.verifierKey()) ?? null,
    document_certificate_sha256: documents?.fingerprint ?? null,
  };
}
