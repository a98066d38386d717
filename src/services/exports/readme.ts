/** The words that lie in every export, for somebody who never saw the product. */
import { BUNDLE, EXPIRED_ATTACHMENT } from "../../core/bundle.ts";
import type { ExportWish } from "./calls.ts";
import type { ExportPlan } from "./ports.ts";

export interface ReadmeOf {
  origin: string;
  plan: ExportPlan;
  wish: ExportWish;
  /** The evidence for what is gone lies beside. */
  gone: boolean;
  /** Of the log, as its operator names it. */
  verifierKey: string;
}

const CSV = `
  entries-….csv     the same entries as a table. Where = + - @ or ' would begin a cell, or follow a semicolon in
                    one, a ' is put before it, so that no spreadsheet runs it; manifest.json says how to undo it.
  entries-….csv.note  the log's signature on the name and SHA-256 of that table, to hand it on alone`;
const JSON_LIST = `
  entries-….json    the same entries as one JSON document, with their hashes`;
const PDF = `
  entries-….pdf     the same entries to read, signed (PAdES) with a certificate whose SHA-256 the manifest and the
                    operator's page name. The proof is the archive; what the PDF says is not compared with it.`;
const DISCLOSED = `
  disclosures-….json  private values of the entries beside it, each with the salt of its commitment. What is
                    erased is not there. Treat this export as what it is: personal data.`;

export function exportReadme({ origin, plan: { from, to }, wish, gone: isProved, verifierKey }: ReadmeOf): string {
  const range = `from ${from} to ${to}`;
  const what = wish.filter ? `the entries ${range} that match: ${wish.filterText}` : `all entries ${range}`;
  const complete = wish.filter
    ? `That each of them is in the log is proved. That no other entry matches is the word of whoever made
this export: export the range without a filter where that has to be proved.`
    : "That none is missing, and none was added or changed, is proved.";
  const proof = wish.filter ? "proof-….txt      " : `${BUNDLE.proof}        `;
  const gone =
    from > wish.from
      ? `
It was asked for from entry ${wish.from} on. What the entries before ${from} said is gone by the log's retention
policy; their hashes are under the same root, and an entry ledger.expired of the log says so${
          isProved
            ? `: the
evidence for it is ${EXPIRED_ATTACHMENT}, and is verified with the rest`
            : `. The
evidence for it is not in this export: ask for the evidence of that entry`
        }.
`
      : "";
  return `This is an export of a tamper-evident audit log: ${what}
of the log ${origin}
${gone}
${complete}

To verify it you need Node 20 or newer, and neither a network nor anything else. Unpack it, and:

  1. Learn the verifier key of the log from somebody other than whoever gave you this export: the
     operator's page /.well-known/moonseal, a contract, an earlier audit. The operator says that it is
       ${verifierKey}
  2. node ${BUNDLE.script} --key 'the key that you learnt'
     or, with witnesses too, a policy of your own: node ${BUNDLE.script} --policy FILE

The archive need not be unpacked: node ${BUNDLE.script} EXPORT.zip --key '…', or: moonseal verify EXPORT.zip

It says step by step what is proved, and what is not. Exit codes: 0 verified, 1 refuted, 2 wrong usage,
3 could not check (no key is trusted), 4 not witnessed as the policy asks.

Without Node: open ${BUNDLE.page} in a browser, also with the network off. Paste the key that you learnt, and
drop this export on it as you got it (up to 256 MiB). The page sends nothing to anybody.

${BUNDLE.policy} is the policy that the log's operator suggests. Read it, compare its keys, and name it
with --policy if you agree; it is never trusted by itself. The script and the page, too, come from the operator:
the command "moonseal verify", or any script that follows the format, judges the export as well.

  ${BUNDLE.checkpoint}    the signed head of the log (C2SP tlog-checkpoint), with the witnesses' cosignatures
  ${proof} the hashes that lead from the entries to the head (RFC 6962)
  entries-….jsonl   the entries, one a line: exactly the bytes that were hashed${
    wish.formats.includes("json") ? JSON_LIST : ""
  }${wish.formats.includes("csv") ? CSV : ""}${wish.formats.includes("pdf") ? PDF : ""}${wish.isPrivate ? DISCLOSED : ""}
  ${BUNDLE.manifest}     every file with its size and SHA-256
  ${BUNDLE.note}     the log's signature on the manifest (C2SP signed-note)
`;
}
