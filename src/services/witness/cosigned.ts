/** What the cosignatures that a log has are worth, and how they are published. Pure. */
import type { StoredCosignature } from "./journal.ts";

/** Only what is needed of a configured witness. */
export interface CountedWitness {
  verifierKey: string;
  name: string;
  independent: boolean;
}

/**
 * The checkpoint with its cosignatures, in one order for the same set: by name, then by key. A reader that knows none of the
 * witnesses reads the same checkpoint (C2SP signed-note).
 */
export function cosignedNote(note: string, cosignatures: readonly StoredCosignature[]): string {
  const sorted = [...cosignatures].sort((a, b) => compare(a.key, b.key));
  return note + sorted.map(({ line }) => line).join("");
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The newest size that `k` independent witnesses cosigned; with `k` = 0 any one witness. Null: none. Witnesses that are no
 * longer configured do not count.
 */
export function latestWitnessedSize(
  cosigned: readonly { size: number; key: string }[],
  witnesses: readonly CountedWitness[],
  k: number,
): number | null {
  const counted = witnesses.filter(({ independent }) => independent || k === 0).map(({ verifierKey }) => verifierKey);
  const bySize = Map.groupBy(
    cosigned.filter(({ key }) => counted.includes(key)),
    ({ size }) => size,
  );
  const enough = [...bySize].filter(([, each]) => new Set(each.map(({ key }) => key)).size >= Math.max(k, 1));
  return enough.length === 0 ? null : Math.max(...enough.map(([size]) => size));
}

/** Newest cosigned sizes that stay in any case. */
const KEPT = 8;

/** Sizes whose checkpoint and cosignatures are still of use: the newest, and the best for every k. */
export function sizesToKeep(
  cosigned: readonly { size: number; key: string }[],
  witnesses: readonly CountedWitness[],
): number[] {
  const newest = [...new Set(cosigned.map(({ size }) => size))].sort((a, b) => b - a).slice(0, KEPT);
  const best = Array.from({ length: witnesses.length + 1 }, (_, k) => latestWitnessedSize(cosigned, witnesses, k));
  return [...new Set([...newest, ...best.filter((size) => size !== null)])].sort((a, b) => b - a);
}
