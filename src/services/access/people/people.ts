/** Everything that is asked about people, over the books of one object. */
import type { PeopleCalls } from "./calls.ts";
import type { PeopleDeps } from "./deps.ts";
import { confirmLogin, requestLogin } from "./links.ts";
import {
  acceptInvitation,
  invitations,
  invite,
  people,
  removePerson,
  resendInvitation,
  updatePerson,
  withdrawInvitation,
} from "./membership.ts";
import { endSession, endSessions, openSession } from "./sessions.ts";

export function peopleCalls(deps: PeopleDeps): PeopleCalls {
  return {
    invite: (wish) => invite(wish, deps),
    invitations: () => invitations(deps),
    withdrawInvitation: (id, by, holding) => withdrawInvitation(id, by, holding, deps),
    resendInvitation: (id, by, holding) => resendInvitation(id, by, holding, deps),
    acceptInvitation: (secret, name, device) => acceptInvitation(secret, name, device, deps),
    people: () => people(deps),
    updatePerson: (id, role, by, holding) => updatePerson(id, role, by, holding, deps),
    removePerson: (id, by, holding) => removePerson(id, by, holding, deps),
    requestLogin: (wish) => requestLogin(wish, deps),
    confirmLogin: (secret, browserHash, device) => confirmLogin(secret, browserHash, device, deps),
    openSession: (approved, device) => openSession(approved, device, deps),
    sessions: async (personId) => deps.book.sessions(personId, deps.clock()),
    endSession: (id, by, personId) => endSession(id, by, personId, deps),
    endSessions: (personId, by, except) => endSessions(personId, by, except, deps),
  };
}

/** One of them by its name, as it crosses RPC. Throws TypeError on a name that is none. */
export function callPeople<K extends keyof PeopleCalls>(
  deps: PeopleDeps,
  name: K,
  args: Parameters<PeopleCalls[K]>,
): ReturnType<PeopleCalls[K]> {
  const calls = peopleCalls(deps);
  if (!Object.hasOwn(calls, name)) throw new TypeError("no such call about people");
  const call = calls[name] as (...args: Parameters<PeopleCalls[K]>) => ReturnType<PeopleCalls[K]>;
  return call(...args);
}
