/**
 * Seeds that once found something, with the steps that it took; every test runs them that far. When the simulation itself
 * changes, a seed takes another way: what was found in a service is kept for good as a mutant (`old:` in mutants.ts).
 */
export const REGRESSIONS: readonly { seed: number; steps: number; found: string }[] = [
  { seed: 4, steps: 63, found: "two runs of the archiver stopped the domain: the slower one set `archived` back" },
  { seed: 2, steps: 15_611, found: "a retry under a known key was refused because its event ids were forgotten" },
  { seed: 3, steps: 25_282, found: "an id that was forgotten before D1 held its entry was taken twice" },
  { seed: 2036, steps: 16_780, found: "the same event sent twice at once was a conflict with itself on an old domain" },
  { seed: 1010, steps: 43_274, found: "an object that was set back grew past the archive and passed the comparison" },
  {
    seed: 1024,
    steps: 11_721,
    found: "what was appended while an alarm ran was not copied or archived until the next append",
  },
  { seed: 31, steps: 6_524, found: "a ledger found set back by a reader was not refilled by the alarm" },
];
