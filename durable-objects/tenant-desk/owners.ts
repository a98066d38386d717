/** Telling every owner of a tenant by mail, in the transaction of what they are told of. */
import type { PeopleDeps } from "../../src/services/access/people/deps.ts";
import type { OperatorNotice } from "../../src/services/access/people/records.ts";
import { ROLES } from "../../src/services/permissions.ts";

const OWNERS = ROLES.slice(ROLES.indexOf("owner"));

export function notifyOwners(kind: OperatorNotice, { book, clock }: Pick<PeopleDeps, "book" | "clock">): void {
  for (const { id, role } of book.people()) {
    if (role !== null && OWNERS.includes(role)) book.addMail({ kind, personId: id }, clock());
  }
}
