/** What a column is made equal to in the tokens of one SELECT, UPDATE or DELETE. Pure. */

/** Whether a place lies in parentheses. */
export const isInside = (block: readonly string[], at: number) =>
  block.slice(0, at).reduce((depth, token) => depth + (token === "(" ? 1 : token === ")" ? -1 : 0), 0) > 0;

/** A bound value, beside the names of tables. */
export const VALUE = "?";
const ENDS =
  /^(?:and|where|on|order|group|limit|having|window|returning|cross|left|right|full|inner|join|natural|union|except|intersect|;)$/;

/**
 * What `column = ?`, `= (SELECT …)`, `= other.column` and `IN (…)` at the level of WHERE or ON make it equal to: a value, or the name of the
 * other; with other tables beside it only by its own name. The ON of a LEFT JOIN binds the table that is joined, no other.
 */
export function equalTo(block: readonly string[], column: string, name: string, qualified: boolean): string[] {
  return block.flatMap((token, i) => {
    if (token !== column || isInside(block, i)) return [];
    const isQualified = block[i - 1] === ".";
    if (isQualified ? block[i - 2] !== name : qualified) return [];
    if (!/^(?:where|on|and)$/.test(block[isQualified ? i - 3 : i - 1] ?? "") || !binds(block, i, name)) return [];
    const [operator, value, dot] = block.slice(i + 1);
    if (operator === "in") return [VALUE];
    if (operator !== "=" || value === undefined) return [];
    const isValue = value.startsWith("?");
    // A sub-select that yields one value is judged itself, as the one of IN is.
    if (value === "(" && block[i + 3] === "…" && block[i + 4] === ")") {
      const after = block[i + 5];
      return after === undefined || ENDS.test(after) ? [VALUE] : [];
    }
    const end = block[i + (isValue ? 3 : 5)];
    if (end !== undefined && !ENDS.test(end)) return [];
    if (isValue) return [VALUE];
    return /^[a-z_]\w*$/.test(value) && dot === "." ? [value] : [];
  });
}

/** Whether a place is in the WHERE, or in an ON that holds for the name. */
function binds(block: readonly string[], at: number, name: string): boolean {
  const before = block.slice(0, at);
  const clause = Math.max(before.lastIndexOf("where"), before.lastIndexOf("on"));
  if (clause < 0) return false;
  if (before[clause] === "where") return true;
  const join = before.lastIndexOf("join", clause);
  const isOuter = before.slice(Math.max(0, join - 2), join).some((token) => /^(?:left|right|full)$/.test(token));
  return !isOuter || block.slice(join + 1, clause).includes(name);
}
