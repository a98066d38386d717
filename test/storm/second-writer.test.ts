/** F8: another deployment with objects of its own over the same D1 and R2, its object a copy of the first one's. */
import { cpSync, mkdirSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { domainFile, objectFile, restoreDatabase } from "../support/evil/places.ts";
import { type CellProcess, startCells } from "./support/cell-process.ts";
import { checkStored } from "./support/check-stored.ts";
import { headOf, untilDrained } from "./support/drain.ts";
import { startLocalCell, storeFor } from "./support/local-cell.ts";
import { cellName } from "./support/plan.ts";
import { readStoredLog } from "./support/stored-log.ts";
import { appendCopied, auditUrl, type Domain, event, newDomain, post, type Receipt } from "./support/story.ts";

const SEGMENT_ENTRIES = 4;
const FIRST = cellName("eu");
const SECOND = "moonseal-cell-eu-second";
const state = storeFor("second-writer");
const many = (count: number) => Array.from({ length: count }, () => event());

let cells: CellProcess;
let behind: Domain;
let ahead: Domain;
const acknowledged: Receipt[] = [];

beforeAll(async () => {
  const local = await startLocalCell({ state, segmentEntries: SEGMENT_ENTRIES });
  behind = local.domain;
  ahead = await newDomain(local.url, local.tenant, SEGMENT_ENTRIES);
  for (const domain of [behind, ahead]) {
    acknowledged.push(...(await appendCopied(local.url, domain, many(7))));
    await untilDrained(local.url, domain, SEGMENT_ENTRIES);
  }
  await local.cell.kill();
  for (const { domainId } of [behind, ahead]) {
    const copy = objectFile(state, "DOMAIN_LOG", domainId, SECOND);
    mkdirSync(path.dirname(copy), { recursive: true });
    restoreDatabase(domainFile(state, domainId), copy);
  }
  cells = await startCells({
    state,
    cells: [FIRST, SECOND].map((name) => ({ name, jurisdiction: "eu" })),
    gateway: false,
  });
  // Cron makes both compare themselves with D1 while they still agree: the second one is stale later, not at its start.
  await cells.cron(FIRST);
  await cells.cron(SECOND);
});
afterAll(() => cells.kill());

const appendAt = async (name: string, domain: Domain, count: number) =>
  post(`${auditUrl(cells.url(name), domain)}/entries`, domain.key, many(count), { prefer: "wait=replicated" });

test.each([
  ["fewer", 3, 1],
  ["more", 1, 3],
])(
  "F8 D1 refuses every row of a stale second writer that has %s entries than the first; it stops, the first goes on",
  async (which, first, second) => {
    const domain = which === "fewer" ? behind : ahead;
    const before = await appendAt(FIRST, domain, first);
    expect(before.body.replicated).toBe(true);
    const stale = await appendAt(SECOND, domain, second);
    expect(stale.body).toMatchObject({ replicated: false });
    expect(await headOf(cells.url(SECOND), domain)).toMatchObject({ status: "stopped" });
    expect((await appendAt(SECOND, domain, 1)).body.code).toBe("domain.stopped");
    const after = await appendAt(FIRST, domain, 5);
    expect(after.body.replicated).toBe(true);
    const kept: Receipt[] = [...before.body.receipts, ...after.body.receipts];
    await untilDrained(cells.url(FIRST), domain, SEGMENT_ENTRIES);
    const copy = `${state}-copy`;
    cpSync(state, copy, { recursive: true });
    expect(checkStored(readStoredLog(copy, domain.domainId), kept).size).toBe(8 + first + 5);
  },
);
