/** A log as strangers read it: signed checkpoints, tiles (C2SP tlog-tiles), proofs. Hashes only, except in evidence. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { fromHex, toBase64 } from "../../core/bytes.ts";
import { AppError } from "../../core/errors.ts";
import { ENTRY_ID_PATTERN } from "../../core/event.ts";
import { LIMITS } from "../../core/limits.ts";
import { parseTilePath, TILE_WIDTH } from "../../core/merkle/tiles.ts";
import { encodeProvedEntry, formatTlogProof } from "../../core/tlog-proof.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { findEntry } from "../find-entry.ts";
import { declareRoute, mount } from "../route.ts";
import { wholeNumber } from "../schemas/query.ts";
import { domainIdSchema } from "../schemas/resources.ts";

const TAG = "Proofs";
const TEXT = "text/plain; charset=utf-8";
const text = (description: string) => ({ description, content: { [TEXT]: { schema: z.string() } } });

const readCheckpoint = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/log/checkpoint",
  operationId: "readCheckpoint",
  summary: "The newest signed checkpoint of the log, with the cosignatures that it has",
  description:
    "C2SP tlog-checkpoint, a signed note. Its origin is the log's own; the key is at `/.well-known/moonseal`. A checkpoint is signed within a second of the first entry that the one before does not cover.",
  tag: TAG,
  permission: "log.read",
  problems: ["storage.unavailable", "log.unsigned"],
  request: { params: z.object({ domainId: domainIdSchema }) },
  responses: { 200: text("The note") },
});

/** A tile's number is written in groups of three digits, so its path has one to four more elements. */
const tileRoute = <const P extends string>(path: P, operationId: string, names: readonly string[]) =>
  declareRoute({
    method: "get",
    path: `/v1/domains/{domainId}/log/tile/{level}/${path}` as `/v1/domains/{domainId}/log/tile/{level}/${P}`,
    operationId,
    summary: "A tile of the log's tree, or a bundle of its leaves",
    description:
      "C2SP tlog-tiles. `level` is a number, or `entries` for leaves: each with its length in two bytes before it; a leaf is the 32 bytes of an entry hash. A tile never changes.",
    tag: TAG,
    permission: "log.read",
    problems: ["storage.unavailable"],
    request: {
      params: z.object({
        domainId: domainIdSchema,
        level: z.string(),
        ...Object.fromEntries(names.map((name) => [name, z.string()])),
      }),
    },
    responses: {
      200: {
        description: "32 bytes for each hash; for `entries`, 34 for each leaf",
        content: { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } },
      },
    },
  });

const TILE_ROUTES = [
  tileRoute("{n1}", "readTile", ["n1"]),
  tileRoute("{n1}/{n2}", "readTileInTwo", ["n1", "n2"]),
  tileRoute("{n1}/{n2}/{n3}", "readTileInThree", ["n1", "n2", "n3"]),
  tileRoute("{n1}/{n2}/{n3}/{n4}", "readTileInFour", ["n1", "n2", "n3", "n4"]),
] as const;

const consistencySchema = z
  .object({
    from: z.number().int(),
    to: z.number().int(),
    hashes: z.array(z.string()).openapi({ description: "Base64, in the order of RFC 6962" }),
    checkpoint: z.string().openapi({ description: "The signed note of the larger tree" }),
  })
  .openapi("ConsistencyProof");

const readConsistency = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/log/consistency",
  operationId: "readConsistencyProof",
  summary: "Prove that the log of one size is the beginning of the log of a larger one",
  description: "RFC 6962 §2.1.2. `to` is the size of a checkpoint that was signed; default: the newest.",
  tag: TAG,
  permission: "log.read",
  problems: ["storage.unavailable", "log.unsigned"],
  request: {
    params: z.object({ domainId: domainIdSchema }),
    query: z.object({
      from: wholeNumber(1, Number.MAX_SAFE_INTEGER)
        .default(1)
        .openapi({ default: 1, description: "Size of the smaller tree" }),
      to: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
    }),
  },
  responses: { 200: { description: "The proof", content: { "application/json": { schema: consistencySchema } } } },
});

const readFork = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/log/fork",
  operationId: "readForkEvidence",
  summary: "Evidence that this log has shown two histories, where a witness or its own mirror holds it up",
  description:
    "A file that convinces everybody who trusts the log's key: `moonseal verify FILE`. 404 for a log of which no such thing is known here, as it should be; whoever followed the log can have more.",
  tag: TAG,
  permission: "log.read",
  problems: ["storage.unavailable"],
  request: { params: z.object({ domainId: domainIdSchema }) },
  responses: { 200: text("The evidence") },
});

const readEvidence = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/audit/entries/{seqOrId}/evidence",
  operationId: "readEvidence",
  summary: "One file that proves the entry offline",
  description:
    "C2SP tlog-proof with the entry in it: `moonseal verify FILE` checks it without a network. `Prefer: wait=witnessed` waits some seconds for the witnesses that the cell asks.",
  tag: TAG,
  permission: "entry.read",
  problems: ["storage.unavailable", "log.unsigned", "entry.expired"],
  request: {
    params: z.object({
      domainId: domainIdSchema,
      seqOrId: z
        .string()
        .regex(ENTRY_ID_PATTERN)
        .openapi({ param: { name: "seqOrId", in: "path" }, example: "42" }),
    }),
    headers: z.object({ prefer: z.string().optional() }),
  },
  responses: { 200: text("The proof") },
});

export function logRoutes(app: CellApp): void {
  mount(app, readCheckpoint, async (c) => {
    const { note } = await c.get("services").log(c.req.valid("param").domainId).checkpoint();
    return c.text(note, 200, { "Content-Type": TEXT, "Cache-Control": "no-cache" });
  });

  for (const route of TILE_ROUTES) {
    mount(app, route, async (c) => answerTile(c, c.req.param("domainId") ?? ""));
  }

  mount(app, readConsistency, async (c) => {
    const { domainId } = c.req.valid("param");
    const { from, to = null } = c.req.valid("query");
    const proof = await c.get("services").log(domainId).growthProof({ from, to });
    if (!proof) throw new AppError("resource.not_found");
    const { hashes, checkpoint } = proof;
    return c.json({ from, to: checkpoint.size, hashes: hashes.map(toBase64), checkpoint: checkpoint.note }, 200);
  });

  mount(app, readFork, async (c) => {
    const { domainId } = c.req.valid("param");
    const evidence = await c.get("services").log(domainId).fork();
    if (evidence === null) throw new AppError("resource.not_found");
    const name = `attachment; filename="${domainId}.fork"`;
    return c.text(evidence, 200, { "Content-Type": TEXT, "Content-Disposition": name, "Cache-Control": "no-store" });
  });

  mount(app, readEvidence, async (c) => {
    const { domainId, seqOrId } = c.req.valid("param");
    const row = await findEntry(c.get("services"), domainId, seqOrId);
    if (!row) throw new AppError("resource.not_found");
    const waits = /(^|[\s,])wait=witnessed($|[\s,;])/.test(c.req.valid("header").prefer ?? "");
    const proof = await c
      .get("services")
      .log(domainId)
      .entryProof({ seq: row.seq, waitMs: waits ? LIMITS.witnessWaitMs : 0 });
    if (!proof) throw new AppError("resource.not_found");
    const prevHash = fromHex(row.prevHash);
    if (!prevHash) throw new AppError("storage.unavailable", { internal: "the ledger holds no hash" });
    const extra = encodeProvedEntry({ prevHash, payload: row.payload });
    const file = formatTlogProof({ extra, index: row.seq, hashes: proof.hashes, checkpoint: proof.checkpoint.note });
    return c.text(file, 200, {
      "Content-Type": TEXT,
      "Content-Disposition": `attachment; filename="${domainId}-${row.seq}.tlog-proof"`,
      "Cache-Control": "no-cache",
    });
  });
}

/** The path itself is what tlog-tiles defines, so it is read as a whole: one accepted spelling. */
async function answerTile(c: Context<HttpEnv>, domainId: string): Promise<Response> {
  const path = new URL(c.req.url).pathname.split("/log/")[1] ?? "";
  const tile = parseTilePath(path);
  const bytes = tile && (await c.get("services").log(domainId).treeTile(path));
  if (!tile || !bytes) throw new AppError("resource.not_found");
  const headers = new Headers({
    "Content-Type": "application/octet-stream",
    "Cache-Control": `private, max-age=${tile.width === TILE_WIDTH ? 31_536_000 : 86_400}, immutable`,
  });
  // Workers compress the body themselves once this header stands there.
  if (tile.level === null && /\bgzip\b/.test(c.req.header("Accept-Encoding") ?? "")) {
    headers.set("Content-Encoding", "gzip");
  }
  return c.body(bytes as Uint8Array<ArrayBuffer>, 200, Object.fromEntries(headers));
}
