import { afterAll, beforeAll, expect, test } from "vitest";
import { hammer } from "./support/hammer.ts";
import { KnownEntries } from "./support/known-entries.ts";
import { type LocalCell, startLocalCell, storeFor } from "./support/local-cell.ts";
import { ask, auditUrl } from "./support/story.ts";

let local: LocalCell;
beforeAll(async () => {
  local = await startLocalCell({ state: storeFor("hammer-test"), segmentEntries: 64 });
});
afterAll(() => local.cell.kill());

test("under appends, reads in both directions, single reads and verification at once, no answer contradicts another", {
  timeout: 120_000,
}, async () => {
  const report = await hammer({ ...local, durationMs: 8000, seed: Date.now() % 1_000_000 });
  expect(report.size).toBe(report.appended + 1);
  expect(Math.min(report.appended, report.read, report.verified)).toBeGreaterThan(100);
});

test("the hammer notices a changed payload, a changed hash, a gap and another id", async () => {
  const page = await ask(`${auditUrl(local.url, local.domain)}/entries?payload=text&limit=5`, local.domain.key);
  const entries = page.body.entries;
  const changed = (at: number, change: object) =>
    entries.map((entry: object, i: number) => (i === at ? { ...entry, ...change } : entry));
  const told = () => {
    const known = new KnownEntries();
    known.read(entries, "asc");
    return known;
  };
  expect(() => told().read(entries, "asc")).not.toThrow();
  expect(() => told().read(changed(2, { payload: `${entries[2].payload} ` }), "asc")).toThrow("entry 2");
  expect(() => told().read(changed(2, { entry_hash: entries[1].entry_hash }), "asc")).toThrow("entry 2");
  expect(() => told().read(changed(2, { id: "another" }), "asc")).toThrow("entry 2");
  expect(() => told().read([entries[0], entries[2]], "asc")).toThrow("from entry 0 to entry 2");
  expect(() => told().acknowledge([{ ...entries[3], entry_hash: entries[1].entry_hash }])).toThrow("entry 3");
});
