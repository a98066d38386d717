/** What the people of one object need, wired to it. */
import type { Jurisdiction } from "../../../core/ids.ts";
import type { Mailer } from "../../mail/mail.ts";
import type { Permission } from "../../permissions.ts";
import type { Clock, RandomBytes } from "../../ports.ts";
import type { EntryJob } from "../../tenancy/jobs.ts";
import type { SealedWordsDeps } from "../sealed-words.ts";
import type { PeopleBook, Person } from "./records.ts";

export interface PeopleDeps extends SealedWordsDeps {
  kind: "member" | "staff";
  book: PeopleBook;
  /** Of ids, and of the addresses of pages. */
  jurisdiction: Jurisdiction;
  /** PSEUDONYM_PEPPER, for the blind keys of addresses. */
  pepper: Uint8Array;
  /** What the mails name: the tenant's name. */
  title: string;
  /** The log that is told. */
  domainId: string;
  /** `https://moonseal.example` */
  publicOrigin: string;
  /** How long a session lasts. */
  sessionMs: number;
  permissions: (person: Person) => readonly Permission[];
  /** A change of the object's rows with its entries in one transaction; the entries are tried at once. */
  commit: <T>(change: () => T, entries: (changed: T) => EntryJob[]) => Promise<T>;
  /** Null: this cell sends no mail. */
  mailer: Mailer | null;
  /** Counts an invitation to this address; false: it has had enough for now. */
  mayInvite: (lookup: string) => Promise<boolean>;
  /** Throws `tier.required`, `limit.reached` when nobody more has room; `used`: members and open invitations. */
  demandRoom: (used: number) => void;
  /** The address has signed in with this browser. */
  knowBrowser: (lookup: string, browserHash: string) => Promise<void>;
  /** The cell's index learns who can be reached here. */
  tellIndex: (revision: number, lookups: string[]) => Promise<void>;
  clock: Clock;
  random: RandomBytes;
  uuid: () => string;
  /** The alarm has to go on by this time. */
  plan: (atMs: number) => void;
}
