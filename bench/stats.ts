/** Medians with their spread, as PERFORMANCE.md asks: a figure without its range says little on a shared machine. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

const whole = (value: number) => Math.round(value).toLocaleString("en-US");

/** `12,345 [11,900-12,800]`. */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return "-";
  return `${whole(median(values))} [${whole(Math.min(...values))}-${whole(Math.max(...values))}]`;
}

export const ms = (values: readonly number[]): string => (values.length === 0 ? "-" : median(values).toFixed(1));

export const ratio = (ours: readonly number[], theirs: readonly number[]): string =>
  ours.length === 0 || theirs.length === 0 ? "-" : (median(ours) / median(theirs)).toFixed(2);

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
