/** This cell as a witness of other logs (C2SP tlog-witness). Submission prefix and monitoring prefix are `/witness`. */
import { z } from "@hono/zod-openapi";
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { verifyEd25519 } from "../../crypto/verify.ts";
import { PUBLIC } from "../../services/permissions.ts";
import { type Refused, readSubmission } from "../../services/witness/submission.ts";
import { bodyError, readText } from "../body.ts";
import type { CellApp } from "../environment.ts";
import { declareRoute, mount } from "../route.ts";

const TAG = "Witness";
const TLOG_SIZE = "text/x.tlog.size";

const addCheckpoint = declareRoute({
  method: "post",
  path: "/witness/add-checkpoint",
  operationId: "addCheckpoint",
  summary: "Have a checkpoint cosigned, with the proof that its log only grew",
  description:
    "C2SP tlog-witness, for the logs that this cell witnesses. Through the gateway: `/witness/{jurisdiction}/add-checkpoint`. No credential: the log's signature is what counts. Any content type is taken.",
  tag: TAG,
  permission: PUBLIC,
  problems: [
    "request.malformed",
    "request.too_large",
    "residency.unknown",
    "storage.unavailable",
    "witness.inconsistent",
    "witness.origin_unknown",
    "witness.signature_wrong",
  ],
  request: {
    body: {
      required: true,
      content: {
        "text/plain": {
          schema: {
            type: "string",
            description: "`old` and a size, proof hashes, an empty line, the signed checkpoint",
          },
        },
      },
    },
  },
  responses: {
    200: { description: "Signature lines of this witness", content: { "text/plain": { schema: z.string() } } },
    409: {
      description: "Another size was cosigned last: this one",
      content: { [TLOG_SIZE]: { schema: z.string() } },
    },
  },
});

const readWitnessed = declareRoute({
  method: "get",
  path: "/witness/{originHash}/checkpoint",
  operationId: "readWitnessedCheckpoint",
  summary: "The latest checkpoint of a log that this witness cosigned",
  description: "C2SP tlog-witness, for monitors. `originHash` is the SHA-256 of the log's origin in lower-case hex.",
  tag: TAG,
  permission: PUBLIC,
  problems: ["resource.not_found", "residency.unknown", "storage.unavailable"],
  request: { params: z.object({ originHash: z.string().regex(/^[0-9a-f]{64}$/) }) },
  responses: {
    200: { description: "The signed note with both signatures", content: { "text/plain": { schema: z.string() } } },
  },
});

export function witnessRoutes(app: CellApp): void {
  mount(app, addCheckpoint, async (c) => {
    const { config, witness } = c.get("services");
    const body = await readText(c, LIMITS.witnessBodyBytes);
    const submission = readSubmission(body, config.witnessedKeysOf, verifyEd25519);
    if ("refused" in submission) throw refusal(submission);
    const answer = await witness.addCheckpoint(submission);
    c.header("Cache-Control", "no-store");
    if ("cosigned" in answer) return c.text(answer.cosigned, 200);
    // Exactly this content type: clients tell a witness's conflict from any other 409 by it.
    if ("conflict" in answer) return c.text(`${answer.conflict}\n`, 409, { "Content-Type": TLOG_SIZE });
    throw new AppError("witness.inconsistent", { detail: answer.inconsistent });
  });

  mount(app, readWitnessed, async (c) => {
    const note = await c.get("services").witness.checkpoint(c.req.valid("param").originHash);
    if (note === null) throw new AppError("resource.not_found");
    return c.text(note, 200, { "Cache-Control": "no-cache" });
  });
}

function refusal(refused: Refused): AppError {
  if (refused.refused === "origin_unknown") return new AppError("witness.origin_unknown");
  if (refused.refused === "malformed") return bodyError("request.malformed", refused.detail);
  return new AppError("witness.signature_wrong", { detail: refused.detail });
}
