/** Verifies a checkpoint by itself (C2SP tlog-checkpoint): who signed and witnessed it, and whether it fits what is remembered. */
import { type CheckpointStep, entries, judgeCheckpoint } from "./checkpoint-steps.ts";
import type { TrustPolicy } from "./policy.ts";
import { type Platform, reportOfOneStep, StepList, type VerifierReport } from "./report.ts";

/** Untrusted text in, report out; never throws. It is taken for the log's present head. */
export function verifyCheckpointFile(text: string, policy: TrustPolicy, platform: Platform): VerifierReport {
  const list = new StepList<CheckpointStep>();
  const judged = judgeCheckpoint(list, text, policy, platform, { current: true });
  const { claimed } = judged;
  if (!claimed) {
    const fault = "this is not a checkpoint (c2sp.org/tlog-checkpoint) in its one spelling";
    return reportOfOneStep("checkpoint", "checkpoint of a log", "refuted", fault);
  }
  const verdict = judged.conclude(list.failed("witnesses", "remembered"));
  return {
    kind: "checkpoint",
    subject: `checkpoint of ${claimed.origin} with ${entries(claimed.size)}`,
    verdict,
    steps: [{ step: "format", status: "ok", detail: "the file is a checkpoint" }, ...list.steps],
    notChecked: [
      ...judged.notChecked,
      "what the entries are, and whether this tree extends earlier ones: moonseal monitor reads the log",
    ],
    advice: judged.advice,
    heads: judged.heads,
  };
}
