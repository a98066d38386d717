/** People with second factors in the real books of a real object, with a clock that tests turn. Runs in workerd. */
import { runInDurableObject } from "cloudflare:test";
import { TOTP } from "otpauth";
import { v7 as uuidv7 } from "uuid";
import { randomBytes } from "../../durable-objects/domain-log/random.ts";
import { Factors } from "../../durable-objects/people/factors.ts";
import { SqlitePeopleBook } from "../../durable-objects/people/people-book.ts";
import { makeId } from "../../src/core/ids.ts";
import type { FactorAsker, FactorCalls } from "../../src/services/access/factors/calls.ts";
import { FactorDesk } from "../../src/services/access/factors/factor-desk.ts";
import { sealContact } from "../../src/services/access/people/contacts.ts";
import type { PeopleDeps } from "../../src/services/access/people/deps.ts";
import { newSession } from "../../src/services/access/people/sessions.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import type { EntryJob } from "../../src/services/tenancy/jobs.ts";
import { env, jurisdiction } from "./cell.ts";

export const PUBLIC_ORIGIN = "https://moonseal.example";

export interface FactorWorld {
  people: PeopleDeps;
  factors: Factors;
  desk: FactorCalls;
  /** Entries that were written down, in order. */
  told: EntryJob[];
  /** Unix milliseconds; tests add to it. */
  now: { ms: number };
  /** A member with a session that was opened with one factor. */
  person(email?: string): Promise<FactorAsker>;
  /** Another session of the same person. */
  session(asker: FactorAsker): FactorAsker;
  /** With an authenticator app; its codes by the time that `now` says. */
  withTotp(asker: FactorAsker): Promise<{ code: () => string; recoveryCodes: string[] }>;
}

/** Runs in an object of its own. `kind`: members keep theirs in a tenant's object, staff in the cell's; the books are the same. */
export function inFactorWorld<T>(
  run: (world: FactorWorld) => Promise<T>,
  kind: PeopleDeps["kind"] = "member",
): Promise<T> {
  const stub = env.TENANT_DESK.getByName(uuidv7());
  return runInDurableObject(stub, (_, { storage }) => run(worldIn(storage, kind)));
}

function worldIn(storage: DurableObjectStorage, kind: PeopleDeps["kind"]): FactorWorld {
  const config = cellConfig(env);
  const now = { ms: 1_900_000_000_000 };
  const told: EntryJob[] = [];
  const keys = new Map([[1, randomBytes(32)]]);
  const current = async () => {
    const version = Math.max(...keys.keys());
    return { version, key: keys.get(version) as Uint8Array };
  };
  const people = {
    kind,
    book: new SqlitePeopleBook(storage),
    jurisdiction,
    tenantId: makeId("tenant", jurisdiction, uuidv7()),
    tenantKeys: { current, ofVersion: async (version: number) => keys.get(version) ?? null },
    sealer: config.sealer,
    pepper: config.pseudonymPepper,
    domainId: makeId("domain", jurisdiction, uuidv7()),
    publicOrigin: PUBLIC_ORIGIN,
    sessionMs: 24 * 60 * 60_000,
    random: randomBytes,
    uuid: uuidv7,
    clock: () => now.ms,
    commit: async <C>(change: () => C, entries: (changed: C) => EntryJob[]): Promise<C> =>
      storage.transactionSync(() => {
        const changed = change();
        told.push(...entries(changed));
        return changed;
      }),
  } as unknown as PeopleDeps;
  const factors = new Factors(storage);
  const desk = new FactorDesk(factors.deps(people));
  const asking = (personId: string): FactorAsker => {
    const session = newSession(personId, "Firefox on Linux", people);
    people.book.addSession(session);
    const by = { type: "user", id: personId, via: { type: "session", id: session.id } } as const;
    return { personId, sessionId: session.id, by, network: "a network", browser: null };
  };
  return {
    ...{ people, factors, desk, told, now },
    async person(email = "ada@example.com") {
      const id = makeId(kind, jurisdiction, uuidv7());
      const sealed = await sealContact("person", id, { email, name: "Ada" }, people);
      const role = kind === "member" ? ("admin" as const) : null;
      people.book.addPerson({ id, role, sealed, lookup: id, createdAtMs: now.ms, removedAtMs: null });
      return asking(id);
    },
    session: (asker) => ({ ...asker, ...asking(asker.personId) }),
    async withTotp(asker) {
      const { secret } = await desk.beginTotp(asker);
      const code = () => codeOf(secret, now.ms);
      const { recoveryCodes } = await desk.confirmTotp(asker, code());
      return { code, recoveryCodes: recoveryCodes ?? [] };
    },
  };
}

/** The code that an app shows for this secret. */
export const codeOf = (secret: string, nowMs: number): string =>
  TOTP.generate({ secret: secretOf(secret), timestamp: nowMs });

const secretOf = (text: string) => new TOTP({ secret: text.replaceAll(" ", "") }).secret;

/** What the log was told, without ids and times. */
export const actionsOf = (told: readonly EntryJob[]) =>
  told.map(({ event: { action, metadata } }) => `${action} ${metadata?.kind ?? metadata?.method ?? ""}`.trim());

/** A code that is wrong at this time and its neighbours. */
export function wrongCode(right: () => string): string {
  return String((Number(right()) + 777_777) % 1_000_000).padStart(6, "0");
}
