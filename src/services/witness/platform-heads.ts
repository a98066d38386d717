/**
 * The head of every domain is also an entry of the platform's log: who witnesses that one log witnesses, through it, all logs
 * of the cell. An entry names at most `LIMITS.platformHeadsPerEntry` heads that have grown since they were last recorded.
 *
 * Commit order, with the crash after each:
 *  1. checkpoints read                                            nothing was written
 *  2. the entry, under an idempotency key made of its heads        the next run records what has grown: the same heads get the
 *     same receipt, later ones an entry of their own
 *  3. the book says what was recorded                             done
 * A head that contradicts the book (fewer entries, another root for as many, or more that do not continue it) stops its domain for
 * writes and becomes an `integrity.violation`, once; the book keeps what it has:
 *  1. the domain is stopped              the next run meets the same head: stopping again changes nothing
 *  2. the violation                      the next run says it under the same idempotency key
 * A domain that cannot be stopped now is stopped by the next run; the violation is said at once all the same.
 */
import type { ProductEvent } from "../../core/actions/product.ts";
import { fromHex, toHex } from "../../core/bytes.ts";
import { SYSTEM_ACTOR_ID } from "../../core/event.ts";
import { LIMITS } from "../../core/limits.ts";
import { checkConsistency } from "../../core/merkle/consistency.ts";
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
  /** The newest signed head with the proof that it continues the tree of `from` entries; null: it has fewer. Throws as above. */
  growth(
    domainId: string,
    from: number,
  ): Promise<{ hashes: Uint8Array[]; head: { size: number; root: string } } | null>;
  /** For writes and for good. Throws where the domain cannot be reached. */
  stop(domainId: string, reason: string): Promise<void>;
  /** Appends to the platform's log, once for each key. */
  record(event: ProductEvent, idempotencyKey: string): Promise<void>;
  sha256: Sha256;
}

export interface HeadsRecorded {
  recorded: number;
  /** The domain was set back or rewritten. */
  contradicting: DomainHead[];
  /** They did not answer; the next run asks again. */
  silent: string[];
}

/** Looks at these domains. Throws when the platform's log does not take the entry: then nothing counts as recorded. */
export async function recordHeads(domainIds: readonly string[], deps: PlatformHeadsDeps): Promise<HeadsRecorded> {
  const { book, platformDomainId } = deps;
  const grown: DomainHead[] = [];
  const contradicting: DomainHead[] = [];
  const silent: string[] = [];
  for (const domainId of domainIds) {
    if (domainId === platformDomainId) continue;
    const looked = await lookAt(domainId, deps).catch(() => undefined);
    if (looked === undefined) silent.push(domainId);
    if (!looked) continue;
    const { head, last, continues } = looked;
    if (!continues && last) {
      contradicting.push(head);
      await raise(head, last, deps);
    } else if (head.size > (last?.size ?? 0)) grown.push(head);
  }
  for (let from = 0; from < grown.length; from += LIMITS.platformHeadsPerEntry) {
    const heads = grown.slice(from, from + LIMITS.platformHeadsPerEntry);
    await deps.record(headsRecorded(heads), `log.heads_recorded:${digestOf(heads, deps.sha256)}`);
    book.put(heads);
  }
  return { recorded: grown.length, contradicting, silent };
}

/** The signed head beside what is on record of the domain; null: it has none. Throws where it does not answer. */
async function lookAt(
  domainId: string,
  { book, checkpoint, growth, sha256 }: PlatformHeadsDeps,
): Promise<{ head: DomainHead; last: DomainHead | null; continues: boolean } | null> {
  const signed = await checkpoint(domainId);
  if (!signed) return null;
  const last = book.recorded(domainId);
  const shown = { domainId, size: signed.size, root: signed.root };
  if (!last || shown.size <= last.size) {
    const continues = !last || (shown.size === last.size && shown.root === last.root);
    return { head: shown, last, continues };
  }
  const grown = await growth(domainId, last.size);
  if (!grown) return { head: shown, last, continues: false };
  const head = { domainId, size: grown.head.size, root: grown.head.root };
  const [from, to] = [fromHex(last.root), fromHex(head.root)];
  const continues = !!from && !!to && checkConsistency(sha256, last.size, head.size, grown.hashes, from, to);
  return { head, last, continues };
}

async function raise(head: DomainHead, last: DomainHead, { stop, record, sha256 }: PlatformHeadsDeps): Promise<void> {
  // Unreachable: the next run meets the same head.
  await stop(head.domainId, reasonOf(head, last)).catch(() => {});
  await record(contradiction(head, last), `integrity.violation:head:${digestOf([last, head], sha256)}`);
}

/** What the domain's own head says from then on. Sizes only. */
function reasonOf(head: DomainHead, last: DomainHead): string {
  const how =
    head.size < last.size ? "is shorter than" : head.size === last.size ? "has another root than" : "does not continue";
  return `the signed head of ${head.size} entries ${how} the one of ${last.size} that the platform's log has on record`;
}

/** Ids, sizes and hashes. */
function headsRecorded(heads: readonly DomainHead[]): ProductEvent {
  return {
    action: "log.heads_recorded",
    actor: { type: "system", id: SYSTEM_ACTOR_ID },
    outcome: "success",
    metadata: { heads: heads.map(({ domainId, size, root }) => ({ domain_id: domainId, size, root })) },
    clear_metadata: ["heads"],
  };
}

function contradiction(head: DomainHead, last: DomainHead): ProductEvent {
  const metadata = {
    reason: reasonOf(head, last),
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
