/** The people of one object in its SQLite: a tenant's members, or the operator's staff. */
import type { DueMail, MailToSend, PeopleBook } from "../../src/services/access/people/records.ts";
import { PersonTables } from "./person-book.ts";
import { SessionTables } from "./session-book.ts";

export class SqlitePeopleBook implements PeopleBook {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #persons: PersonTables;
  readonly #sessions: SessionTables;

  readonly #onRemoved: (personId: string) => void;

  /** `onRemoved`: what else of a person goes in the same transaction. */
  constructor(storage: DurableObjectStorage, onRemoved: (personId: string) => void = () => undefined) {
    this.#onRemoved = onRemoved;
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#persons = new PersonTables(storage.sql);
    this.#sessions = new SessionTables(storage.sql);
    storage.sql.exec(`CREATE TABLE IF NOT EXISTS due_mail (
      id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, reference TEXT NOT NULL, due_ms INTEGER NOT NULL,
      tries INTEGER NOT NULL) STRICT`);
  }

  person: PeopleBook["person"] = (id) => this.#persons.person(id);
  personByLookup: PeopleBook["personByLookup"] = (lookup) => this.#persons.personByLookup(lookup);
  people: PeopleBook["people"] = () => this.#persons.people();
  addPerson: PeopleBook["addPerson"] = (person) => this.#persons.addPerson(person);
  setRole: PeopleBook["setRole"] = (id, role) => this.#persons.setRole(id, role);
  setPersonSealed: PeopleBook["setPersonSealed"] = (id, sealed) => this.#persons.setPersonSealed(id, sealed);
  invitation: PeopleBook["invitation"] = (id) => this.#persons.invitation(id);
  invitationBySecret: PeopleBook["invitationBySecret"] = (hash) => this.#persons.invitationBySecret(hash);
  openInvitationByLookup: PeopleBook["openInvitationByLookup"] = (lookup, nowMs) =>
    this.#persons.openInvitationByLookup(lookup, nowMs);
  openInvitations: PeopleBook["openInvitations"] = (nowMs) => this.#persons.openInvitations(nowMs);
  addInvitation: PeopleBook["addInvitation"] = (invitation) => this.#persons.addInvitation(invitation);
  setInvitationSealed: PeopleBook["setInvitationSealed"] = (id, sealed) =>
    this.#persons.setInvitationSealed(id, sealed);
  setInvitationSecret: PeopleBook["setInvitationSecret"] = (id, hash) => this.#persons.setInvitationSecret(id, hash);
  renewInvitation: PeopleBook["renewInvitation"] = (id, expiresAtMs) => this.#persons.renewInvitation(id, expiresAtMs);
  closeInvitation: PeopleBook["closeInvitation"] = (id, how, atMs) => this.#persons.closeInvitation(id, how, atMs);
  link: PeopleBook["link"] = (id) => this.#sessions.link(id);
  linkBySecret: PeopleBook["linkBySecret"] = (hash) => this.#sessions.linkBySecret(hash);
  addLink: PeopleBook["addLink"] = (link, wish) => this.#sessions.addLink(link, wish);
  setLinkSecret: PeopleBook["setLinkSecret"] = (id, hash) => this.#sessions.setLinkSecret(id, hash);
  useLink: PeopleBook["useLink"] = (id, atMs) => this.#sessions.useLink(id, atMs);
  failLink: PeopleBook["failLink"] = (id) => this.#sessions.failLink(id);
  session: PeopleBook["session"] = (id) => this.#sessions.session(id);
  sessions: PeopleBook["sessions"] = (personId, nowMs) => this.#sessions.sessions(personId, nowMs);
  addSession: PeopleBook["addSession"] = (session) => this.#sessions.addSession(session);
  seeSession: PeopleBook["seeSession"] = (id, atMs) => this.#sessions.seeSession(id, atMs);
  endSession: PeopleBook["endSession"] = (id, atMs) => this.#sessions.endSession(id, atMs);
  secondFactorShown: PeopleBook["secondFactorShown"] = (id, atMs) => this.#sessions.secondFactorShown(id, atMs);

  removePerson(id: string, atMs: number, wholly = false): void {
    this.#persons.removePerson(id, atMs);
    this.#onRemoved(id);
    if (!wholly) return;
    this.#persons.erasePerson(id);
    this.#sessions.erase(id);
  }

  addMail(mail: MailToSend, dueAtMs: number): void {
    const reference =
      mail.kind === "login" ? String(mail.linkId) : mail.kind === "invitation" ? mail.invitationId : mail.personId;
    const sql = "INSERT INTO due_mail (kind, reference, due_ms, tries) VALUES (?, ?, ?, 0)";
    this.#sql.exec(sql, mail.kind, reference, dueAtMs);
  }

  dueMails(nowMs: number): DueMail[] {
    const rows = this.#sql
      .exec<{ id: number; kind: DueMail["kind"]; reference: string; tries: number }>(
        "SELECT id, kind, reference, tries FROM due_mail WHERE due_ms <= ? ORDER BY id",
        nowMs,
      )
      .toArray();
    return rows.map(({ id, kind, reference, tries }) => {
      if (kind === "login") return { id, tries, kind, linkId: Number(reference) };
      if (kind === "invitation") return { id, tries, kind, invitationId: reference };
      return { id, tries, kind, personId: reference };
    });
  }

  nextMailAtMs(): number | null {
    return this.#sql.exec<{ at: number | null }>("SELECT min(due_ms) AS at FROM due_mail").one().at;
  }

  delayMail(id: number, untilMs: number): void {
    this.#sql.exec("UPDATE due_mail SET due_ms = ?, tries = tries + 1 WHERE id = ?", untilMs, id);
  }

  finishMail(id: number): void {
    this.#sql.exec("DELETE FROM due_mail WHERE id = ?", id);
  }

  index(): { revision: number; told: number } {
    return this.#storage.kv.get<{ revision: number; told: number }>("mail_index") ?? { revision: 0, told: 0 };
  }

  changeIndex(): void {
    const { revision, told } = this.index();
    this.#storage.kv.put("mail_index", { revision: revision + 1, told });
  }

  toldIndex(told: number): void {
    const { revision } = this.index();
    this.#storage.kv.put("mail_index", { revision, told });
  }

  sweep(nowMs: number, keptMs: number): void {
    this.#sessions.sweep(nowMs - keptMs);
    this.#persons.sweepInvitations(nowMs - keptMs);
  }
}
