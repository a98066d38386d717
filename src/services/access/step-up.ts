/** Whether a second factor was shown lately enough for what is sensitive (S2-12). Pure. */
import { LIMITS } from "../../core/limits.ts";

/**
 * Within `LIMITS.stepUpMs` before `nowMs`. A time that is yet to come is of a clock that was set back since: it would count for longer,
 * so it counts for nothing.
 */
export function isShownLately(atMs: number | null, nowMs: number): boolean {
  return atMs !== null && atMs <= nowMs + LIMITS.tokenSkewMs && nowMs - atMs <= LIMITS.stepUpMs;
}
