/**
 * That a read was recorded already (S1-3), as its cursors carry it: pages behind the first are no entries of their own. A cursor
 * that somebody made up, or that is another caller's or an old one, carries no such mark, and its page is recorded like a first one.
 */
import type { Context } from "hono";
import { toHex } from "../core/bytes.ts";
import { LIMITS } from "../core/limits.ts";
import { equalSecrets } from "../crypto/compare.ts";
import { hmacSha256 } from "../crypto/hmac.ts";
import type { Read } from "../services/query/record-read.ts";
import { type ReadDomain, recordReads } from "../services/query/record-read.ts";
import type { HttpEnv } from "./environment.ts";
import { askedBy, scopeOf } from "./principal.ts";

/** `<Unix milliseconds>.<16 bytes in hex>`. */
const MARK = /^(\d{1,16})\.[0-9a-f]{32}$/;

/**
 * Records a read unless `mark`, out of its cursor, says that this caller's was. Resolves to the mark for the next cursor. `of`:
 * what the read is of, all but the page; no two reads share it. Throws what the tenant's log throws: then nothing must leave.
 */
export async function recordOnce(
  c: Context<HttpEnv>,
  mark: string | null,
  of: readonly string[],
  domains: readonly ReadDomain[],
  read: Read,
): Promise<string> {
  const services = c.get("services");
  if (mark !== null && isRight(c, mark, of)) return mark;
  await recordReads(services, askedBy(c), domains, read);
  return markAt(c, services.clock(), of);
}

/** The mark in the state of an untrusted cursor. */
export function readMark(state: Record<string, unknown>): { mark: string | null } {
  return { mark: typeof state.mark === "string" && MARK.test(state.mark) ? state.mark : null };
}

function isRight(c: Context<HttpEnv>, mark: string, of: readonly string[]): boolean {
  const madeAtMs = Number(MARK.exec(mark)?.[1]);
  const nowMs = c.get("services").clock();
  return nowMs - madeAtMs <= LIMITS.readMarkMs && equalSecrets(mark, markAt(c, madeAtMs, of));
}

function markAt(c: Context<HttpEnv>, atMs: number, of: readonly string[]): string {
  const { apiKeyPepper } = c.get("services").config;
  const what = JSON.stringify([scopeOf(c), c.get("accessId") ?? null, atMs, ...of]);
  return `${atMs}.${toHex(hmacSha256(apiKeyPepper, "moonseal/read-mark/v1\n", what).subarray(0, 16))}`;
}
