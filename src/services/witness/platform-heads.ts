/**
 * The head of every domain is also an entry of the platform's log: who witnesses that one log witnesses, through it, all logs
 * of the cell. An entry names at most `LIMITS.platformHeadsPerEntry` heads that have grown since they were last recorded.
 *
 * Commit order, with the crash after each:
 *  1. checkpoints read                                            nothing was written
 *  2. the entry, under an idempotency key made of its heads        the next run records what has grown: the same heads get the
 *     same receipt, later ones an entry of their own
 *  3. the book says what was recorded                             done
 * A head that contradicts the book becomes an `integrity.violation` instead, once, and the book keeps what it has.
 */
import { toHex } from "../../core/bytes.ts";
import { type AuditEvent, SYSTEM_ACTOR_ID } from "../../core/event.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Sha256 } from "../../core/sha256.ts";

export interface DomainHead {
  domainId: string;
  size: number;
  /** Lower-case hex. */
  root: string;
}

/** What was recorded last of each domain. */
export interface HeadBook {
  recorded(domainId: string): DomainHead | null;
  /** All of them, in one transaction. */
  put(heads: readonly DomainHead[]): void;
}

export interface PlatformHeadsDeps {
  book: HeadBook;
  platformDomainId: string;
  /** The signed head; null: there is none. Throws where a domain cannot be asked. */
  checkpoint(domainId: string): Promise<{ size: number; root: string } | null>;
  /** Appends to the platform's log, once for each key. */
  record(event: AuditEvent, idempotencyKey: string): Promise<void>;
  sha256: Sha256;
}

export interface HeadsRecorded {
  recorded: number;
  /** Smaller than recorded, or of the same size with another root: the domain was set back or rewritten. */
  contradicting: DomainHead[];
  /** They did not answer; the next run asks again. */
  silent: string[];
}

/** Looks at these domains. Throws when the platform's log does not take the entry: then nothing counts as recorded. */
export async function recordHeads(domainIds: readonly string[], deps: PlatformHeadsDeps): Promise<HeadsRecorded> {
  const { book, platformDomainId, checkpoint } = deps;
  const grown: DomainHead[] = [];
  const contradicting: DomainHead[] = [];
  const silent: string[] = [];
  for (const domainId of domainIds) {
    if (domainId === platformDomainId) continue;
    const signed = await checkpoint(domainId).catch(() => undefined);
    if (signed === undefined) silent.push(domainId);
    if (!signed) continue;
    const head = { domainId, size: signed.size, root: signed.root };
    const last = book.recorded(domainId);
    if (last && (head.size < last.size || (head.size === last.size && head.root !== last.root))) {
      contradicting.push(head);
      await deps.record(contradiction(head, last), `integrity.violation:head:${digestOf([last, head], deps.sha256)}`);
    } else if (head.size > (last?.size ?? 0)) grown.push(head);
  }
  for (let from = 0; from < grown.length; from += LIMITS.platformHeadsPerEntry) {
    const heads = grown.slice(from, from + LIMITS.platformHeadsPerEntry);
    await deps.record(headsRecorded(heads), `log.heads_recorded:${digestOf(heads, deps.sha256)}`);
    book.put(heads);
  }
  return { recorded: grown.length, contradicting, silent };
}

/** Ids, sizes and hashes. */
function headsRecorded(heads: readonly DomainHead[]): AuditEvent {
  return {
    action: "log.heads_recorded",
    actor: { type: "system", id: SYSTEM_ACTOR_ID },
    outcome: "success",
    metadata: { heads: heads.map(({ domainId, size, root }) => ({ domain_id: domainId, size, root })) },
    clear_metadata: ["heads"],
  };
}

function contradiction(head: DomainHead, last: DomainHead): AuditEvent {
  const metadata = {
    reason: `the log shows ${head.size} entries, ${last.size} with another root are on record here`,
    recorded: { size: last.size, root: last.root },
    shown: { size: head.size, root: head.root },
  };
  return {
    action: "integrity.violation",
    actor: { type: "system", id: SYSTEM_ACTOR_ID },
    outcome: "failure",
    targets: [{ type: "domain", id: head.domainId }],
    metadata,
    clear_metadata: Object.keys(metadata),
  };
}

const digestOf = (heads: readonly DomainHead[], sha256: Sha256): string =>
  toHex(sha256(heads.map(({ domainId, size, root }) => `${domainId} ${size} ${root}\n`).join("")));
