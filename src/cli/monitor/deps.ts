/** What a round of monitoring works with. */
import type { TrustPolicy } from "../../verifier/policy.ts";
import type { EntriesPlace } from "./read-leaves.ts";
import type { LogSource } from "./source.ts";

export interface RoundDeps {
  source: LogSource;
  policy: TrustPolicy;
  statePath: string;
  /** The checkpoint must be of this domain; null: of the one that is remembered, or of any. */
  domainId: string | null;
  /** Null: leaves only. */
  entries: EntriesPlace | null;
  now: () => number;
  onRead?: (size: number, total: number) => unknown;
}

/** The time, RFC 3339. */
export const timeOf = ({ now }: Pick<RoundDeps, "now">): string => new Date(now()).toISOString();
