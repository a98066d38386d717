/** Moving a log into a domain: into another jurisdiction, or another tenant (docs/moving.md). */
import { z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { v4 as uuidv4 } from "uuid";
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { ImportView } from "../../services/imports/calls.ts";
import { mediaType, unsupportedMediaType } from "../body.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import { importQuerySchema, importSchema, importsSchema, startedImportSchema } from "../schemas/imports.ts";
import { domainIdSchema } from "../schemas/resources.ts";

const TAG = "Exports";
const ZIP = "application/zip";
const ofDomain = z.object({ domainId: domainIdSchema });
const json = <S>(schema: S) => ({ content: { "application/json": { schema } } });
const NO_STORE = { "Cache-Control": "no-store" };

const onlyZip: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (mediaType(c) !== ZIP) throw unsupportedMediaType(ZIP);
  await next();
};

const createImport = declareRoute({
  method: "post",
  path: "/v1/domains/{domainId}/imports",
  operationId: "createImport",
  summary: "Move a log into this domain",
  description: `The body is an export of every entry of a range, of at most ${LIMITS.importBytes / 1024 / 1024} MiB, whose newest entry \`move.announced\` names this domain. It is verified as a whole before anything is written; then \`domain.imported\` stands in the log with the old head and the hash of the signed manifest, and behind it the old entries, each with its old seq and entry hash. The domain must have no entries of clients, and takes none until the import is over. The same archive again is the same import.`,
  tag: TAG,
  permission: "domain.create",
  problems: [
    "request.malformed",
    "request.too_large",
    "request.unsupported_media_type",
    "import.exists",
    "resource.not_found",
    "domain.stopped",
    "storage.unavailable",
  ],
  before: [onlyZip],
  request: {
    params: ofDomain,
    query: importQuerySchema,
    body: { required: true, content: { [ZIP]: { schema: z.string().openapi({ format: "binary" }) } } },
  },
  responses: { 202: { description: "The import is being made", ...json(startedImportSchema) } },
});

const listImports = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/imports",
  operationId: "listImports",
  summary: "The log that was moved into a domain, if any",
  tag: TAG,
  permission: "domain.read",
  problems: ["resource.not_found", "storage.unavailable"],
  request: { params: ofDomain },
  responses: { 200: { description: "None, or the one", ...json(importsSchema) } },
});

export function importRoutes(app: CellApp): void {
  mount(app, createImport, async (c) => {
    const { domainId } = c.req.valid("param");
    const { key, bytes } = c.req.valid("query");
    if (c.get("domain").kind !== "client") throw new AppError("resource.not_found");
    const { body } = c.req.raw;
    if (!body) throw new AppError("request.invalid", { errors: [{ pointer: "", detail: "an archive is needed" }] });
    const upload = uuidv4();
    const { keeper, receiveArchive } = c.get("services");
    const sha256 = await receiveArchive({ domainId, upload, bytes }, body);
    const wish = { by: askedBy(c), upload, sha256, bytes, trustedKey: key };
    return c.json({ import: importJson(await keeper(domainId).imports.begin(wish)) }, 202, NO_STORE);
  });
  mount(app, listImports, async (c) => {
    const { domainId } = c.req.valid("param");
    const found = await c.get("services").keeper(domainId).imports.read();
    return c.json({ imports: found ? [importJson(found)] : [] }, 200, NO_STORE);
  });
}

function importJson(view: ImportView): z.output<typeof importSchema> {
  const { status, sha256, bytes, from, entries, values, refusal } = view;
  return {
    ...{ status, sha256, bytes, started_at: view.startedAt, finished_at: view.finishedAt },
    from: from && {
      ...{ origin: from.origin, manifest_sha256: from.manifestHash, first: from.first, last: from.last },
      head: { size: from.size, root: from.root },
    },
    progress: entries,
    private_values: values && { carried: values.carried, left_behind: values.leftBehind },
    refusal,
  };
}
