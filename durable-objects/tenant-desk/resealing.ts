/** What a tenant's object keeps sealed, brought under the present keys: by slot, or under a new version of the tenant's key. */
import type { SlotName } from "../../src/crypto/key-registry.ts";
import type { SlotKeys } from "../../src/crypto/slot-keys.ts";
import { resealContacts } from "../../src/services/access/people/contacts.ts";
import type { SealedWordsDeps } from "../../src/services/access/sealed-words.ts";
import { freshOf, isStale } from "../../src/services/keys/resealing/anew.ts";
import type { Clock } from "../../src/services/ports.ts";
import type { Factors } from "../people/factors.ts";
import type { SqlitePeopleBook } from "../people/people-book.ts";
import type { TenantAccess } from "./access.ts";
import type { TenantSso } from "./sso.ts";

type IsOld = (sealed: Uint8Array) => boolean;
type StaffSlot = "contact" | "totp_secrets";

/** How much was brought, and how much could not be read. */
export interface Resealed {
  values: number;
  unreadable: number;
}

export interface ResealOwner {
  slots: SlotKeys;
  access: TenantAccess;
  people: SqlitePeopleBook;
  factors: Factors;
  sso: TenantSso;
  clock: Clock;
  words: () => SealedWordsDeps;
  /** Credentials for key services, under this version of the slot's secret. */
  credentials: (version: number) => Promise<Resealed>;
  holdWords: (isOld: IsOld) => Promise<number>;
  /** Of the operator's people, when this is the platform's tenant; otherwise none. */
  staff: (slots: readonly StaffSlot[], tenantKeyVersion: number) => Promise<number>;
}

/** The tenant's own values of a slot, under its newest secret. Throws `keys.unavailable`. */
export async function resealSlot(slot: SlotName, owner: ResealOwner): Promise<Resealed> {
  const { slots, access, people, factors, sso, clock, words, staff } = owner;
  const fresh = freshOf(slots, 0);
  const isOld: IsOld = (sealed) => isStale(sealed, fresh);
  const all = (values: number): Resealed => ({ values, unreadable: 0 });
  switch (slot) {
    case "api_credentials":
      return owner.credentials(slots.newest(slot).version);
    case "contact": {
      const addresses = await access.recovery.reseal(isOld, words());
      const contacts = await resealContacts(isOld, people, clock(), words());
      return all(addresses + contacts + (await staff(["contact"], 0)));
    }
    case "totp_secrets": {
      const own = await factors.reseal(isOld, words());
      return all(own + (await staff(["totp_secrets"], 0)));
    }
    case "oauth_tokens":
      return all(await sso.reseal(isOld, words()));
    case "records": {
      const reasons = await access.reseal(isOld, words());
      return all(reasons + (await owner.holdWords(isOld)));
    }
    default:
      return all(0);
  }
}

/** Everything, under a version of the tenant's key. How many values. Throws `keys.unavailable`. */
export async function resealOwn(version: number, owner: ResealOwner): Promise<number> {
  const { slots, access, people, factors, sso, clock, words, staff } = owner;
  const fresh = freshOf(slots, version);
  const isOld: IsOld = (sealed) => isStale(sealed, fresh);
  const reasons = await access.reseal(isOld, words());
  const contacts = await resealContacts(isOld, people, clock(), words());
  const secrets =
    (await factors.reseal(isOld, words())) +
    (await sso.reseal(isOld, words())) +
    (await staff(["contact", "totp_secrets"], version));
  return contacts + secrets + reasons + (await owner.holdWords(isOld));
}
