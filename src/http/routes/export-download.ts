/** The download of an export by its link: the token is the only credential. */
import { z } from "@hono/zod-openapi";
import { AppError } from "../../core/errors.ts";
import { PUBLIC } from "../../services/permissions.ts";
import { byteRange } from "../byte-range.ts";
import type { CellApp } from "../environment.ts";
import { limitAskers } from "../rate-limit.ts";
import { declareRoute, mount } from "../route.ts";
import { exportIdSchema } from "../schemas/exports.ts";
import { domainIdSchema } from "../schemas/resources.ts";

const ZIP = "application/zip";

const downloadExport = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/exports/{exportId}/download",
  operationId: "downloadExport",
  summary: "Download an export by a link",
  description:
    "With the token of a link and no other credential. A wrong or revoked token, and an export that was withdrawn, get the same answer as one that never was; a right token that came too late is told so. One range of bytes may be asked for, to resume a download; `If-Range` with the `ETag` of the first answer.",
  tag: "Exports",
  permission: PUBLIC,
  problems: [
    "resource.not_found",
    "export.expired",
    "request.range_unsatisfiable",
    "rate.limited",
    "storage.unavailable",
    "internal",
  ],
  before: [limitAskers("downloads")],
  request: {
    params: z.object({ domainId: domainIdSchema, exportId: exportIdSchema }),
    query: z.object({ token: z.string().max(100).default("").openapi({ description: "Of the link" }) }),
  },
  responses: {
    200: { description: "The archive", content: { [ZIP]: { schema: z.string().openapi({ format: "binary" }) } } },
    206: { description: "A part of it", content: { [ZIP]: { schema: z.string().openapi({ format: "binary" }) } } },
  },
});

export function exportDownloadRoutes(app: CellApp): void {
  mount(app, downloadExport, async (c) => {
    const { domainId, exportId } = c.req.valid("param");
    const { token } = c.req.valid("query");
    const { domain, keeper, exportFile } = c.get("services");
    if (!(await domain(domainId))) throw new AppError("resource.not_found");
    const { key, bytes } = await keeper(domainId).exports.open(exportId, token);
    const etag = `"${exportId}"`;
    const ifRange = c.req.header("If-Range");
    const range = ifRange === undefined || ifRange === etag ? byteRange(c.req.header("Range"), bytes) : null;
    const body = await exportFile(key, range);
    if (!body) throw new AppError("storage.unavailable", { internal: "exports: the file of an export is not there" });
    const headers: Record<string, string> = {
      "Content-Type": ZIP,
      "Content-Length": String(range?.length ?? bytes),
      "Content-Disposition": `attachment; filename="${exportId}.zip"`,
      "Accept-Ranges": "bytes",
      "Cache-Control": "no-store",
      ETag: etag,
    };
    if (!range) return c.body(body, 200, headers);
    const { offset, length } = range;
    return c.body(body, 206, { ...headers, "Content-Range": `bytes ${offset}-${offset + length - 1}/${bytes}` });
  });
}
