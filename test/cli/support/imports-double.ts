/** The route of moved logs for `ServerDouble`: it takes whole archives, each once, and tells what a test says becomes of them. */
import { createHash } from "node:crypto";
import type { z } from "@hono/zod-openapi";
import { importQuerySchema, importSchema } from "../../../src/http/schemas/imports.ts";
import { type Answer, problemOf } from "./people-double.ts";
import type { Seen } from "./server-double.ts";

type Told = z.infer<typeof importSchema>;

const AT = "2026-11-21T09:00:00.000Z";
const BEGUN: Told = {
  ...{ status: "queued", sha256: "", bytes: 0, started_at: AT, finished_at: null, from: null },
  ...{ progress: { imported: 0, total: null }, private_values: null, refusal: null },
};

export class ImportsDouble {
  /** What each look shows, in order; the last one again and again. */
  looks: Partial<Told>[] = [{ status: "done", progress: { imported: 6, total: 6 } }];
  taken: { archive: Buffer; key: string; sha256: string } | null = null;

  answer({ method, headers, bytes: archive }: Seen, search: URLSearchParams): Answer {
    if (method === "GET") {
      const look = this.looks.length > 1 ? this.looks.shift() : this.looks[0];
      const told = this.taken && { ...BEGUN, sha256: this.taken.sha256, bytes: this.taken.archive.length, ...look };
      return { status: 200, body: { imports: told ? [importSchema.parse(told)] : [] } };
    }
    if (headers["content-type"] !== "application/zip") return { problem: [415, "request.unsupported_media_type"] };
    const asked = importQuerySchema.safeParse(Object.fromEntries(search));
    if (!asked.success) return problemOf(asked.error);
    if (asked.data.bytes !== archive.length) return { problem: [422, "request.invalid"] };
    const sha256 = createHash("sha256").update(archive).digest("hex");
    if (this.taken && this.taken.sha256 !== sha256) return { problem: [409, "import.exists"] };
    this.taken = { archive, key: asked.data.key, sha256 };
    return { status: 202, body: { import: importSchema.parse({ ...BEGUN, sha256, bytes: archive.length }) } };
  }
}
