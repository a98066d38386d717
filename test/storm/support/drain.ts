/** Waits, with a bound, until D1 and the archive hold what they should. */
import { setTimeout as sleep } from "node:timers/promises";
import { ask, auditUrl, type Domain, expectStatus } from "./story.ts";

const DRAINED_WITHIN_MS = 30_000;
const POLL_MS = 25;

export interface Head {
  size: number;
  entry_hash: string;
  genesis: string;
  copied_size: number;
  archived_size: number;
  signed_size: number;
  mirrored_size: number;
  backlog_entries: number;
  status: string;
  stopped_reason: string | null;
}

export const headOf = async (url: string, domain: Domain): Promise<Head> =>
  expectStatus(200, await ask(`${auditUrl(url, domain)}/head`, domain.key));

/** The tree of everything is signed and mirrored. Throws when it is not in time. */
export async function untilMirrored(url: string, domain: Domain): Promise<Head> {
  const deadline = Date.now() + DRAINED_WITHIN_MS;
  for (;;) {
    const head = await headOf(url, domain);
    if (head.mirrored_size === head.size) return head;
    if (Date.now() > deadline) throw new Error(`the tree is not mirrored: ${JSON.stringify(head)}`);
    await sleep(POLL_MS);
  }
}

/** D1 holds everything, the archive every full segment. Throws when they do not in time. */
export async function untilDrained(url: string, domain: Domain, segmentEntries: number): Promise<Head> {
  const deadline = Date.now() + DRAINED_WITHIN_MS;
  for (;;) {
    const head = await headOf(url, domain);
    if (head.copied_size === head.size && head.size - head.archived_size < segmentEntries) return head;
    if (Date.now() > deadline) throw new Error(`the copies do not drain: ${JSON.stringify(head)}`);
    await sleep(POLL_MS);
  }
}
