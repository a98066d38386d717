/** The numbers of requirements in titles of tests. Pure. */

/** One or more numbers, and of faults (`R1`, `A12`: their list), at the beginning of a title. */
const LEADING = /^(?:[A-Z]\d+(?:-\d+)?(?:[,:]? +|:?$))+/;
const ID = /S\d-\d+/g;

/**
 * The requirements that a test carries: the numbers at the beginning of its title or of a group's around it, each once. A number
 * further behind in a title is a mention and counts for nothing.
 */
export function idsOf(titles: readonly string[]): string[] {
  return [...new Set(titles.flatMap((title) => LEADING.exec(title)?.[0].match(ID) ?? []))];
}
