/** What follows from how the jobs stand: which alerts are to be open, and which are over. Pure. */
import type { Alert, AlertOf } from "../alerts/alert.ts";
import type { CronState } from "../dead-man/lateness.ts";
import type { ProbeView } from "./probe.ts";

export interface Judged {
  raise: Alert[];
  resolve: AlertOf[];
}

/** Says of each job and probe what holds now, so it can be told again and again: nothing depends on what was said before. */
export function judged(jobs: readonly CronState[], probes: readonly ProbeView[], nowMs: number): Judged {
  const all = [...jobs.flatMap(ofJob), ...probes.flatMap(ofProbe)];
  const named = ({ kind, job }: Finding) => ({ kind, job });
  return {
    raise: all.flatMap((one) => (one.codes ? [{ ...named(one), codes: one.codes, atMs: nowMs }] : [])),
    resolve: all.flatMap((one) => (one.codes ? [] : [named(one)])),
  };
}

/** `codes` null: it is not so. */
interface Finding {
  kind: Alert["kind"];
  job: string;
  codes: string[] | null;
}

function ofJob({ job, state, code, succeededMs, failedMs }: CronState): Finding[] {
  const failing = failedMs !== null && failedMs > (succeededMs ?? 0);
  return [
    {
      kind: "job.late",
      job,
      codes: state === "late" ? [succeededMs === null ? "never_succeeded" : "no_success"] : null,
    },
    { kind: "job.failing", job, codes: failing ? [code ?? "internal"] : null },
  ];
}

function ofProbe({ probe, state, last }: ProbeView): Finding[] {
  return [
    { kind: "probe.silent", job: probe, codes: state === "silent" ? ["no_report"] : null },
    { kind: "probe.failing", job: probe, codes: state === "failing" ? [last?.code ?? "unnamed"] : null },
  ];
}
