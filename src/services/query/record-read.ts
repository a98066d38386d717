/**
 * Reading is itself an entry (S1-3), in the tenant's reserved domain, so that the domain that is read does not grow by it and
 * nothing reads itself into the log. What was asked stands there in the query language, with people as pseudonyms.
 *
 * Commit order: 1. the answer is put together  2. the entry is committed in the tenant's log  3. the answer leaves
 *   crash after 1: nothing was shown; after 2: an entry says that it was read, and it was not. Never the other way round.
 *   An entry whose commit failed, or is in doubt: the request fails, with `storage.unavailable` and its like.
 * One exception: the tenant's log takes nothing because its integrity is in doubt (`TAKES_NOTHING`). Then is when somebody has to
 * be able to read and verify, so reading goes on unrecorded; whoever can bring a log there holds its database already.
 */
import type { ProductEvent } from "../../core/actions/product.ts";
import { type DomainSettings, settingsOf } from "../../core/domain-settings.ts";
import { type ErrorCode, isAppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { findInClearText } from "../../core/payload/guard.ts";
import { type Clause, type EntryFilter, EVERYTHING } from "../../core/query/filter.ts";
import { printFilter } from "../../core/query/language/print.ts";
import { withoutIdentities } from "../../core/query/people.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import type { DomainKind } from "../ports.ts";
import type { AskedBy } from "../tenancy/jobs.ts";

/** How entries were read. */
export type ReadKind = "query" | "count" | "facets" | "list" | "entry" | "search" | "tail";

export interface Read {
  kind: ReadKind;
  /** Null: it was not asked by a filter. */
  filter: EntryFilter | null;
  /** What else says which entries were read: numbers and names of ours, nothing that a client writes. */
  more?: { [key: string]: JsonValue };
}

/** The domain that was read. */
export interface ReadDomain {
  id: string;
  tenantId: string;
  kind: DomainKind;
  settings: Partial<DomainSettings>;
}

export interface ReadRecorder {
  /** Commits an entry of the product's own in a tenant's reserved domain. */
  recordInTenant: (tenantId: string, event: ProductEvent) => Promise<void>;
}

/** One entry, unless the domain's settings say otherwise. Reading a reserved domain is never recorded. Once per query: not per page. */
export async function recordRead(deps: ReadRecorder, by: AskedBy, domain: ReadDomain, read: Read): Promise<void> {
  await recordReads(deps, by, [domain], read);
}

/** The same of a read of several domains of one tenant at once: still one entry, which names each. */
export async function recordReads(
  { recordInTenant }: ReadRecorder,
  by: AskedBy,
  domains: readonly ReadDomain[],
  read: Read,
): Promise<void> {
  const recorded = domains.filter(isRecorded);
  const [first] = recorded;
  if (!first) return;
  try {
    await recordInTenant(first.tenantId, readEvent(by, recorded, read));
  } catch (error) {
    if (!isAppError(error) || !TAKES_NOTHING.has(error.code)) throw error;
    console.warn(JSON.stringify({ at: "record-read", fault: "a read is not recorded", code: error.code }));
  }
}

/** Stopped by a violation, or without a guard that the ledger has to have. */
const TAKES_NOTHING: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["domain.stopped", "ledger.guard_missing"]);

export const isRecorded = (domain: Pick<ReadDomain, "kind" | "settings">): boolean =>
  domain.kind === "client" && settingsOf(domain).record_reads;

/**
 * Words that were searched for may be anybody's name, so they are a private value, `words`; the rest of the
 * filter is one too when it holds what must not stand in clear (an e-mail address, a card number).
 */
function readEvent(by: AskedBy, domains: readonly Pick<ReadDomain, "id">[], read: Read): ProductEvent {
  const filter = read.filter && withoutIdentities(read.filter);
  const isWord = ({ field }: Clause) => field === "text";
  const rest = filter && printFilter({ ...filter, clauses: filter.clauses.filter((clause) => !isWord(clause)) });
  const words = filter && printFilter({ ...EVERYTHING, clauses: filter.clauses.filter(isWord) });
  const metadata = {
    ...read.more,
    read: read.kind,
    ...(rest === null ? {} : { filter: cut(rest) }),
    ...(words ? { words: cut(words) } : {}),
  };
  const isClear = (name: string) => name !== "words" && (name !== "filter" || findInClearText(rest ?? "") === null);
  return {
    action: "audit.read",
    actor: by,
    targets: domains.slice(0, LIMITS.targets).map(({ id }) => ({ type: "domain", id })),
    metadata,
    clear_metadata: Object.keys(metadata).filter(isClear),
  };
}

/** So that the entry fits in any case. */
const cut = (filter: string): string =>
  filter.length <= LIMITS.queryChars ? filter : `${filter.slice(0, LIMITS.queryChars)}…`;
