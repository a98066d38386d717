/** Changes that say what they change (RFC 9110 §13.1.1, RFC 6585 §3). */
import { AppError } from "../core/errors.ts";

/** Throws `precondition.required` without the header, `precondition.failed` unless it names the present strong tag or any. */
export function demandMatch(ifMatch: string | undefined, etag: string): void {
  if (ifMatch === undefined) throw new AppError("precondition.required");
  const tags = ifMatch.split(",").map((tag) => tag.trim());
  if (!tags.includes("*") && !tags.includes(etag)) throw new AppError("precondition.failed");
}
