/** The beginning of a run: everything that is looked at as a whole, and the plan of what is read. */
import type { HeadResult } from "../log/calls.ts";
import { type CheckName, type Finding, SET_BACK } from "./checks.ts";
import type { SelfCheckDeps } from "./deps.ts";
import { lookAtHeads, lookAtWitnesses } from "./heads.ts";
import {
  type CheckRecord,
  type CheckRun,
  NOTHING_SEEN,
  NOTHING_WALKED,
  setState,
  settle,
  WALKED,
  type Work,
} from "./record.ts";
import { firstOf, sampleOf } from "./sample.ts";
import { TREE_DAMAGED } from "./signed.ts";
import * as around from "./surroundings.ts";
import { endOf } from "./walk.ts";

/** Of the ledger as a whole; the others are of an entry. */
const OF_THE_TIP: ReadonlySet<string> = new Set([SET_BACK, "beyond_head"]);

/**
 * False: the objects are not where they must be, so no store was asked anything. Throws what the log throws, and what no store
 * should.
 */
export async function beginRun(record: CheckRecord, deps: SelfCheckDeps): Promise<boolean> {
  const startedMs = deps.clock();
  const run: CheckRun = {
    ...{
      startedMs,
      work: [],
      unfinished: [],
      read: NOTHING_WALKED(),
      sampled: NOTHING_WALKED(),
      tookMs: NOTHING_WALKED(),
    },
  };
  record.run = run;
  const look = async (name: CheckName, of: () => Promise<readonly Finding[]>) => {
    if (!(await around.lookAt(name, record, startedMs, of))) run.unfinished.push(name);
  };
  await look("jurisdiction", () => around.jurisdiction(deps));
  if (record.checks.jurisdiction.findings.some(({ fault }) => fault === "object_elsewhere")) return false;
  const anew = deps.book.takeAnew();
  if (anew) Object.assign(record, { verified: NOTHING_WALKED(), rolling: NOTHING_WALKED() });
  if (anew?.forgetHeads) record.seen = NOTHING_SEEN();
  // With what was taken, in one turn: a keeper that dies in this run begins another one, and does not compare with the heads of before.
  if (anew) deps.book.put({ ...record, run: null });
  const heads = await headsOrNull(record, run, deps);
  const ofHeads = heads?.findings.filter(({ check }) => check === "keys") ?? [];
  await look("keys", async () => [...ofHeads, ...(await around.keys(deps))]);
  if (!heads || ofHeads.length > 0) return unread(record, run);
  const { head, mirrored } = heads;
  await look("guards", () => around.guards(head, deps));
  await look("clock", () => around.clockFindings(head, deps));
  await look("backlog", async () => around.backlog(head, deps));
  await lookAtTheTip(record, run, deps);
  run.work = workOf(record, head, mirrored, deps);
  return true;
}

/** Null: nothing is signed yet, or a store that the heads are in does not answer. */
async function headsOrNull(record: CheckRecord, run: CheckRun, deps: SelfCheckDeps) {
  const nowMs = run.startedMs;
  const looked: { heads: Awaited<ReturnType<typeof lookAtHeads>> | null } = { heads: null };
  const answered = await around.lookAt("checkpoint", record, nowMs, async () => {
    const first = await lookAtHeads(record.seen, deps);
    looked.heads = first.findings.length === 0 ? first : await lookAtHeads(record.seen, deps);
    return looked.heads.findings.filter(({ check }) => check === "checkpoint");
  });
  if (!answered || !looked.heads) {
    run.unfinished.push("checkpoint");
    return null;
  }
  const { head, checkpoint, mirrored, findings } = looked.heads;
  const damaged = record.checks.object.findings.filter(({ fault }) => fault === TREE_DAMAGED);
  settle(record, "object", [...findings.filter(({ check }) => check === "object"), ...damaged], nowMs);
  if (findings.length === 0) {
    const { size, root } = checkpoint;
    record.seen = { size: head.size, checkpoint: { size, root }, mirrored: Math.max(record.seen.mirrored, mirrored) };
  }
  await witnesses(record, run, deps);
  return { head, mirrored, findings };
}

/** Without a signed head there is nothing that entries could be compared with. */
function unread(record: CheckRecord, run: CheckRun): true {
  for (const name of ["object", ...WALKED] as const) {
    run.unfinished.push(name);
    setState(record, name, "unknown", run.startedMs);
  }
  return true;
}

async function witnesses(record: CheckRecord, run: CheckRun, deps: SelfCheckDeps): Promise<void> {
  const { findings, silent } = await lookAtWitnesses(deps);
  if (findings.length > 0) settle(record, "witness", findings, run.startedMs);
  else if (deps.witnesses.length > silent) settle(record, "witness", [], run.startedMs);
  else {
    record.checks.witness.findings = [];
    setState(record, "witness", "unknown", run.startedMs);
  }
}

/** D1 ends where the object says that it does: not before (it was set back), and not after. */
async function lookAtTheTip(record: CheckRecord, run: CheckRun, deps: SelfCheckDeps): Promise<void> {
  const { findings } = record.checks.ledger;
  const others = findings.filter(({ fault }) => !OF_THE_TIP.has(fault));
  const nowMs = run.startedMs;
  const before = record.checks.ledger.state;
  const answered = await around.lookAt("ledger", record, nowMs, async () => {
    const found = (await tipFinding(deps)) && (await tipFinding(deps));
    if (found?.fault === SET_BACK) record.verified.ledger = Math.min(record.verified.ledger, found.place);
    return found ? [...others, found] : others;
  });
  if (!answered) run.unfinished.push("ledger");
  // That its end is right says nothing of its rows.
  else if (before === "unknown" && record.checks.ledger.state === "ok") setState(record, "ledger", "unknown", nowMs);
}

async function tipFinding({ log, ledger }: SelfCheckDeps): Promise<Finding | null> {
  const before = await log.head();
  const tip = await ledger(before).tip();
  const after = await log.head();
  const size = Math.max(tip?.size ?? 0, before.firstHot);
  const of = (fault: string, seq: number): Finding => ({
    ...{ check: "ledger", store: "ledger", fault, seq, place: seq },
  });
  if (size > after.size) return of("beyond_head", after.size);
  // The copy's own size goes back when the object has noticed; what waits to be copied again is noticed by `backlog`.
  return size < Math.min(before.copiedSize, after.copiedSize) ? of(SET_BACK, size) : null;
}

function workOf(record: CheckRecord, head: HeadResult, mirrored: number, { random }: SelfCheckDeps): Work[] {
  const [first, end] = [firstOf(head), endOf({ head, mirrored })];
  const again = [...WALKED, "object" as const].flatMap((name) =>
    record.checks[name].findings
      .filter(({ fault }) => (name === "object" ? fault === TREE_DAMAGED : !OF_THE_TIP.has(fault)))
      .map(({ place }): Work => {
        const of = name === "object" ? (place < first.ledger ? "mirror" : "ledger") : name;
        return { of, why: "again", from: place, to: place + 1 };
      }),
  );
  const past = WALKED.flatMap((of) => sampleOf(of, first[of], record, random));
  const grown = WALKED.map((of): Work => ({ of, why: "new", from: record.verified[of], to: end[of] }));
  return [...again, ...past, ...grown.filter(({ from, to }) => from < to)];
}
