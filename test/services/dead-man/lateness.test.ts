import { describe, expect, test } from "vitest";
import {
  cronState,
  failingForMs,
  isTaskLate,
  NEVER_RUN,
  overdueMs,
  taskStates,
} from "../../../src/services/dead-man/lateness.ts";
import { CRON_JOBS, OBJECT_TASKS } from "../../../src/services/dead-man/table.ts";

const { everyMs, graceMs } = CRON_JOBS.wake_domains;
const WINDOW = everyMs + graceMs;
const at = (record: object, nowMs: number) => cronState("wake_domains", { ...NEVER_RUN, ...record }, 1000, nowMs).state;

describe("S2-44 the absence of success is a failure", () => {
  test("a job that never ran waits for its first window, then is late", () => {
    expect(at({}, 1000 + WINDOW)).toBe("waiting");
    expect(at({}, 1001 + WINDOW)).toBe("late");
  });

  test("one that starts and never ends is late by its last success, however often it starts", () => {
    const record = { succeededMs: 5000, startedMs: 5000 + WINDOW };
    expect(at(record, 5000 + WINDOW)).toBe("ok");
    expect(at(record, 5001 + WINDOW)).toBe("late");
  });

  test("one that fails is failing at once, and late when its window is over; a success ends both", () => {
    expect(at({ succeededMs: 5000, failedMs: 6000 }, 6000)).toBe("failing");
    expect(at({ succeededMs: 5000, failedMs: 5000 + WINDOW }, 5001 + WINDOW)).toBe("late");
    expect(at({ succeededMs: 7000, failedMs: 6000 }, 7000)).toBe("ok");
  });
});

describe("a task of an object", () => {
  test("fails for at least as long as its schedule waited between its tries", () => {
    let sum = 0;
    for (let failures = 1; failures <= 40; failures++) {
      expect(failingForMs(failures), String(failures)).toBe(sum);
      // schedule.ts: what the failure number `failures` waits for.
      sum += Math.min(300_000, 1000 * 2 ** Math.min(failures - 1, 16));
    }
    expect(failingForMs(0)).toBe(0);
  });

  test("is late when it is overdue for longer than its grace, or fails for so long although it is always planned anew", () => {
    const grace = OBJECT_TASKS["log.copy"].graceMs;
    const planned = (dueMs: number, failures = 0) => ({ task: "copy", dueMs, failures });
    expect(overdueMs(planned(2000), 1000)).toBe(0);
    expect(isTaskLate("log.copy", planned(1000), 1000 + grace)).toBe(false);
    expect(isTaskLate("log.copy", planned(1000), 1001 + grace)).toBe(true);
    expect(isTaskLate("log.copy", planned(9_000_000, 9), 0)).toBe(false);
    expect(isTaskLate("log.copy", planned(9_000_000, 30), 0)).toBe(true);
  });

  test("is called well only when somebody has looked: before that it waits", () => {
    const state = (late: [string, number][], job: string) =>
      taskStates(new Map(late), new Map([[job, { succeededMs: 1 }]])).find(({ task }) => task === "log.copy")?.state;
    expect(state([], "wake_tenants")).toBe("waiting");
    expect(state([], "wake_domains")).toBe("ok");
    expect(state([["log.copy", 2]], "wake_tenants")).toBe("late");
  });
});
