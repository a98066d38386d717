/** How far the change of a tenant's key has come, as the tenant's object keeps it. Never a key. */
import type { AskedBy } from "../../tenancy/jobs.ts";
import type { ResealCursor } from "../resealing/calls.ts";

export interface Rotation {
  /** A UUID: what its entries are known by, and their correlation id. */
  id: string;
  /**
   * `rotate`: a next version, then everything under it. `follow`: the version was made by somebody else (a key service was
   * set or removed). `retire`: nothing new; whether old versions are unused for long enough is looked at once more.
   */
  kind: "rotate" | "follow" | "retire";
  by: AskedBy;
  at: string;
  /** The version that everything is to be under. */
  version: number;
  /** `minting`: the version may not be there yet. `walking`: its start is told. */
  step: "minting" | "walking";
  values: number;
  pages: number;
  unreadable: number;
}

export interface RotationInDomain {
  domainId: string;
  cursor: ResealCursor | null;
  /** The present walk has met something stale. */
  met: boolean;
  /** A whole walk met nothing stale. */
  clean: boolean;
  fault: string | null;
}

/** The object's own storage: synchronous. */
export interface RotationBook {
  get(): Rotation | null;
  /** Replaces what is known of the present one; the first time it begins. */
  set(rotation: Rotation): void;
  /** Ends it: the old versions are unused since then; null: nothing new is known of them. */
  end(unused: { versions: readonly number[]; since: string } | null): void;
  domains(): RotationInDomain[];
  /** Those that are not known yet. */
  addDomains(domainIds: readonly string[]): void;
  setDomain(domain: RotationInDomain): void;
  /** By version. */
  unusedSince(): ReadonlyMap<number, string>;
  forget(version: number): void;
}
