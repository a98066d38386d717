/**
 * Dead-man switches of others (Healthchecks protocol, https://healthchecks.io/docs/http_api/): `<check>/start` when a run begins,
 * `<check>` when it succeeded, `<check>/fail` when it failed. The server alerts when a success does not come in time, so it also
 * notices a cell, or a cron, that is dead altogether.
 */
import { LIMITS } from "../../core/limits.ts";
import { type PostFault, post, type Send } from "../monitoring/post.ts";

export type PingKind = "start" | "success" | "fail";

/** `run`: a UUID, the same for all pings of a run (`rid`). `code`: why it failed; nothing else is sent. Null: it arrived. Never throws. */
export function ping(
  check: string,
  kind: PingKind,
  { run, code = null }: { run: string; code?: string | null },
  send?: Send,
  timeoutMs: number = LIMITS.pingTimeoutMs,
): Promise<PostFault | null> {
  const url = new URL(check);
  if (kind !== "success") url.pathname = `${url.pathname.replace(/\/$/, "")}/${kind}`;
  url.searchParams.set("rid", run);
  const headers = { "Content-Type": "text/plain; charset=utf-8" };
  return post(url.href, { headers, body: code ?? "", timeoutMs }, send);
}
