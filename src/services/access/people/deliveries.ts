/** What has to leave the object: mails, and what the cell's index knows of it. Both are rows first, so a crash loses none. */
import { isAppError } from "../../../core/errors.ts";
import { LIMITS } from "../../../core/limits.ts";
import { invitationMail, loginMail, type Mail, noticeMail } from "../../mail/mail.ts";
import { openContact } from "./contacts.ts";
import type { PeopleDeps } from "./deps.ts";
import type { DueMail } from "./records.ts";
import { linkToken, newSecret, STAFF_OWNER, secretHash } from "./secrets.ts";

/** By book: one delivery at a time, or two of them would each make a secret and only one link would work. */
const turns = new WeakMap<object, Promise<void>>();

/** Sends what is due. Never rejects: what failed stays, is tried again with doubled waits, and goes when its link has expired. */
export function deliverMails(deps: PeopleDeps): Promise<void> {
  const turn = (turns.get(deps.book) ?? Promise.resolve()).then(() => deliverDue(deps)).catch(() => undefined);
  turns.set(deps.book, turn);
  return turn;
}

async function deliverDue(deps: PeopleDeps): Promise<void> {
  const { book, mailer, clock } = deps;
  for (const due of book.dueMails(clock())) {
    try {
      const mail = mailer && (await written(due, deps));
      if (mail) await mailer.send(mail);
      book.finishMail(due.id);
    } catch (error) {
      console.warn(JSON.stringify({ at: "people", fault: isAppError(error) ? error.code : "a mail was not taken" }));
      book.delayMail(
        due.id,
        clock() + Math.min(LIMITS.mailRetryMaxMs, LIMITS.mailRetryMs * 2 ** Math.min(due.tries, 16)),
      );
    }
  }
  const nextMs = book.nextMailAtMs();
  if (nextMs !== null) deps.plan(nextMs);
}

/** The mail with a secret of its own; null when there is nothing to say any more. */
async function written(due: DueMail, deps: PeopleDeps): Promise<Mail | null> {
  const { book, clock, random, title } = deps;
  if ("personId" in due) {
    const person = book.person(due.personId);
    if (!person?.sealed) return null;
    const { email } = await openContact("person", person.id, person.sealed, deps);
    return noticeMail(email, title, due.kind, `${deps.publicOrigin}/v1/tenants/${deps.tenantId}`);
  }
  const secret = newSecret(random);
  const hash = secretHash(secret);
  if (!hash) throw new Error("a secret is spelled like one");
  if (due.kind === "login") {
    const link = book.link(due.linkId);
    const person = link && book.person(link.personId);
    if (!link || !person?.sealed || link.usedAtMs !== null || link.expiresAtMs <= clock()) return null;
    const { email } = await openContact("person", person.id, person.sealed, deps);
    book.setLinkSecret(link.id, hash);
    const minutes = Math.max(1, Math.floor((link.expiresAtMs - clock()) / 60_000));
    return loginMail(email, title, address("link", secret, deps), minutes);
  }
  const invitation = book.invitation(due.invitationId);
  if (!invitation?.sealed || invitation.expiresAtMs <= clock()) return null;
  const { email } = await openContact("invitation", invitation.id, invitation.sealed, deps);
  book.setInvitationSecret(invitation.id, hash);
  const days = Math.max(1, Math.floor((invitation.expiresAtMs - clock()) / 86_400_000));
  return invitationMail(email, title, address("invitation", secret, deps), days);
}

function address(page: "link" | "invitation", secret: string, deps: PeopleDeps): string {
  const owner = deps.kind === "member" ? deps.tenantId : STAFF_OWNER;
  return `${deps.publicOrigin}/v1/auth/${deps.jurisdiction}/${page}?token=${linkToken(owner, secret)}`;
}

/**
 * The whole list each time, under a number that only grows: a message that comes late or twice changes nothing, so the index is
 * right as soon as the last one has arrived. Never rejects; with `again` also when the cell was told before.
 */
export async function tellIndex(deps: PeopleDeps, again = false): Promise<void> {
  const { book } = deps;
  const { revision, told } = book.index();
  if (revision === told && !(again && revision > 0)) return;
  try {
    await deps.tellIndex(
      revision,
      book.people().flatMap(({ lookup }) => lookup ?? []),
    );
    book.toldIndex(revision);
  } catch {
    deps.plan(deps.clock() + LIMITS.mailRetryMs);
  }
}
