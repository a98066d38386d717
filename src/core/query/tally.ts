/** How often what stands in entries. */

/** The most frequent values first, those of one count in order; at most `limit`. */
export function mostFrequent(sums: ReadonlyMap<string, number>, limit: number): { value: string; count: number }[] {
  const tallies = [...sums].map(([value, count]) => ({ value, count }));
  return tallies.sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1)).slice(0, limit);
}
