/** What a cell's Worker asks about people. Plain values: they cross RPC. */
import type { KeptMail } from "../../mail/mail.ts";
import type { Role } from "../../permissions.ts";
import type { AskedBy } from "../../tenancy/jobs.ts";
import type { Contact, Session } from "./records.ts";
import type { Holding } from "./roles.ts";

export interface InviteWish extends Contact {
  role: Role | null;
  by: AskedBy;
  holding: Holding;
}

export interface DescribedPerson extends Contact {
  id: string;
  role: Role | null;
  createdAtMs: number;
}

export interface DescribedInvitation extends Contact {
  id: string;
  role: Role | null;
  by: string;
  createdAtMs: number;
  expiresAtMs: number;
}

/** Somebody who has just signed in: what a token is made of. */
export interface SignIn {
  personId: string;
  sessionId: string;
  tenantId: string | null;
  /** When the session ends; Unix ms. */
  expiresAtMs: number;
}

export interface LoginWish {
  /** Names the wish: however often it is brought, it is one link. */
  wish: string;
  lookup: string;
  browserHash: string;
  device: string;
}

export interface PeopleCalls {
  /** Throws `member.exists`, `auth.forbidden`, `tier.required`, `limit.reached`, `mail.unavailable`, `mail.too_many`. */
  invite(wish: InviteWish): Promise<DescribedInvitation>;
  invitations(): Promise<DescribedInvitation[]>;
  /** Throws `resource.not_found`, `auth.forbidden`. */
  withdrawInvitation(id: string, by: AskedBy, holding: Holding): Promise<void>;
  resendInvitation(id: string, by: AskedBy, holding: Holding): Promise<DescribedInvitation>;
  /** Throws `auth.link_invalid`, `member.exists`. `name`: what the person calls themselves, when they say so. */
  acceptInvitation(secret: string, name: string | null, device: string): Promise<SignIn>;
  people(): Promise<DescribedPerson[]>;
  /** Throws `resource.not_found`, `auth.forbidden`, `member.last_owner`. */
  updatePerson(id: string, role: Role, by: AskedBy, holding: Holding): Promise<DescribedPerson>;
  removePerson(id: string, by: AskedBy, holding: Holding): Promise<void>;
  /** Sends a link when the address is one of theirs. */
  requestLogin(wish: LoginWish): Promise<void>;
  /** Throws `auth.link_invalid`, `auth.link_other_browser`. */
  confirmLogin(secret: string, browserHash: string | null, device: string): Promise<SignIn>;
  /** For a device that this session has approved. Throws `auth.required` when the session is no more. */
  openSession(approved: { sessionId: string; personId: string }, device: string): Promise<SignIn>;
  /** Of one person, or of everybody; open ones, newest first. */
  sessions(personId: string | null): Promise<Session[]>;
  /** Throws `resource.not_found`. With `personId` only that person's. */
  endSession(sessionId: string, by: AskedBy, personId: string | null): Promise<void>;
  /** All of a person's, but `except`. How many. Throws `resource.not_found`. */
  endSessions(personId: string, by: AskedBy, except: string | null): Promise<number>;
}

export interface AskedLogin {
  email: string;
  browserHash: string;
  device: string;
}

/** Who has approved a device. */
export interface Approver {
  tenantId: string | null;
  personId: string;
  sessionId: string;
}

export type DeviceAnswer =
  | { state: "pending" | "slow_down" | "expired" | "denied" }
  | { state: "approved"; device: string; by: Approver };

/** What the cell's own object is asked about signing in, before anybody knows by whom. */
export interface SigningInCalls {
  /** The same for every address. Throws `storage.unavailable`. */
  requestLogin(wish: AskedLogin): Promise<void>;
  addDevice(deviceHash: string, userCode: string, device: string): Promise<boolean>;
  waitingDevice(userCode: string, sessionId: string): Promise<{ device: string } | "too_many" | null>;
  decideDevice(userCode: string, by: Approver | null): Promise<boolean>;
  pollDevice(deviceHash: string): Promise<DeviceAnswer>;
  /** Newest first; empty where mails are sent. */
  outbox(): Promise<KeptMail[]>;
}
