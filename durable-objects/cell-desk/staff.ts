/**
 * The operator's people, in the object of the cell: the same books and rules as a tenant's members have, told on the platform domain.
 *
 * Commit order of a change, with the crash after each step:
 *  1. the change and its entry jobs, one transaction      the alarm writes the entries
 *  2. the entries, once for each job                       the same receipt
 *  3. the job is deleted                                   done
 */
import { v7 as uuidv7 } from "uuid";
import { AppError, isAppError } from "../../src/core/errors.ts";
import { platformDomainId, platformTenantId } from "../../src/core/ids.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { CellEnv } from "../../src/env.ts";
import { breachRange } from "../../src/services/access/factors/breaches.ts";
import type { FactorAsker, FactorCall, PasswordLogin } from "../../src/services/access/factors/calls.ts";
import { loginWithPassword, type PasswordDeps, setPassword } from "../../src/services/access/factors/password-login.ts";
import type { PeopleCalls, SignIn } from "../../src/services/access/people/calls.ts";
import { resealContacts } from "../../src/services/access/people/contacts.ts";
import { deliverMails } from "../../src/services/access/people/deliveries.ts";
import type { PeopleDeps } from "../../src/services/access/people/deps.ts";
import { callPeople } from "../../src/services/access/people/people.ts";
import { sessionPrincipal } from "../../src/services/access/people/sessions.ts";
import type { SessionPrincipal } from "../../src/services/access/principal.ts";
import type { CellConfig } from "../../src/services/cell-config.ts";
import { freshOf, isStale } from "../../src/services/keys/resealing/anew.ts";
import type { TenantKeyring } from "../../src/services/keys/tenant-keyring.ts";
import { STAFF_PERMISSIONS } from "../../src/services/permissions.ts";
import type { Clock } from "../../src/services/ports.ts";
import type { AskedBy, EntryJob } from "../../src/services/tenancy/jobs.ts";
import { randomBytes } from "../domain-log/random.ts";
import { logGate } from "../gates.ts";
import { mailerFor } from "../mailer.ts";
import { Factors } from "../people/factors.ts";
import { SqlitePeopleBook } from "../people/people-book.ts";
import { JobBook } from "../tenant-desk/job-book.ts";
import { tenantKeyringFor } from "../tenant-keyring.ts";

export interface StaffWiring {
  env: CellEnv;
  config: () => CellConfig;
  ensurePlatform: () => Promise<void>;
  /** The alarm has to go on by this time. */
  plan: (atMs: number) => void;
  countInvitation: (lookup: string) => boolean;
  forgetAddress: (lookup: string) => void;
  knowBrowser: (lookup: string, browserHash: string) => void;
  clock: Clock;
}

const RETRY_MS = 5000;
const permissions = () => STAFF_PERMISSIONS;

export class Staff {
  readonly #storage: DurableObjectStorage;
  readonly #wiring: StaffWiring;
  readonly #jobs: JobBook;
  readonly #people: SqlitePeopleBook;
  readonly #factors: Factors;
  readonly #checks = { running: 0 };
  #keyring: TenantKeyring | null = null;

  constructor(storage: DurableObjectStorage, wiring: StaffWiring) {
    this.#storage = storage;
    this.#wiring = wiring;
    this.#jobs = new JobBook(storage);
    this.#factors = new Factors(storage);
    this.#people = new SqlitePeopleBook(storage, (personId) => this.#factors.forget(personId));
  }

  session(sessionId: string, staffId: string): SessionPrincipal | null {
    const { clock, config } = this.#wiring;
    const tenantId = platformTenantId(config().jurisdiction);
    return sessionPrincipal(sessionId, staffId, { book: this.#people, clock, kind: "staff", permissions, tenantId });
  }

  hasAddress(lookup: string): boolean {
    return this.#people.personByLookup(lookup) !== null;
  }

  /** Whether this address is this person's. */
  isAddressOf(lookup: string, staffId: string): boolean {
    return this.#people.personByLookup(lookup)?.id === staffId;
  }

  async call(name: keyof PeopleCalls, args: never): Promise<unknown> {
    const before =
      name === "removePerson" ? (this.#people.person(String((args as unknown[])[0]))?.lookup ?? null) : null;
    const answer = await callPeople(this.deps(), name, args);
    // What was counted and known of an address that is nobody's any more goes with it.
    if (before !== null) this.#wiring.forgetAddress(before);
    return answer;
  }

  answer(call: FactorCall): Promise<unknown> {
    return this.#factors.answer(call, this.deps());
  }

  reset(staffId: string, by: AskedBy): Promise<void> {
    return this.#factors.reset(staffId, by, "any", this.deps());
  }

  login(wish: PasswordLogin): Promise<SignIn> {
    return loginWithPassword(wish, this.#passwordDeps());
  }

  setPassword(asker: FactorAsker, password: string): Promise<void> {
    return setPassword(asker, password, this.#passwordDeps());
  }

  /** Values of the platform's tenant that lie here, brought under the present keys. How many. */
  async reseal(slot: "contact" | "totp_secrets", tenantKeyVersion: number): Promise<number> {
    const deps = this.deps();
    this.#keyring?.forget();
    const fresh = freshOf(this.#wiring.config().slots, tenantKeyVersion);
    const isOld = (sealed: Uint8Array) => isStale(sealed, fresh);
    return slot === "contact"
      ? resealContacts(isOld, this.#people, deps.clock(), deps)
      : this.#factors.reseal(isOld, deps);
  }

  /** For the alarm: entries and mails that have still to go out, and failures that are to be told. Never throws. */
  async goOn(): Promise<void> {
    const { clock, plan } = this.#wiring;
    try {
      await this.#factors.tellRest(this.deps());
      await this.#tell();
      await deliverMails(this.deps());
    } catch (error) {
      console.warn(JSON.stringify({ at: "staff", fault: isAppError(error) ? error.code : "unknown" }));
    }
    if (this.#jobs.all().length > 0) plan(clock() + RETRY_MS);
    const mailAtMs = this.#people.nextMailAtMs();
    if (mailAtMs !== null) plan(mailAtMs);
  }

  sweep(): void {
    this.#people.sweep(this.#wiring.clock(), LIMITS.endedPeopleRowsMs);
  }

  deps(): PeopleDeps {
    const { env, clock, plan, countInvitation, knowBrowser } = this.#wiring;
    const config = this.#wiring.config();
    const tenantId = platformTenantId(config.jurisdiction);
    this.#keyring ??= tenantKeyringFor(env, config, tenantId);
    return {
      kind: "staff",
      book: this.#people,
      tenantId,
      tenantKeys: this.#keyring,
      sealer: config.sealer,
      domainId: platformDomainId(config.jurisdiction),
      title: `the operation of Moonseal (${config.jurisdiction})`,
      jurisdiction: config.jurisdiction,
      pepper: config.pseudonymPepper,
      publicOrigin: config.publicOrigin,
      sessionMs: config.tokens.lifetimeS * 1000,
      permissions,
      mailer: mailerFor(env, config),
      mayInvite: async (lookup) => countInvitation(lookup),
      knowBrowser: async (lookup, browserHash) => knowBrowser(lookup, browserHash),
      demandRoom: (used) => {
        if (used < LIMITS.staffPerCell) return;
        throw new AppError("limit.reached", {
          detail: `a cell has at most ${LIMITS.staffPerCell} of the operator's people`,
        });
      },
      // Whoever asks for the index of addresses asks this object, which knows them already.
      tellIndex: async () => undefined,
      commit: async (change, entries) => {
        const changed = this.#write(change, entries);
        await this.#tell();
        return changed;
      },
      clock,
      plan,
      random: randomBytes,
      uuid: uuidv7,
    };
  }

  #passwordDeps(): PasswordDeps {
    const url = this.#wiring.env.BREACH_RANGE_URL;
    return {
      ...this.#factors.deps(this.deps()),
      commitQuietly: async (change, entries) => this.#write(change, entries),
      breaches: url ? breachRange(url) : null,
      checks: this.#checks,
    };
  }

  #write<T>(change: () => T, entries: (changed: T) => EntryJob[]): T {
    const { clock, plan } = this.#wiring;
    const { changed, written } = this.#storage.transactionSync(() => {
      const changed = change();
      const jobs = entries(changed);
      for (const job of jobs) this.#jobs.write(job);
      return { changed, written: jobs.length };
    });
    if (written > 0) plan(clock());
    return changed;
  }

  /** Writes the entries of finished changes. Never throws: the alarm comes again. */
  async #tell(): Promise<void> {
    const { env, config, ensurePlatform } = this.#wiring;
    try {
      for (const { id, job } of this.#jobs.all()) {
        if (job.kind !== "entry") continue;
        await ensurePlatform();
        await logGate(env, config()).record(job.domainId, job.event, job.once).catch(unlessTold);
        this.#jobs.finish(id);
      }
    } catch (error) {
      console.warn(JSON.stringify({ at: "staff", fault: isAppError(error) ? error.code : "unknown" }));
    }
  }
}

function unlessTold(error: unknown): void {
  if (!isAppError(error) || error.code !== "idempotency.key_reused") throw error;
}
