/** People who can sign in, as the object that keeps them knows them: a tenant's members, or the operator's staff. Times: Unix ms. */
import type { Sealed } from "../../../crypto/sealed.ts";
import type { Role } from "../../permissions.ts";
import type { AskedBy } from "../../tenancy/jobs.ts";

/** How a person is reached. Sealed wherever it is stored. */
export interface Contact {
  email: string;
  name: string;
}

export interface Person {
  id: string;
  /** Null for the operator's people. */
  role: Role | null;
  /** Null once removed: nothing about the person is left but the id, the role and two times. */
  sealed: Sealed<"contact"> | null;
  /** `mailLookup` of the address, lower-case hex; null once removed. */
  lookup: string | null;
  createdAtMs: number;
  removedAtMs: number | null;
}

export interface Invitation {
  id: string;
  role: Role | null;
  /** Null once it was accepted, withdrawn, or has expired and was cleared. */
  sealed: Sealed<"contact"> | null;
  lookup: string | null;
  by: AskedBy;
  createdAtMs: number;
  expiresAtMs: number;
  acceptedAtMs: number | null;
  withdrawnAtMs: number | null;
  /** Mails that were asked for, the first one counted. */
  mails: number;
}

/** One wish to sign in by mail. */
export interface LoginLink {
  id: number;
  personId: string;
  /** SHA-256 of the secret that the browser that asked keeps in a cookie, lower-case hex. */
  browserHash: string;
  device: string;
  createdAtMs: number;
  expiresAtMs: number;
  usedAtMs: number | null;
  /** Times that it was opened in a browser that had not asked. */
  failures: number;
}

export interface Session {
  id: string;
  personId: string;
  /** What signed in, in words for its owner: `Firefox on Linux`. No address. */
  device: string;
  createdAtMs: number;
  expiresAtMs: number;
  /** Within a minute. */
  seenAtMs: number;
  endedAtMs: number | null;
  secondFactorAtMs: number | null;
}

/** A mail that has still to go out. Its secret is made when it goes out, and only its hash is stored. */
export type DueMail = { id: number; tries: number } & MailToSend;

export type MailToSend =
  | { kind: "login"; linkId: number }
  | { kind: "invitation"; invitationId: string }
  /** To a person, without a secret: what the operator did in their tenant. */
  | { kind: OperatorNotice; personId: string };

export const OPERATOR_NOTICES = ["break_glass", "recovery", "api_key_leaked"] as const;
export type OperatorNotice = (typeof OPERATOR_NOTICES)[number];

/** The books of one object: synchronous, in its own SQLite. Every change runs inside a transaction of the caller. */
export interface PeopleBook {
  person(id: string): Person | null;
  personByLookup(lookup: string): Person | null;
  /** Those who were not removed, oldest first. */
  people(): Person[];
  addPerson(person: Person): void;
  setRole(id: string, role: Role): void;
  setPersonSealed(id: string, sealed: Sealed<"contact">): void;
  /** Forgets the contact; with `wholly` the row itself and its sessions. */
  removePerson(id: string, atMs: number, wholly?: boolean): void;

  invitation(id: string): Invitation | null;
  invitationBySecret(secretHash: Uint8Array): Invitation | null;
  openInvitationByLookup(lookup: string, nowMs: number): Invitation | null;
  /** Those that can still be accepted, oldest first. */
  openInvitations(nowMs: number): Invitation[];
  addInvitation(invitation: Invitation): void;
  setInvitationSealed(id: string, sealed: Sealed<"contact">): void;
  setInvitationSecret(id: string, secretHash: Uint8Array): void;
  renewInvitation(id: string, expiresAtMs: number): void;
  /** Ends it and forgets the contact. */
  closeInvitation(id: string, how: "accepted" | "withdrawn", atMs: number): void;

  link(id: number): LoginLink | null;
  linkBySecret(secretHash: Uint8Array): LoginLink | null;
  /** Null: there is a link for this wish already. */
  addLink(link: Omit<LoginLink, "id">, wish: string): number | null;
  setLinkSecret(id: number, secretHash: Uint8Array): void;
  useLink(id: number, atMs: number): void;
  failLink(id: number): number;

  session(id: string): Session | null;
  /** Open ones, newest first; of everybody when `personId` is null. */
  sessions(personId: string | null, nowMs: number): Session[];
  addSession(session: Session): void;
  seeSession(id: string, atMs: number): void;
  endSession(id: string, atMs: number): void;
  /** A second factor was shown in it. Open sessions only. */
  secondFactorShown(sessionId: string, atMs: number): void;

  addMail(mail: MailToSend, dueAtMs: number): void;
  dueMails(nowMs: number): DueMail[];
  nextMailAtMs(): number | null;
  delayMail(id: number, untilMs: number): void;
  finishMail(id: number): void;

  /** Counts up with every change of who can be reached by mail; `told`: what the cell's index knows of. */
  index(): { revision: number; told: number };
  changeIndex(): void;
  toldIndex(revision: number): void;

  /** Drops what ended more than `keptMs` ago: links, sessions, invitations. Bounded. */
  sweep(nowMs: number, keptMs: number): void;
}
