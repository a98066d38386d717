/** What an episode may do to the log. Each one gets a random share of all faults ("swarm"): a calm run finds what a storm hides. */
import type { Prng } from "./prng.ts";
import type { Habits } from "./requests.ts";

export interface Profile {
  clients: number;
  habits: Habits;
  segmentEntries: number;
  backlogBytes: number;
  /** Chance that a call of a store fails; that the next one of the same store fails, too; that an answer to a client is lost. */
  faults: number;
  faultsAgain: number;
  lostAnswers: number;
  /** Weights of what the scheduler may do besides going on. */
  evictions: number;
  outages: number;
  wakes: number;
  clockJumps: number;
  /** Longest leap of time: milliseconds. */
  leapMs: number;
  ledgerRestores: number;
  guardsDropped: number;
  /** At most one of these happens in an episode, and the object may stop for it. */
  disaster: "none" | "set_back" | "archive_tampered" | "ledger_tampered";
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export function profileFrom(prng: Prng): Profile {
  const sometimes = (probability: number, value: number) => (prng.chance(probability) ? value : 0);
  return {
    clients: prng.between(1, 6),
    habits: {
      batchMax: prng.pick([1, 2, 4, 12]),
      keys: prng.pick([0.3, 0.7, 1]),
      ids: prng.pick([0, 0.2, 0.6]),
      repeats: prng.pick([0.05, 0.2, 0.4]),
      conflicts: prng.pick([0, 0.1]),
    },
    segmentEntries: prng.pick([1, 2, 3, 5, 8, 32]),
    backlogBytes: prng.chance(0.15) ? 5000 : 2 ** 30,
    faults: prng.pick([0, 0.02, 0.1, 0.35]),
    faultsAgain: prng.pick([0, 0.5]),
    lostAnswers: prng.pick([0, 0.05, 0.2]),
    evictions: sometimes(0.7, prng.pick([0.2, 2])),
    outages: sometimes(0.4, 0.3),
    wakes: sometimes(0.6, 1),
    clockJumps: sometimes(0.5, 0.5),
    leapMs: prng.pick([10_000, HOUR_MS, HOUR_MS, 3 * DAY_MS, 45 * DAY_MS]),
    ledgerRestores: sometimes(0.3, 0.3),
    guardsDropped: sometimes(0.15, 0.2),
    disaster: prng.chance(0.6) ? "none" : prng.pick(["set_back", "archive_tampered", "ledger_tampered"] as const),
  };
}
