/** Changes that say what they change (RFC 9110 §13.1.1, RFC 6585 §3). */
import { z } from "@hono/zod-openapi";
import { AppError } from "../core/errors.ts";

/** The headers of a route that demands `If-Match`; `says`: which tag is meant. */
export const ifMatchHeaders = (says: string) =>
  z.object({
    "if-match": z
      .string()
      .optional()
      .openapi({ description: `${says} Required.` }),
  });

/** Throws `precondition.required` without the header, `precondition.failed` unless it names the present strong tag or any. */
export function demandMatch(ifMatch: string | undefined, etag: string): void {
  if (ifMatch === undefined) throw new AppError("precondition.required");
  const tags = ifMatch.split(",").map((tag) => tag.trim());
  if (!tags.includes("*") && !tags.includes(etag)) throw new AppError("precondition.failed");
}
