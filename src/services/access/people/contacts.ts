/** Contacts of people: sealed under the slot `contact` and the tenant's key, each bound to its row. */
import type { Sealed, SealPlace } from "../../../crypto/sealed.ts";
import { openWords, type SealedWordsDeps, sealWords } from "../sealed-words.ts";
import type { Contact, PeopleBook } from "./records.ts";

type Table = "person" | "invitation";

const placeOf = (table: Table, rowId: string): SealPlace => ({ table, column: "sealed", rowId });

/** Throws `keys.unavailable`, `storage.unavailable`. */
export function sealContact(
  table: Table,
  id: string,
  contact: Contact,
  deps: SealedWordsDeps,
): Promise<Sealed<"contact">> {
  return sealWords("contact", JSON.stringify(contact), placeOf(table, id), deps);
}

/** Throws as `sealContact` does, also when the value does not open. */
export async function openContact(
  table: Table,
  id: string,
  sealed: Sealed<"contact">,
  deps: SealedWordsDeps,
): Promise<Contact> {
  return JSON.parse(await openWords("contact", sealed, placeOf(table, id), deps));
}

/** Brings contacts under the present keys; how many. A row that changes meanwhile keeps its change. */
export async function resealContacts(
  isStale: (sealed: Uint8Array) => boolean,
  book: PeopleBook,
  nowMs: number,
  deps: SealedWordsDeps,
): Promise<number> {
  let values = 0;
  for (const { id, sealed } of book.people().filter(({ sealed }) => sealed && isStale(sealed))) {
    if (!sealed) continue;
    book.setPersonSealed(id, await sealContact("person", id, await openContact("person", id, sealed, deps), deps));
    values++;
  }
  for (const { id, sealed } of book.openInvitations(nowMs).filter(({ sealed }) => sealed && isStale(sealed))) {
    if (!sealed) continue;
    const contact = await openContact("invitation", id, sealed, deps);
    book.setInvitationSealed(id, await sealContact("invitation", id, contact, deps));
    values++;
  }
  return values;
}
