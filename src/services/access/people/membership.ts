/**
 * Who belongs: invitations, members, roles. Every rule is looked at again in the same synchronous piece that writes, so no two
 * requests at once come to what neither may: two owners who remove each other, an invitation that is accepted twice.
 *
 * Commit order of an invitation, with the crash after each step:
 *  1. the address is counted by the cell              counted once too often
 *  2. the contact is sealed, in memory                nothing
 *  3. row, due mail and entry job, one transaction    the alarm sends and tells
 *  4. the secret's hash, then the mail                the alarm makes another secret and sends again; only the newest works
 *  5. the due mail is dropped                         done
 * Of an acceptance: invitation closed, person, session, index revision and entry jobs are one transaction.
 */
import { AppError } from "../../../core/errors.ts";
import { makeId } from "../../../core/ids.ts";
import { LIMITS } from "../../../core/limits.ts";
import { permissionsOf, type Role } from "../../permissions.ts";
import type { AskedBy } from "../../tenancy/jobs.ts";
import { mailLookup, normaliseEmail } from "./address.ts";
import type { DescribedInvitation, DescribedPerson, InviteWish, SignIn } from "./calls.ts";
import { openContact, sealContact } from "./contacts.ts";
import { deliverMails, tellIndex } from "./deliveries.ts";
import type { PeopleDeps } from "./deps.ts";
import { entryOf, type Told } from "./events.ts";
import type { Invitation, PeopleBook, Person } from "./records.ts";
import { demandAnOwner, demandWithin, type Holding, holdsAll } from "./roles.ts";
import { secretHash } from "./secrets.ts";
import { newSession, nounOf, signedInEntry, signInOf, themselves } from "./sessions.ts";

/** Throws `member.exists`, `auth.forbidden`, `tier.required`, `limit.reached`, `mail.unavailable`, `mail.too_many`. */
export async function invite(wish: InviteWish, deps: PeopleDeps): Promise<DescribedInvitation> {
  if (!deps.mailer) throw new AppError("mail.unavailable");
  demandInvitable(wish, deps);
  if (!(await deps.mayInvite(mailLookup(deps.pepper, wish.email)))) throw tooManyMails();
  const { prepared, write, entries } = await preparedInvitation(wish, deps);
  await deps.commit(write, entries);
  await deliverMails(deps);
  return describedInvitation(prepared, deps);
}

/** For whoever writes it in a transaction of their own: nothing is written yet. The mail goes out with the next delivery. */
export async function preparedInvitation(wish: InviteWish, deps: PeopleDeps) {
  const { book, clock, uuid, jurisdiction, pepper } = deps;
  const id = makeId("invitation", jurisdiction, uuid());
  const createdAtMs = clock();
  const contact = { email: normaliseEmail(wish.email), name: wish.name };
  const prepared: Invitation = {
    id,
    role: wish.role,
    sealed: await sealContact("invitation", id, contact, deps),
    lookup: mailLookup(pepper, wish.email),
    by: wish.by,
    createdAtMs,
    expiresAtMs: createdAtMs + LIMITS.invitationMs,
    acceptedAtMs: null,
    withdrawnAtMs: null,
    mails: 1,
  };
  const write = () => {
    demandInvitable(wish, deps);
    book.addInvitation(prepared);
    book.addMail({ kind: "invitation", invitationId: id }, createdAtMs);
  };
  const metadata = { role: wish.role };
  const told: Told = {
    what: "member_invited",
    actor: wish.by,
    targets: [{ type: "invitation", id }],
    metadata,
    once: id,
  };
  return { prepared, write, entries: () => [entry(told, deps)] };
}

function demandInvitable({ email, role, by, holding }: InviteWish, deps: PeopleDeps): void {
  const { book, clock, pepper } = deps;
  demandWithin(role, holdingNow(by, holding, deps));
  const lookup = mailLookup(pepper, email);
  if (book.personByLookup(lookup)) throw new AppError("member.exists", { detail: "the address is a member's" });
  const open = book.openInvitations(clock());
  if (open.some((invitation) => invitation.lookup === lookup)) {
    throw new AppError("member.exists", { detail: "the address is invited already: send that invitation again" });
  }
  deps.demandRoom(book.people().length + open.length);
}

/** A member's role may have changed since the Worker asked. Throws `auth.required` for somebody who is none any more. */
export function holdingNow(by: AskedBy, holding: Holding, { book, kind }: Pick<PeopleDeps, "book" | "kind">): Holding {
  if (kind !== "member" || by.type !== "user") return holding;
  const person = book.person(by.id);
  if (!person || person.removedAtMs !== null || person.role === null) throw new AppError("auth.required");
  return permissionsOf(person.role);
}

export async function invitations(deps: PeopleDeps): Promise<DescribedInvitation[]> {
  return Promise.all(
    deps.book.openInvitations(deps.clock()).map((invitation) => describedInvitation(invitation, deps)),
  );
}

export async function withdrawInvitation(id: string, by: AskedBy, holding: Holding, deps: PeopleDeps): Promise<void> {
  await deps.commit(
    () => {
      demandWithin(openInvitation(id, deps).role, holdingNow(by, holding, deps));
      deps.book.closeInvitation(id, "withdrawn", deps.clock());
    },
    () => [withdrawnEntry(id, by, deps)],
  );
}

/** Its time begins anew, and links of earlier mails end. Throws `mail.too_many` after `LIMITS.invitationMails`. */
export async function resendInvitation(
  id: string,
  by: AskedBy,
  holding: Holding,
  deps: PeopleDeps,
): Promise<DescribedInvitation> {
  if (!deps.mailer) throw new AppError("mail.unavailable");
  const { book, clock } = deps;
  const check = () => {
    const invitation = openInvitation(id, deps);
    demandWithin(invitation.role, holdingNow(by, holding, deps));
    if (invitation.mails >= LIMITS.invitationMails) throw tooManyMails();
    return invitation;
  };
  if (!(await deps.mayInvite(check().lookup ?? ""))) throw tooManyMails();
  const sent = await deps.commit(
    () => {
      const { mails } = check();
      book.renewInvitation(id, clock() + LIMITS.invitationMs);
      book.addMail({ kind: "invitation", invitationId: id }, clock());
      return mails + 1;
    },
    (mails) => [
      entry(
        { what: "invitation_sent_again", actor: by, targets: [{ type: "invitation", id }], once: `${id}:${mails}` },
        deps,
      ),
    ],
  );
  await deliverMails(deps);
  return describedInvitation({ ...openInvitation(id, deps), mails: sent }, deps);
}

/** Whoever has the link has the address: they join and are signed in. Throws `auth.link_invalid`, `member.exists`. */
export async function acceptInvitation(
  secret: string,
  name: string | null,
  device: string,
  deps: PeopleDeps,
): Promise<SignIn> {
  const { book, clock, uuid, jurisdiction, kind } = deps;
  const find = () => {
    const hash = secretHash(secret);
    const found = hash && book.invitationBySecret(hash);
    if (!found || !isOpen(found, clock()) || !found.sealed) throw new AppError("auth.link_invalid");
    return { ...found, sealed: found.sealed };
  };
  const invitation = find();
  const contact = await openContact("invitation", invitation.id, invitation.sealed, deps);
  const id = makeId(kind, jurisdiction, uuid());
  const sealed = await sealContact("person", id, { ...contact, name: name ?? contact.name }, deps);
  const session = newSession(id, device, deps);
  await deps.commit(
    () => {
      const { lookup, role } = find();
      if (lookup && book.personByLookup(lookup)) throw new AppError("member.exists");
      const createdAtMs = clock();
      book.closeInvitation(invitation.id, "accepted", createdAtMs);
      book.addPerson({ id, role, sealed, lookup, createdAtMs, removedAtMs: null });
      book.changeIndex();
      book.addSession(session);
      return role;
    },
    (role) => {
      const actor = themselves(session, deps);
      const targets = [
        { type: "user", id },
        { type: "invitation", id: invitation.id },
      ];
      return [
        entry({ what: "member_joined", actor, targets, metadata: { role }, once: id }, deps),
        signedInEntry(session, "invitation", deps),
      ];
    },
  );
  await tellIndex(deps);
  return signInOf(session, deps);
}

export async function people(deps: PeopleDeps): Promise<DescribedPerson[]> {
  return Promise.all(deps.book.people().map((person) => describedPerson(person, deps)));
}

/** Invitations that they had sent and that make somebody more than they are now themselves end with what they held. */
export async function updatePerson(
  id: string,
  role: Role,
  by: AskedBy,
  holding: Holding,
  deps: PeopleDeps,
): Promise<DescribedPerson> {
  const { book, uuid } = deps;
  await deps.commit(
    () => {
      const person = present(id, deps);
      const held = holdingNow(by, holding, deps);
      demandWithin(person.role, held);
      demandWithin(role, held);
      demandAnOwner(book.people(), person, role);
      if (person.role !== role) book.setRole(id, role);
      const beyond = (invited: Role | null) => invited !== null && !holdsAll(permissionsOf(role), invited);
      return { before: person.role, withdrawn: withdrawSent(id, beyond, deps) };
    },
    ({ before, withdrawn }) => {
      if (before === role) return [];
      const metadata = { role, role_before: before };
      return [
        entry(
          { what: "member_updated", actor: by, targets: [{ type: "user", id }], metadata, once: `${id}:${uuid()}` },
          deps,
        ),
        ...withdrawn.map((invitationId) => withdrawnEntry(invitationId, by, deps)),
      ];
    },
  );
  return describedPerson(present(id, deps), deps);
}

/** Their sessions end, and so do the invitations that they had sent: nobody comes back in by one of their own. */
export async function removePerson(id: string, by: AskedBy, holding: Holding, deps: PeopleDeps): Promise<void> {
  await deps.commit(
    () => removal(id, () => demandWithin(present(id, deps).role, holdingNow(by, holding, deps)), deps),
    (withdrawn) => [
      entry({ what: "member_removed", actor: by, targets: [{ type: "user", id }], once: id }, deps),
      ...withdrawn.map((invitationId) => withdrawnEntry(invitationId, by, deps)),
    ],
  );
  await tellIndex(deps);
}

/** Before an erasure begins. Nothing, when they are none of these. Throws `member.last_owner`. */
export function demandErasable(id: string, book: PeopleBook): void {
  const person = book.person(id);
  if (person && person.removedAtMs === null) demandAnOwner(book.people(), person, null);
}

export const tooManyMails = () => new AppError("mail.too_many", { retryAfterSeconds: LIMITS.mailWindowMs / 1000 });

/** For the erasure of a person, inside its transaction: not even the row stays. Nothing, when they are none of these. */
export function erasePerson(id: string, deps: Pick<PeopleDeps, "book" | "clock">): void {
  if (!deps.book.person(id)) return;
  if (deps.book.person(id)?.removedAtMs === null) removal(id, () => {}, deps);
  deps.book.removePerson(id, deps.clock(), true);
}

/** Which of their invitations went with them. */
function removal(id: string, demand: () => void, deps: Pick<PeopleDeps, "book" | "clock">): string[] {
  const { book, clock } = deps;
  demand();
  const person = book.person(id);
  if (!person) throw new AppError("resource.not_found");
  demandAnOwner(book.people(), person, null);
  const nowMs = clock();
  for (const session of book.sessions(id, nowMs)) book.endSession(session.id, nowMs);
  const withdrawn = withdrawSent(id, () => true, deps);
  book.removePerson(id, nowMs);
  book.changeIndex();
  return withdrawn;
}

/** Within a transaction: takes back what this person has sent and what `isMeant`. Their ids. */
function withdrawSent(
  personId: string,
  isMeant: (role: Role | null) => boolean,
  { book, clock }: Pick<PeopleDeps, "book" | "clock">,
): string[] {
  const sent = book.openInvitations(clock()).filter(({ by, role }) => by.id === personId && isMeant(role));
  for (const { id } of sent) book.closeInvitation(id, "withdrawn", clock());
  return sent.map(({ id }) => id);
}

const withdrawnEntry = (id: string, by: AskedBy, deps: PeopleDeps) =>
  entry({ what: "invitation_withdrawn", actor: by, targets: [{ type: "invitation", id }], once: id }, deps);

function present(id: string, { book }: PeopleDeps): Person {
  const person = book.person(id);
  if (!person || person.removedAtMs !== null) throw new AppError("resource.not_found");
  return person;
}

const isOpen = ({ acceptedAtMs, withdrawnAtMs, expiresAtMs }: Invitation, nowMs: number): boolean =>
  acceptedAtMs === null && withdrawnAtMs === null && expiresAtMs > nowMs;

function openInvitation(id: string, { book, clock }: PeopleDeps): Invitation {
  const invitation = book.invitation(id);
  if (!invitation || !isOpen(invitation, clock())) throw new AppError("resource.not_found");
  return invitation;
}

async function describedPerson({ id, role, sealed, createdAtMs }: Person, deps: PeopleDeps): Promise<DescribedPerson> {
  const contact = sealed ? await openContact("person", id, sealed, deps) : { email: "", name: "" };
  return { ...contact, id, role, createdAtMs };
}

async function describedInvitation(invitation: Invitation, deps: PeopleDeps): Promise<DescribedInvitation> {
  const { id, role, sealed, by, createdAtMs, expiresAtMs } = invitation;
  const contact = sealed ? await openContact("invitation", id, sealed, deps) : { email: "", name: "" };
  return { ...contact, id, role, by: by.id, createdAtMs, expiresAtMs };
}

const entry = (told: Told, deps: PeopleDeps) => entryOf(nounOf(deps), deps.domainId, told);
