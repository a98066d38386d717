/** The table of jobs against what cron runs, what objects schedule, and what is monitored. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "smol-toml";
import { describe, expect, test } from "vitest";
import { JURISDICTIONS } from "../../../src/core/ids.ts";
import {
  CRON_JOB_NAMES,
  CRON_JOBS,
  JOB_NAMES,
  OBJECT_TASKS,
  TASK_NAMES,
  taskNamed,
} from "../../../src/services/dead-man/table.ts";
import { ALL_SLUGS, monitoringConfig, pingSetting, slugOf } from "../../../src/services/monitoring/settings.ts";

const ROOT = path.join(import.meta.dirname, "../../..");
const source = (file: string) => readFileSync(path.join(ROOT, file), "utf8");
/** The words of a type that is a union of strings. */
function unionOf(file: string, pattern: RegExp): string[] {
  const [, union = ""] = pattern.exec(source(file)) ?? [];
  return [...union.matchAll(/"(\w+)"/g)].map(([, word]) => word as string);
}

describe("S2-43 the list of jobs equals the list of monitors", () => {
  test.each([
    ["DomainLog", "durable-objects/domain-log.ts", /^type Task =([^;]+);/m],
    ["DomainKeeper", "durable-objects/domain-keeper/tasks.ts", /^export type KeeperTask =([^;]+);/m],
  ] as const)("every task of %s's schedule has its row, and no row is of nothing", (object, file, pattern) => {
    const tasks = unionOf(file, pattern);
    expect(tasks.length).toBeGreaterThan(2);
    const rows = TASK_NAMES.filter((name) => OBJECT_TASKS[name].object === object).map(
      (name) => OBJECT_TASKS[name].task,
    );
    expect(tasks.sort()).toEqual([...rows].sort());
    for (const task of tasks) expect(taskNamed(object, task)).not.toBeNull();
  });

  test.each(JURISDICTIONS)("the cell %s runs exactly the cron expressions of the table", (jurisdiction) => {
    const { triggers } = parse(source(`wrangler.${jurisdiction}.toml`)) as { triggers: { crons: string[] } };
    const expressions = new Set(CRON_JOB_NAMES.map((job) => CRON_JOBS[job].cron));
    expect([...triggers.crons].sort()).toEqual([...expressions].sort());
  });

  test("every job of the table has a check of its own in each cell, and settings name no other", () => {
    const cell = {
      jurisdiction: "eu",
      logHost: "log.moonseal.test",
      loopback: false,
      seeds: [new Uint8Array(32)],
    } as const;
    const { pingOf } = monitoringConfig({ HEALTHCHECKS_BASE: "https://hc-ping.com/key" }, cell);
    const checks = JOB_NAMES.map((job) => pingOf(job));
    expect(checks).toEqual(JOB_NAMES.map((job) => `https://hc-ping.com/key/${slugOf("eu", job)}`));
    expect(new Set(checks).size).toBe(JOB_NAMES.length);
    expect(new Set(ALL_SLUGS).size).toBe(2 * JOB_NAMES.length);
    for (const slug of ALL_SLUGS) expect(slug).toMatch(/^[a-z0-9-]{1,100}$/);
    expect(new Set(JOB_NAMES.map(pingSetting)).size).toBe(JOB_NAMES.length);
    expect(() => monitoringConfig({ PING_URL_NOTHING: "https://hc-ping.com/x" }, cell)).toThrow(/PING_URL_NOTHING/);
  });

  test("docs/status.md lists every job with its window", () => {
    const lines = source("docs/status.md").split("\n");
    const cron = CRON_JOB_NAMES.map((job) => {
      const { everyMs, graceMs, says } = CRON_JOBS[job];
      return `| \`${job}\` | ${everyMs / 60_000} min | ${graceMs / 60_000} min | ${says} |`;
    });
    const tasks = TASK_NAMES.map((task) => {
      const { graceMs, says } = OBJECT_TASKS[task];
      return `| \`${task}\` | when due | ${graceMs / 60_000} min | ${says} |`;
    });
    expect(lines.filter((line) => / \d+ min \| [A-Z]/.test(line))).toEqual([...cron, ...tasks]);
  });
});
