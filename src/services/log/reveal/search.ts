/** A person's entries by identity id. The id becomes a pseudonym inside the domain's object and goes no further. */
import { AppError } from "../../../core/errors.ts";
import type { ShardRange } from "../../../core/shards.ts";
import type { EntryRow } from "../../ports.ts";
import { type PageRange, type PageStores, pageOfSubject } from "./page.ts";

/** Who an identity is in a domain. */
export interface PersonResult {
  /** Lower-case hex. */
  pseudonym: string;
  /** An entry names them. */
  known: boolean;
  erased: boolean;
}

export interface SearchCall extends PageRange {
  identityId: string;
  /** The pseudonym that the cursor was made for; null: the first page. */
  ref: string | null;
  limit: number;
}

export interface SearchResult {
  rows: EntryRow[];
  ref: string;
  next: number | null;
}

/** What the keeper asks of the domain's log. */
export interface PersonSource {
  person(identityId: string): Promise<PersonResult>;
  /** Brings the queryable copy up to date; resolves to where the rows lie. */
  flush(): Promise<ShardRange[]>;
}

export interface SearchDeps {
  log: PersonSource;
  stores(ranges: readonly ShardRange[]): PageStores;
}

/**
 * A page of the entries that name the person, everything that was committed before the call included. Nobody the log knows:
 * an empty page. Throws `subject.erased`, `storage.unavailable`, `request.invalid` for a cursor of another person.
 */
export async function search(call: SearchCall, { log, stores }: SearchDeps): Promise<SearchResult> {
  const { pseudonym: ref } = await personOf(call, log);
  const page = await pageOfSubject(ref, call, call.limit, stores(await log.flush()));
  return { ...page, ref };
}

/** Throws for a person who is erased, and when the cursor was made for somebody else. */
export async function personOf(
  { identityId, ref }: Pick<SearchCall, "identityId" | "ref">,
  log: PersonSource,
): Promise<PersonResult> {
  const person = await log.person(identityId);
  if (ref !== null && ref !== person.pseudonym) {
    throw new AppError("request.invalid", {
      errors: [{ pointer: "/cursor", detail: "was not made for this identity" }],
    });
  }
  if (person.erased) throw new AppError("subject.erased");
  return person;
}
