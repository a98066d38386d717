/**
 * The log and one of its copies disagree. Not an expected failure: the domain is stopped (`integrity.violation`), never
 * repaired by guessing. The message goes into the log: seqs and places only, nothing about people.
 */
export class Divergence extends Error {
  override readonly name = "Divergence";
}
