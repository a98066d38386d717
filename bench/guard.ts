/**
 * How often the guard of clear fields says something on real events, and what a look costs: `node bench/guard.ts DIRECTORY`
 * with files of CloudTrail (`{"Records": […]}`, plain or gzip). Twice: with every string of a record in clear, which nobody
 * should declare, and with what the importer declares. `--values` prints what was found, once each, which is personal data.
 * The table of docs/personal-data.md is from here.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { mapRecord } from "../src/cli/cloudtrail/map-record.ts";
import type { CloudTrailRecord } from "../src/cli/cloudtrail/parse-record.ts";
import type { AuditEvent } from "../src/core/event.ts";
import { walkClear } from "../src/core/payload/clear-fields.ts";
import { guardCheck } from "../src/services/intake/guard.ts";
import { FINDINGS, type Finding, loadDetectors } from "../src/services/intake/personal-data/find.ts";

const directory = process.argv[2];
if (!directory) throw new Error("usage: node bench/guard.ts DIRECTORY [--values]");
const records = readdirSync(directory)
  .filter((name) => /\.json(?:\.gz)?$/.test(name))
  .flatMap((name) => {
    const bytes = readFileSync(join(directory, name));
    const text = (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
    return (JSON.parse(text) as { Records: CloudTrailRecord[] }).Records;
  });

const find = await loadDetectors();
const allInClear = records.map(
  (record): AuditEvent => ({
    action: "aws.record",
    actor: { type: "service", id: "aws" },
    metadata: record,
    clear_metadata: Object.keys(record),
  }),
);
const imported = records.flatMap((record) => {
  const mapped = mapRecord(record);
  return mapped.ok ? [mapped.event] : [];
});

await report("every string in clear", allInClear);
await report("the importer's mapping", imported);

async function report(title: string, events: readonly AuditEvent[]): Promise<void> {
  const found = new Map<Finding, { places: number; events: Set<number>; values: Map<string, number> }>();
  let texts = 0;
  events.forEach((event, i) => {
    walkClear(event, (text, { tokens, called }) => {
      texts++;
      const finding = find(text, called);
      if (!finding) return false;
      const of = found.get(finding) ?? { places: 0, events: new Set(), values: new Map() };
      of.places++;
      of.events.add(i);
      const value = `${tokens.filter((token) => typeof token === "string").join("/")}  ${text.slice(0, 200)}`;
      of.values.set(value, (of.values.get(value) ?? 0) + 1);
      found.set(finding, of);
      return false;
    });
  });
  console.log(`\n${title}: ${events.length} events, ${(texts / events.length).toFixed(0)} clear texts each`);
  for (const finding of Object.keys(FINDINGS) as Finding[]) {
    const of = found.get(finding);
    const perThousand = (((of?.events.size ?? 0) * 1000) / events.length).toFixed(1);
    console.log(
      `  ${finding.padEnd(14)} ${perThousand} events of 1,000, ${of?.values.size ?? 0} different places and values`,
    );
    if (process.argv.includes("--values"))
      for (const [value, count] of of?.values ?? []) console.log(`    ${count} × ${value}`);
  }
  const check = await guardCheck("refuse");
  console.log(`  ${(microseconds(() => events.forEach(check)) / events.length).toFixed(1)} µs an event`);
}

/** Processor time of this process, so that others on the machine do not count; the median of nine runs after two. */
function microseconds(run: () => void): number {
  const times = Array.from({ length: 11 }, () => {
    const start = process.cpuUsage().user;
    run();
    return process.cpuUsage().user - start;
  });
  return times.slice(2).sort((a, b) => a - b)[4] as number;
}
