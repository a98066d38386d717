/** What an operator and a reader see of a log's witnesses. */
import type { WitnessConfig } from "./config.ts";
import type { WitnessJournal } from "./journal.ts";

export interface WitnessView {
  /** The name on its signature lines. */
  name: string;
  verifier_key: string;
  independent: boolean;
  witnessed_size: number;
  witnessed_at: string | null;
  /** Entries that it has not seen yet. */
  lag: number;
  last_failure: { at: string; code: string } | null;
}

/** `size`: entries of the log now. */
export function witnessViews(
  witnesses: readonly WitnessConfig[],
  journal: WitnessJournal,
  size: number,
): WitnessView[] {
  return witnesses.map(({ name, verifierKey, independent }) => {
    const { witnessedSize, witnessedAtMs, failedAtMs, failure } = journal.record(verifierKey);
    return {
      name,
      verifier_key: verifierKey,
      independent,
      witnessed_size: witnessedSize,
      witnessed_at: witnessedAtMs === null ? null : new Date(witnessedAtMs).toISOString(),
      lag: size - witnessedSize,
      last_failure: failedAtMs === null ? null : { at: new Date(failedAtMs).toISOString(), code: failure ?? "unknown" },
    };
  });
}
