/** The words that lie in every bundle, for somebody who never saw the product. */
import { BUNDLE, EXPIRED_ATTACHMENT } from "../../core/bundle.ts";
import type { SetProof } from "../../core/evidence-set.ts";
import { describeSet } from "../../verifier/evidence-set.ts";

export interface ReadmeOf {
  origin: string;
  proof: SetProof;
  /** Of the log, as its operator names it. */
  verifierKey: string;
  /** The page lies in it too. */
  withPage: boolean;
  /** What was asked for began earlier. */
  expired: boolean;
}

const goneBefore = (first: number): string => `
It was asked for from an earlier entry on. What the entries before ${first} said is gone by the log's retention
policy; their hashes are under the same root. An entry ledger.expired of the log says so: where
${EXPIRED_ATTACHMENT} lies here, it is the evidence for it, and is verified with the rest.
`;

const BY_PAGE = `
Without Node: open ${BUNDLE.page} in a browser, also with the network off. Paste the key that you learnt, or drop a policy of your
own, and drop this export on it as you got it, the archive (.tar). The page sends nothing to anybody.
`;

export function bundleReadme({ origin, proof, verifierKey, withPage, expired }: ReadmeOf): string {
  return `This is an export of a tamper-evident audit log: ${describeSet(proof)}
of the log ${origin}
${expired && proof.kind === "range" ? goneBefore(proof.from) : ""}
To verify it you need Node 20 or newer, and neither a network nor anything else:

  1. Learn the verifier key of the log from somebody other than whoever gave you this export: the
     operator's page /.well-known/moonseal, a contract, an earlier audit. The operator says that it is
       ${verifierKey}
  2. node ${BUNDLE.script} --key 'the key that you learnt'
     or, with witnesses too, a policy of your own: node ${BUNDLE.script} --policy FILE

It says step by step what is proved, and what is not. Exit codes: 0 verified, 1 refuted, 2 wrong usage,
3 could not check (no key is trusted), 4 not witnessed as the policy asks.
${withPage ? BY_PAGE : ""}
${BUNDLE.policy} is the policy that the log's operator suggests. Read it, compare its keys, and name it
with --policy if you agree; it is never trusted by itself. The script${withPage ? " and the page, too, come" : ", too, comes"} from the operator:
the command "moonseal verify", or any script that follows the format, judges the export as well.

  ${BUNDLE.checkpoint}    the signed head of the log (C2SP tlog-checkpoint), with the witnesses' cosignatures
  ${BUNDLE.proof}         the hashes that lead from the entries to the head (RFC 6962)
  entries-….jsonl   the entries, one a line: exactly the bytes that were hashed
  ${BUNDLE.manifest}     every file with its size and SHA-256
  ${BUNDLE.note}     the log's signature on the manifest (C2SP signed-note)
`;
}
