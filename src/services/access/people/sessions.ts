/** Sessions: opened by whoever has shown who they are, looked up at every request that no cache answers, ended at once. */
import { AppError } from "../../../core/errors.ts";
import { makeId } from "../../../core/ids.ts";
import { LIMITS } from "../../../core/limits.ts";
import type { AskedBy } from "../../tenancy/jobs.ts";
import type { SessionPrincipal } from "../principal.ts";
import type { SignIn } from "./calls.ts";
import type { PeopleDeps } from "./deps.ts";
import { entryOf } from "./events.ts";
import type { PeopleBook, Session } from "./records.ts";

/** Not stored yet. */
export function newSession(
  personId: string,
  device: string,
  { clock, uuid, jurisdiction, sessionMs }: PeopleDeps,
  secondFactorAtMs: number | null = null,
): Session {
  const nowMs = clock();
  return {
    id: makeId("session", jurisdiction, uuid()),
    personId,
    device,
    createdAtMs: nowMs,
    expiresAtMs: nowMs + sessionMs,
    seenAtMs: nowMs,
    endedAtMs: null,
    secondFactorAtMs,
  };
}

/** Adds it inside a transaction of the caller. A person has at most `LIMITS.sessionsPerPerson`: the oldest ones make room. */
export function addSession(session: Session, { book, clock }: Pick<PeopleDeps, "book" | "clock">): void {
  const open = book.sessions(session.personId, clock());
  for (const { id } of open.slice(LIMITS.sessionsPerPerson - 1)) book.endSession(id, clock());
  book.addSession(session);
}

export function signedInEntry(
  session: Session,
  method: "magic_link" | "invitation" | "device" | "password" | "passkey" | "identity_provider",
  deps: Pick<PeopleDeps, "kind" | "domainId">,
) {
  const targets = [{ type: "session", id: session.id }];
  const told = {
    what: "login" as const,
    actor: themselves(session, deps),
    targets,
    metadata: { method },
    once: session.id,
  };
  return entryOf(nounOf(deps), deps.domainId, told);
}

/** The person of a session, as the one who acts in it. */
export function themselves({ id, personId }: Session, { kind }: Pick<PeopleDeps, "kind">): AskedBy {
  return { type: kind === "member" ? "user" : "support", id: personId, via: { type: "session", id } };
}

export const nounOf = ({ kind }: Pick<PeopleDeps, "kind">) => (kind === "member" ? "tenant" : "staff");

/**
 * For a device that this session has approved: its second factor counts for the device's, and its end is the device's latest, or a stolen
 * session could go on for ever by approving one device after the other. Throws `auth.required`.
 */
export async function openSession(
  approved: { sessionId: string; personId: string },
  device: string,
  deps: PeopleDeps,
): Promise<SignIn> {
  const { book, clock } = deps;
  const session = await deps.commit(
    () => {
      const by = openOne(book, approved.sessionId, clock());
      if (!by || by.personId !== approved.personId) throw new AppError("auth.required");
      const own = newSession(by.personId, device, deps, by.secondFactorAtMs);
      const session = { ...own, expiresAtMs: Math.min(own.expiresAtMs, by.expiresAtMs) };
      addSession(session, deps);
      return session;
    },
    (opened) => [signedInEntry(opened, "device", deps)],
  );
  return signInOf(session, deps);
}

export const signInOf = ({ id, personId, expiresAtMs }: Session, { kind, tenantId }: PeopleDeps): SignIn => ({
  personId,
  sessionId: id,
  expiresAtMs,
  tenantId: kind === "member" ? tenantId : null,
});

/** Who a session is of; null when it has ended, or its person is no more. No store but the object's own is asked. */
export function sessionPrincipal(
  sessionId: string,
  personId: string,
  {
    book,
    clock,
    kind,
    tenantId,
    permissions,
  }: Pick<PeopleDeps, "book" | "clock" | "kind" | "tenantId" | "permissions">,
): SessionPrincipal | null {
  const nowMs = clock();
  const session = openOne(book, sessionId, nowMs);
  const person = session?.personId === personId ? book.person(personId) : null;
  if (!session || !person || person.removedAtMs !== null) return null;
  if (nowMs - session.seenAtMs >= LIMITS.sessionSeenMs) book.seeSession(sessionId, nowMs);
  return {
    kind,
    tenantId: kind === "member" ? tenantId : null,
    permissions: permissions(person),
    person: { id: personId, sessionId, role: person.role, secondFactorAtMs: session.secondFactorAtMs },
  };
}

function openOne(book: PeopleBook, sessionId: string, nowMs: number): Session | null {
  const session = book.session(sessionId);
  return session && session.endedAtMs === null && session.expiresAtMs > nowMs ? session : null;
}

/** Throws `resource.not_found` for what is not open, or not `personId`'s. */
export async function endSession(
  sessionId: string,
  by: AskedBy,
  personId: string | null,
  deps: PeopleDeps,
): Promise<void> {
  const { book, clock } = deps;
  await deps.commit(
    () => {
      const session = openOne(book, sessionId, clock());
      if (!session || (personId !== null && session.personId !== personId)) throw new AppError("resource.not_found");
      book.endSession(sessionId, clock());
      return session;
    },
    (session) => [endedEntry(session, by, deps)],
  );
}

export async function endSessions(
  personId: string,
  by: AskedBy,
  except: string | null,
  deps: PeopleDeps,
): Promise<number> {
  const { book, clock } = deps;
  const ended = await deps.commit(
    () => {
      if (!book.person(personId)) throw new AppError("resource.not_found");
      const open = book.sessions(personId, clock()).filter(({ id }) => id !== except);
      for (const { id } of open) book.endSession(id, clock());
      return open;
    },
    (open) => open.map((session) => endedEntry(session, by, deps)),
  );
  return ended.length;
}

export function endedEntry({ id, personId }: Session, by: AskedBy, deps: PeopleDeps) {
  return entryOf(nounOf(deps), deps.domainId, {
    what: "session_ended",
    actor: by,
    targets: [
      { type: "session", id },
      { type: "user", id: personId },
    ],
    once: id,
  });
}
