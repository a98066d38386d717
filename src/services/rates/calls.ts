/** What a cell's Worker asks of the object that counts for a tenant. Plain values: they cross RPC. */
import type { Rate } from "../../core/gcra.ts";
import type { AskerPolicy, Bucket, RateSettings } from "./limits.ts";

/** What of a bucket is wanted. Tokens. */
export interface Wanted {
  /** All of it or nothing. */
  needed: number;
  /** To have beside, for what comes next; less is given when less is there. */
  ahead: number;
  /** Came with an earlier lease and was not used. */
  unused: number;
}

export interface LeaseCall extends Wanted {
  /** `key_…`, `mem_…`, `stf_…`. */
  clientId: string;
  bucket: Bucket;
}

export interface AskerCall extends Wanted {
  /** A keyed hash of where the request came from. */
  asker: string;
  policy: AskerPolicy;
}

export interface Lease {
  /** `needed` and of `ahead` what there was, or 0. */
  granted: number;
  /** Of the client. */
  rate: Rate;
  /** What is left of the client's bucket behind the lease. */
  left: number;
  /** Nothing was granted: how long until it can be, if nobody takes any before. Else 0. */
  waitMs: number;
}

export interface RateDeskCalls {
  lease(call: LeaseCall): Promise<Lease>;
  /** Of an object that counts for no tenant. */
  leaseForAsker(call: AskerCall): Promise<Lease>;
  /** Settings of an older version than those it has change nothing. */
  setLimits(version: number, settings: RateSettings): Promise<void>;
  /** When each API key was last used, Unix milliseconds: right to within a minute. */
  lastUses(): Promise<Record<string, number>>;
  /**
   * How many live connections a domain of the tenant has now; resolves to those of all its domains, as far as they have told within
   * `LIMITS.tailInterestMs`. In memory: after a restart of the object it is too low until each has told again.
   */
  countTails(domainId: string, listening: number): Promise<number>;
  /** For good: nothing of the tenant is stored. */
  empty(): Promise<void>;
}
