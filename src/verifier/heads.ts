/** Heads of several files beside each other: two roots for one size are two histories, whoever holds which file. */
import type { SignedHead, VerifierReport } from "./report.ts";

/**
 * The first two heads that contradict each other, each signed by a key that the policy trusts for its log; as a report about
 * both. Null when none do. Heads of different sizes are not compared: that needs a consistency proof.
 */
export function contradictionBetween(heads: readonly SignedHead[]): VerifierReport | null {
  const seen = new Map<string, SignedHead>();
  for (const head of heads) {
    const place = `${head.size} ${head.origin}`;
    const other = seen.get(place);
    if (other && other.root !== head.root) return reportOf(other, head);
    seen.set(place, head);
  }
  return null;
}

function reportOf(one: SignedHead, other: SignedHead): VerifierReport {
  return {
    kind: "heads",
    subject: `the checkpoints of these files for ${one.origin} with ${one.size} entries`,
    verdict: "refuted",
    steps: [
      {
        step: "heads",
        status: "failed",
        detail: `a key that you trust signed two roots for the same size, ${one.root} and ${other.root}: this log has two histories`,
      },
    ],
    notChecked: ["which of the two histories is the true one, if any is"],
    advice: ["keep both files: together they prove what the log's operator did, to everybody"],
    heads: [one, other],
  };
}
