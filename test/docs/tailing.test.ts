/** The numbers and reasons of docs/tailing.md are the code's. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { TAIL_ENDS } from "../../src/services/tail/calls.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/tailing.md"), "utf8").replaceAll(/\s+/g, " ");

test("every reason stands in the page with its close code, and no other", () => {
  const told = [...page.matchAll(/\| `(\w+)` \| (4\d{3}) \|/g)].map(([, reason, code]) => [reason, Number(code)]);
  const reasons = Object.entries(TAIL_ENDS).map(([reason, { code }]) => [reason, code]);
  expect(told).toEqual(reasons);
});

test.each([
  ["looks", `every ${LIMITS.tailLookMs / 1000} seconds`],
  ["trust", `nothing is sent after ${LIMITS.tailTrustMs / 1000} seconds`],
  ["a stalled reader", `took nothing for ${LIMITS.tailStallMs / 1000} seconds`],
  [
    "lives",
    `${LIMITS.tailStreamLifeMs / 60_000} minutes (stream), ${LIMITS.tailSocketLifeMs / 3_600_000} hours (WebSocket)`,
  ],
  ["windows", `after ${LIMITS.tailWindowEntries} entries or ${LIMITS.tailWindowChars / 1024} KiB`],
  ["connections", `${LIMITS.tailsPerDomain} connections at a time and a tenant ${LIMITS.tailsPerTenant}`],
])("the page tells of %s what the code does", (_, words) => {
  expect(page).toContain(words);
});
