/** The log's signed checkpoint beside what was recomputed of the log here: its key, its witnesses, its root, what is remembered of it. */
import { equalBytes, fromBase64 } from "../../core/bytes.ts";
import type { Checkpoint } from "../../core/checkpoint.ts";
import { parseCheckpointNote } from "../../core/checkpoint.ts";
import { type CheckpointStep, entries, judgeCheckpoint } from "../../verifier/checkpoint-steps.ts";
import { rememberedHead, type TrustPolicy } from "../../verifier/policy.ts";
import { type SignedHead, type Step, StepList, type Verdict } from "../../verifier/report.ts";
import { NODE } from "./trust.ts";

export type LogCheckpointStep = CheckpointStep | "root";

export interface LogCheckpointReport {
  verdict: Verdict;
  /** What it says, whether or not anybody trusted signed it; null: there is none, or it cannot be read. */
  claimed: Checkpoint | null;
  steps: Step<LogCheckpointStep>[];
  notChecked: string[];
  advice: string[];
  /** Signed by a key that is trusted. */
  heads: SignedHead[];
  /** The recomputed entries have its root, a trusted key signed it and an independent witness saw it. */
  witnessed: boolean;
}

export interface RecomputedLog {
  domainId: string;
  /** As the server's head says. */
  size: number;
  /** Of the first so many entries, recomputed here; absent: not recomputed. */
  roots: ReadonlyMap<number, Uint8Array>;
  policy: TrustPolicy;
  /** What was recomputed. */
  of: "entries" | "leaves";
}

/** The sizes whose roots are to be recomputed for `judgeLogCheckpoint`. */
export function sizesToCompare(note: string | null, policy: TrustPolicy): number[] {
  const claimed = note === null ? null : parseCheckpointNote(note)?.checkpoint;
  if (!claimed) return [];
  const remembered = rememberedHead(policy, claimed.origin);
  return [claimed.size, ...(remembered ? [remembered.size] : [])];
}

/** `note` is untrusted; null: the server shows none. Never throws. */
export function judgeLogCheckpoint(note: string | null, log: RecomputedLog): LogCheckpointReport {
  const list = new StepList<LogCheckpointStep>();
  if (note === null) {
    list.skip("checkpoint", "the server shows no signed checkpoint of this log to this key");
    return { ...NOTHING, steps: list.steps };
  }
  const judged = judgeCheckpoint(list as StepList<CheckpointStep>, note, log.policy, NODE, { current: true });
  const { claimed } = judged;
  if (!claimed) return { ...NOTHING, verdict: "refuted", steps: list.steps };
  const fits = stepOfRoot(list, claimed, log);
  const contradicts = stepOfRememberedRoot(list, claimed, log);
  const verdict = contradicts ? "contradicts_remembered_head" : judged.conclude(list.failed("witnesses", "remembered"));
  return {
    verdict,
    claimed,
    steps: list.steps,
    notChecked: [...judged.notChecked, ...uncovered(claimed, log)],
    advice: judged.advice,
    heads: judged.heads,
    witnessed: fits && judged.verdict.ok && judged.verdict.independent > 0,
  };
}

const NOTHING: Omit<LogCheckpointReport, "steps"> = {
  verdict: "could_not_check",
  claimed: null,
  notChecked: ["the log's signature: no checkpoint stands behind these entries, so only the server's word does"],
  advice: [],
  heads: [],
  witnessed: false,
};

/** Whether the root was recomputed and is that of the checkpoint. */
function stepOfRoot(
  list: StepList<LogCheckpointStep>,
  { origin, size, root }: Checkpoint,
  log: RecomputedLog,
): boolean {
  const recomputed = log.roots.get(size);
  if (!origin.endsWith(`/${log.domainId}`))
    return list.check("root", `it is a checkpoint of another log: ${origin}`, "");
  if (size > log.size) {
    return list.check(
      "root",
      `it counts ${entries(size)}, and the log shows only ${log.size}: its end was cut off`,
      "",
    );
  }
  if (!recomputed) {
    list.skip("root", `its root is over all ${log.of} from 0 on, and not all of them were recomputed here`);
    return false;
  }
  const fault = `the ${log.of} that were recomputed here have another root: the log does not show what it signed`;
  return list.check(
    "root",
    equalBytes(recomputed, root) ? null : fault,
    `the ${log.of} 0 to ${size - 1}, recomputed here, have exactly this root`,
  );
}

/** Where the policy remembers an earlier head, its root can be recomputed too: whether it contradicts. */
function stepOfRememberedRoot(list: StepList<LogCheckpointStep>, claimed: Checkpoint, log: RecomputedLog): boolean {
  const remembered = rememberedHead(log.policy, claimed.origin);
  const at = list.steps.findIndex(({ step, status }) => step === "remembered" && status === "not_checked");
  const recomputed = remembered && log.roots.get(remembered.size);
  const root = remembered && fromBase64(remembered.root);
  if (at < 0 || !recomputed || !root) return false;
  const same = equalBytes(recomputed, root);
  const detail = same
    ? `its first ${entries(remembered.size)} have the root that your policy remembers`
    : `your policy remembers another root for its first ${entries(remembered.size)}: this log has two histories`;
  list.steps[at] = { step: "remembered", status: same ? "ok" : "failed", detail };
  return !same;
}

function uncovered({ size }: Checkpoint, log: RecomputedLog): string[] {
  if (size >= log.size) return [];
  return [`entries ${size} to ${log.size - 1}: no signed checkpoint covers them yet`];
}
