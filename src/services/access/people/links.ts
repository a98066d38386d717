/**
 * Signing in by mail: a link that works once, for a quarter of an hour, and only in the browser that asked (S2-13).
 *
 * Commit order, with the crash after each step:
 *  1. the cell's desk writes the wish down, whoever it is about      its alarm goes on
 *  2. link and due mail are in the object of each tenant             the cell's alarm asks again: the same link
 *  3. the secret's hash, then the mail                               the alarm sends another; only the newest works
 *  4. opened: used, session and entry job, one transaction           the alarm tells; the link is used
 * The answer to 4 may get lost: the person asks for another link.
 */
import { AppError } from "../../../core/errors.ts";
import { LIMITS } from "../../../core/limits.ts";
import type { LoginWish, SignIn } from "./calls.ts";
import { deliverMails } from "./deliveries.ts";
import type { PeopleDeps } from "./deps.ts";
import { entryOf } from "./events.ts";
import type { LoginLink } from "./records.ts";
import { secretHash } from "./secrets.ts";
import { addSession, newSession, nounOf, signedInEntry, signInOf } from "./sessions.ts";

/** Nothing is told of it: an entry for every wish would let anybody fill a tenant's log. */
export async function requestLogin({ lookup, browserHash, device, wish }: LoginWish, deps: PeopleDeps): Promise<void> {
  const { book, clock } = deps;
  const createdAtMs = clock();
  const write = () => {
    const person = book.personByLookup(lookup);
    if (!person) return;
    const expiresAtMs = createdAtMs + LIMITS.loginLinkMs;
    const link = { personId: person.id, browserHash, device, createdAtMs, expiresAtMs, usedAtMs: null, failures: 0 };
    const linkId = book.addLink(link, wish);
    if (linkId !== null) book.addMail({ kind: "login", linkId }, createdAtMs);
  };
  await deps.commit(write, () => []);
  await deliverMails(deps);
}

/**
 * Throws `auth.link_invalid` for a link that never was, was used, has expired or was replaced by a newer one: which of them is not
 * said. Throws `auth.link_other_browser` where another browser asked; after `LIMITS.linkFailures` times the link is invalid.
 */
export async function confirmLogin(
  secret: string,
  browserHash: string | null,
  device: string,
  deps: PeopleDeps,
): Promise<SignIn> {
  const { book, clock } = deps;
  const opened = await deps.commit(
    () => {
      const link = find(secret, deps);
      if (link.browserHash !== browserHash) return { link, session: null, failures: book.failLink(link.id) };
      const session = newSession(link.personId, device, deps);
      book.useLink(link.id, clock());
      addSession(session, deps);
      return { link, session, failures: 0 };
    },
    ({ link, session, failures }) =>
      session ? [signedInEntry(session, "magic_link", deps)] : [failed(link, failures, deps)],
  );
  if (!opened.session) throw new AppError("auth.link_other_browser");
  const lookup = book.person(opened.link.personId)?.lookup;
  // A convenience: without it this browser's next mail counts as a stranger's.
  if (lookup && browserHash) await deps.knowBrowser(lookup, browserHash).catch(() => undefined);
  return signInOf(opened.session, deps);
}

function find(secret: string, { book, clock }: PeopleDeps): LoginLink {
  const hash = secretHash(secret);
  const link = hash && book.linkBySecret(hash);
  const person = link && book.person(link.personId);
  const isGood =
    person &&
    person.removedAtMs === null &&
    link.usedAtMs === null &&
    link.expiresAtMs > clock() &&
    link.failures < LIMITS.linkFailures;
  if (!isGood) throw new AppError("auth.link_invalid");
  return link;
}

function failed({ id, personId, createdAtMs }: LoginLink, failures: number, deps: PeopleDeps) {
  return entryOf(nounOf(deps), deps.domainId, {
    what: "login_failed",
    actor: { type: "anonymous" },
    targets: [{ type: "user", id: personId }],
    metadata: { method: "magic_link", reason: "other_browser" },
    failed: true,
    once: `${createdAtMs}:${id}:${failures}`,
  });
}
