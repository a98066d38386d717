/** The known name that was probably meant: at most two letters away. Null: none is near. Costs the product of the lengths. */
export function nearest(text: string, known: readonly string[]): string | null {
  const asked = text.toLowerCase();
  if (asked.length > 40) return null;
  const far = 3;
  const near = known.map((name) => ({ name, steps: distance(asked, name) })).sort((a, b) => a.steps - b.steps)[0];
  return near && near.steps < Math.min(far, near.name.length) ? near.name : null;
}

/** Levenshtein: letters to put in, take out or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
