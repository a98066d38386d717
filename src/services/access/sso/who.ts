/**
 * Who it is that a provider has shown: a member by verified address, somebody with an open invitation, or, where the tenant says so,
 * anybody of its domains. Once signed in, a member is known by what the provider calls them: an address that goes to somebody else
 * brings nobody in.
 */
import type { JWTPayload } from "jose";
import { toHex, utf8 } from "../../../core/bytes.ts";
import { AppError } from "../../../core/errors.ts";
import { makeId } from "../../../core/ids.ts";
import { LIMITS } from "../../../core/limits.ts";
import { hkdfSha256 } from "../../../crypto/hkdf.ts";
import { hmacSha256 } from "../../../crypto/hmac.ts";
import { countFailure, NOBODY } from "../factors/login-failures.ts";
import { EMAIL_CHARS, EMAIL_PATTERN, mailLookup, normaliseEmail } from "../people/address.ts";
import type { SignIn } from "../people/calls.ts";
import { openContact, sealContact } from "../people/contacts.ts";
import { tellIndex } from "../people/deliveries.ts";
import { entryOf } from "../people/events.ts";
import type { Invitation } from "../people/records.ts";
import { addSession, newSession, signedInEntry, signInOf, themselves } from "../people/sessions.ts";
import type { JoinRule } from "./calls.ts";
import { ssoRefused } from "./id-token.ts";
import type { SsoDeps } from "./records.ts";

export interface Proven {
  issuer: string;
  claims: JWTPayload;
  secondFactorAtMs: number | null;
  device: string;
}

/** Throws `auth.sso_refused`. The session, whoever joins with it, and their entries are one transaction. */
export async function signInProven(proven: Proven, deps: SsoDeps): Promise<SignIn> {
  const { people, book } = deps;
  const email = verifiedEmail(proven.claims);
  const lookup = mailLookup(people.pepper, email);
  const subject = subjectHash(proven, people.pepper);
  const member = people.book.personByLookup(lookup);
  if (!member) return join(proven, { email, lookup, subject }, deps);
  const session = newSession(member.id, proven.device, people, proven.secondFactorAtMs);
  await people.commit(
    () => {
      if (people.book.person(member.id)?.removedAtMs !== null) throw notAMember();
      demandSame(member.id, subject, proven, deps);
      book.setSubject(member.id, subject);
      addSession(session, people);
    },
    () => [signedInEntry(session, "identity_provider", people)],
  );
  return signInOf(session, people);
}

function verifiedEmail({ email, email_verified }: JWTPayload): string {
  if (typeof email !== "string" || email.length > EMAIL_CHARS || !EMAIL_PATTERN.test(email)) {
    throw ssoRefused("the provider names no address");
  }
  // Exactly true: some providers say it in words, and an unverified address is anybody's.
  if (email_verified !== true) throw ssoRefused("the provider has not verified the address");
  return normaliseEmail(email);
}

/** Keyed and bound to the issuer: the object does not keep what the provider calls somebody. */
function subjectHash({ issuer, claims }: Proven, pepper: Uint8Array): string {
  const key = hkdfSha256(new Uint8Array(0), pepper, utf8("moonseal/sso-subject/v1\n"));
  return toHex(hmacSha256(key, JSON.stringify([issuer, claims.sub])));
}

/** Still the tenant's provider, the same account of it as before, and no account for two members. */
function demandSame(personId: string, subject: string, { issuer }: Proven, { book }: SsoDeps): void {
  if (book.provider()?.issuer !== issuer) throw ssoRefused("the tenant has another provider now");
  const [known, holder] = [book.subject(personId), book.personBySubject(subject)];
  if ((known !== null && known !== subject) || (holder !== null && holder !== personId)) {
    throw ssoRefused("the address belongs to another account of the provider now: ask an owner of the tenant");
  }
}

interface Newcomer {
  email: string;
  lookup: string;
  subject: string;
}

async function join(proven: Proven, { email, lookup, subject }: Newcomer, deps: SsoDeps): Promise<SignIn> {
  const { people, book } = deps;
  const invitation = people.book.openInvitationByLookup(lookup, people.clock());
  if (!invitation && !ruleFor(email, deps)) throw notAMember();
  const id = makeId("member", people.jurisdiction, people.uuid());
  const name = await nameOf(proven.claims, invitation, email, deps);
  const sealed = await sealContact("person", id, { email, name }, people);
  const session = newSession(id, proven.device, people, proven.secondFactorAtMs);
  await people.commit(
    () => {
      if (people.book.personByLookup(lookup)) throw new AppError("member.exists");
      demandSame(id, subject, proven, deps);
      const createdAtMs = people.clock();
      // Both are looked at again: it may have been withdrawn, or the rule changed, since.
      const open = people.book.openInvitationByLookup(lookup, createdAtMs);
      const role = open ? open.role : ruleFor(email, deps)?.role;
      if (role === undefined) throw notAMember();
      if (open) people.book.closeInvitation(open.id, "accepted", createdAtMs);
      else people.demandRoom(people.book.people().length + people.book.openInvitations(createdAtMs).length);
      people.book.addPerson({ id, role, sealed, lookup, createdAtMs, removedAtMs: null });
      people.book.changeIndex();
      book.setSubject(id, subject);
      people.book.addSession(session);
      return { role, open };
    },
    ({ role, open }) => {
      const targets = [{ type: "user", id }, ...(open ? [{ type: "invitation", id: open.id }] : [])];
      const told = { what: "member_joined", actor: themselves(session, people), targets } as const;
      const metadata = { role, by: open ? "invitation" : "identity_provider" };
      const joined = entryOf("tenant", people.domainId, { ...told, metadata, once: id });
      return [joined, signedInEntry(session, "identity_provider", people)];
    },
  );
  await tellIndex(people);
  return signInOf(session, people);
}

function ruleFor(email: string, { book }: SsoDeps): JoinRule | null {
  const join = book.provider()?.join ?? null;
  const domain = email.slice(email.lastIndexOf("@") + 1).toLowerCase();
  return join?.emailDomains.includes(domain) ? join : null;
}

const NAME = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>]+$/u;

/** What the provider calls them if that is fit to be shown; else the invitation's word, else the address's first part. */
async function nameOf(
  { name }: JWTPayload,
  invitation: Invitation | null,
  email: string,
  { people }: SsoDeps,
): Promise<string> {
  if (typeof name === "string" && NAME.test(name) && name.trim() === name && name.length <= LIMITS.personNameChars)
    return name;
  if (invitation?.sealed) return (await openContact("invitation", invitation.id, invitation.sealed, people)).name;
  return email.slice(0, email.lastIndexOf("@")).slice(0, LIMITS.personNameChars);
}

/** Who it was nobody knows, and anybody can be refused as often as they like: the log hears of it twice an hour. */
export async function tellRefusal({ people, failures }: SsoDeps): Promise<void> {
  await people.commit(
    () => countFailure(failures, people, NOBODY, "identity_provider", people.clock()),
    (entries) => entries,
  );
}

const notAMember = () => ssoRefused("nobody has invited you to this tenant: ask one of its owners");
