/** Who the people of an event are, as the event names them: what `audit_subject_pii` keeps of the first sighting. */
import { type AuditEvent, isPersonActor, PERSON_TYPES } from "../../../core/event.ts";

export interface Sighting {
  /** Lower-case hex. */
  pseudonym: string;
  identityId: string;
  email: string | null;
  ip: string | null;
  idpClaimNames: readonly string[] | null;
}

/** Each person once; the first place in the event that says something wins. */
export function sightingsOf(event: AuditEvent, pseudonymOf: (identityId: string) => string): Sighting[] {
  const found = new Map<string, Sighting>();
  const see = (identityId: string, email?: string, ip?: string, idpClaimNames?: readonly string[]) => {
    const pseudonym = pseudonymOf(identityId);
    const known = found.get(pseudonym) ?? { pseudonym, identityId, email: null, ip: null, idpClaimNames: null };
    known.email ??= email ?? null;
    known.ip ??= ip ?? null;
    known.idpClaimNames ??= idpClaimNames ?? null;
    found.set(pseudonym, known);
  };
  const { actor, on_behalf_of, targets = [], subjects = [] } = event;
  if (isPersonActor(actor) && actor.id !== undefined) {
    see(actor.id, actor.email, event.context?.ip, actor.idp_claim_names);
  }
  if (on_behalf_of) see(on_behalf_of.id, on_behalf_of.email);
  for (const { id } of subjects) see(id);
  for (const { type, id } of targets) if (PERSON_TYPES.includes(type)) see(id);
  return [...found.values()];
}
