/** What a verification says: for people in plain words, for programs as JSON. Both say what was not checked. */
import { NOT_WITNESSED } from "../../verifier/checkpoint-steps.ts";
import { STATUS_WORDS, type Step } from "../../verifier/report.ts";
import { count, safeText } from "../text.ts";
import type { Gone } from "./gone.ts";
import { STATUS_WIDTH } from "./print.ts";
import type { LogReport } from "./verify-log.ts";

export interface ReportContext {
  elapsedMs: number;
  headFile: string;
  /** Whether the head of this run stands in the file now. */
  rememberedNow: boolean;
  /** Where the trust came from; null: nobody is trusted. */
  trusting: string | null;
}

const VERDICT_LINE: Record<LogReport["verdict"], string> = {
  verified: "VERIFIED: nothing in the checked range was changed, inserted, removed or reordered.",
  refuted: "REFUTED: this log is not what it claims to be.",
  contradicts_remembered_head: "CONTRADICTS THE REMEMBERED HEAD: this is not the log that was seen here before.",
  not_witnessed:
    "NOT WITNESSED: the entries agree, and not as many independent witnesses saw them as the policy asks for.",
  could_not_check:
    "COULD NOT CHECK: the entries agree with each other, and no checkpoint that the policy trusts stands behind them.",
};

export function reportLines(report: LogReport, context: ReportContext): string[] {
  const { finding, head } = report;
  const bullets = (items: string[]) => items.map((item) => `  - ${safeText(item)}`);
  return [
    `${VERDICT_LINE[report.verdict]}`,
    ...(finding ? [`  first bad entry: ${finding.seq} (${finding.fault}): ${safeText(finding.detail)}`] : []),
    ...(head.status === "stopped"
      ? [`  the server says this domain is stopped: ${safeText(head.stopped_reason)}`]
      : []),
    "Checked:",
    ...bullets(checked(report, context)),
    `The log's signed checkpoint (${context.trusting === null ? "nobody is trusted" : `trusting ${safeText(context.trusting)}`}):`,
    ...report.checkpoint.steps.map((step) => `  ${stepLine(step)}`),
    "Not checked:",
    ...bullets(notChecked(report)),
    ...(report.checkpoint.advice.length > 0 ? ["What to do:", ...bullets(report.checkpoint.advice)] : []),
    ...(context.rememberedNow
      ? [`Remembered: size ${head.size}, hash ${head.entry_hash.slice(0, 16)}…, in ${context.headFile}`]
      : []),
  ];
}

const STEP_WIDTH = 10;
const stepLine = ({ step, status, detail }: Step): string =>
  `${STATUS_WORDS[status].padEnd(STATUS_WIDTH)}  ${step.padEnd(STEP_WIDTH)}  ${safeText(detail)}`;

export function reportJson(report: LogReport, context: ReportContext): object {
  const { head, remembered, finding } = report;
  return {
    domain_id: report.domainId,
    verdict: report.verdict,
    finding,
    from: report.from,
    to: report.to,
    first_seq: report.first,
    gone: report.gone && {
      ...{ from: report.gone.from, through: report.gone.through, said_by: report.gone.claim.seq },
      hashes_under_root: report.gone.underRoot,
    },
    entries: report.entries,
    head: { size: head.size, entry_hash: head.entry_hash, recorded_at: head.recorded_at, status: head.status },
    remembered_head: remembered && {
      size: remembered.size,
      entry_hash: remembered.entry_hash,
      verified_at: remembered.verified_at,
      compared: report.rememberedChecked || report.verdict === "contradicts_remembered_head",
    },
    checkpoint: {
      verdict: report.checkpoint.verdict,
      policy: context.trusting,
      size: report.checkpoint.claimed?.size ?? null,
      steps: report.checkpoint.steps,
    },
    head_file: context.headFile,
    remembered_now: context.rememberedNow,
    checked: checked(report, context),
    not_checked: notChecked(report),
    elapsed_ms: Math.round(context.elapsedMs),
  };
}

/** The claim is the log's own: whoever serves it cannot make entries go without saying so under the root. */
function goneLine({ from, through, claim, underRoot }: Gone): string {
  const by = `entry ${claim.seq} of this log says so`;
  const hashes = underRoot
    ? "; their hashes are under the root, and the first entry that is left follows the last of them"
    : "";
  return `Payloads of entries ${from}–${through} are gone by policy (${by})${hashes}.`;
}

function checked(report: LogReport, { elapsedMs }: ReportContext): string[] {
  const { from, first, gone, entries, remembered, verdict, head } = report;
  const seconds = (elapsedMs / 1000).toFixed(1);
  const said = [
    entries === 0
      ? "No entry was recomputed without a fault."
      : `${count(entries, "entry", "entries")} (${first} to ${first + entries - 1}) in ${seconds} s: each payload is canonical, its hash was recomputed here, it follows the entry before, and its seq, id and domain agree.`,
  ];
  if (gone) said.push(goneLine(gone));
  if (from === 0 && first === 0 && entries > 0)
    said.push("Entry 0 follows the genesis value that it names and that the server's head names.");
  if (report.headProved) said.push(`The last entry (${head.size - 1}) is the one that the server's head names.`);
  if (report.rememberedChecked && remembered) {
    said.push(`The head of size ${remembered.size}, verified here on ${remembered.verified_at}, is part of this log.`);
  }
  if (verdict === "contradicts_remembered_head" && remembered) {
    said.push(
      `The head of size ${remembered.size}, verified here on ${remembered.verified_at}, is not part of this log.`,
    );
  }
  return said;
}

function notChecked(report: LogReport): string[] {
  const { from, first, gone, to, remembered, rememberedChecked, head, finding, entries, checkpoint } = report;
  const said: string[] = [];
  const agreed = finding === null;
  if (!agreed) said.push(`Anything from entry ${first + entries} on: checking stops at the first fault.`);
  if (gone) said.push(`What entries ${gone.from} to ${gone.through} said: nobody can read it any more.`);
  if (gone && !gone.underRoot)
    said.push(`The hashes of entries ${gone.from} to ${gone.through}: the log's tiles were not read.`);
  if (from > 0) {
    said.push(
      rememberedChecked && remembered?.size === from + 1
        ? `Entries 0 to ${from - 1} were not read again; the remembered head covers their hashes. Leave out --since-head to read them.`
        : `Entries 0 to ${from - 1}, and that entry ${from} follows them.`,
    );
  }
  if (agreed && to < head.size - 1) said.push(`Entries ${to + 1} to ${head.size - 1}.`);
  if (agreed && !rememberedChecked) {
    said.push(
      remembered
        ? "The remembered head: its entry is outside the range that was asked for."
        : "Whether the log was cut or rewritten before this run: no earlier head was remembered here.",
    );
  }
  if (!checkpoint.witnessed) {
    said.push(
      "Whether others were shown another log: no independent witness is involved, so whoever runs the server could rewrite everything that no remembered head covers.",
    );
  }
  said.push(
    ...checkpoint.notChecked.filter((each) => each !== NOT_WITNESSED),
    "Whether the events are true or complete, private values, and columns that the server keeps for searching only.",
  );
  return said;
}
