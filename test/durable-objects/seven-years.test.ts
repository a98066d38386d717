/**
 * Seven years of one busy tenant: entries every month, a hold on a range, a hold on a person, three people erased, retention running all
 * the time. Then everything but the buckets is lost; the log is restored from them and verified. Time is simulated, the rest is the
 * cell's own: objects, D1, R2, the verifier. `npm run seven-years` does the same with more entries, and says what it did.
 */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { utf8 } from "../../src/core/bytes.ts";
import { verifyFile } from "../../src/verifier/kinds.ts";
import { append, call, env, event, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { erase, expectGone, pseudonymIn, tracesOf } from "../support/erasure.ts";
import { exported, PLATFORM, trusted, verified } from "../support/exports.ts";
import { placeHold, releaseHold } from "../support/holds.ts";
import { loseObject, restore, rowsIn, wipeLedger } from "../support/restore.ts";
import {
  atMonth,
  beginAt,
  busyMonth,
  confirmPrune,
  forgetReleases,
  keepFor,
  retain,
  settle,
  trustClock,
} from "../support/seven-years.ts";

const MONTHS = 84;
const perMonth = Number((env as unknown as { SEVEN_YEARS?: string }).SEVEN_YEARS || 8);
const say = (...words: unknown[]) => {
  if (perMonth > 8) console.info(...words);
};

const ERASED = { 12: "usr_0", 30: "usr_1", 65: "usr_2" } as Record<number, string>;
const PEOPLE = ["usr_0", "usr_1", "usr_2", "usr_4", "usr_5", "usr_6", "usr_7"];
const HELD = "usr_held";

let tenant: TestTenant;
let domainId: string;
const beginMs = Date.UTC(2027, 1, 28);
let rangeHold = { id: "", from: 0, to: 0 };
let personHold = "";
let heldFrom = 0;
let frozen = { firstHot: 0, firstKept: 0 };
let evidence: { seq: number; text: string; month: number }[] = [];
let turns = 0;

const pick = ({ firstHot, firstKept }: { firstHot: number; firstKept: number }) => ({ firstHot, firstKept });
const head = () => logOf(domainId).head();
const evidenceOf = async (seq: number): Promise<string> => {
  const answer = await call(`/v1/domains/${domainId}/audit/entries/${seq}/evidence`, { key: tenant.key });
  if (answer.status !== 200) throw new Error(`no evidence of ${seq}: ${answer.status} ${await answer.text()}`);
  return answer.text();
};

beforeAll(async () => {
  beginAt(beginMs);
  tenant = await newTenant("Busy");
  domainId = await newDomain(tenant, { segment_entries: 16 });
  await trustClock(tenant);
  await keepFor(tenant, "P1Y", "P3Y");
}, 60_000);

afterAll(() => vi.useRealTimers());

/** What happens in a month beside the entries. */
async function events(month: number): Promise<void> {
  const erased = ERASED[month];
  if (erased) {
    const pseudonym = await pseudonymIn(domainId, erased);
    await erase(domainId, erased);
    await settle(domainId);
    await expectGone(domainId, pseudonym);
    say(`month ${month}: ${erased} is erased`);
  }
  if (month === 8) {
    const { size } = await head();
    await busyMonth(domainId, 1001, 3, ["usr_of_the_case"]);
    const range = { domain_id: domainId, from: size, to: size + 2 };
    const { id } = await placeHold(tenant, { ranges: [range] });
    rangeHold = { id, from: range.from, to: range.to };
  }
  if (month === 40) await releaseHold(tenant, rangeHold.id);
  if (month === 50) {
    heldFrom = (await head()).size;
    await busyMonth(domainId, 1000, 3, [HELD]);
    personHold = (await placeHold(tenant, { people: [HELD] })).id;
    frozen = await head();
  }
  if (month === 70) await releaseHold(tenant, personHold);
  if (month === 60) {
    // A hold beats an erasure.
    await expect(erase(domainId, HELD)).rejects.toThrow(personHold);
  }
}

test("S4-3 S4-8 S2-34 seven years of a busy tenant: two holds, three erased people, retention; restored from the bucket alone, everything verifies", async () => {
  let [pruned, expired] = [0, 0];
  for (let month = 0; month < MONTHS; month++) {
    vi.setSystemTime(Math.max(Date.now(), atMonth(beginMs, month).getTime()));
    await busyMonth(
      domainId,
      month,
      perMonth,
      PEOPLE.filter((id) => !Object.entries(ERASED).some(([m, who]) => who === id && Number(m) <= month)),
    );
    await events(month);
    await settle(domainId);
    if (month % 12 === 0) {
      const seq = (await head()).size - 2;
      evidence.push({ seq, text: await evidenceOf(seq), month });
    }
    if (month === 13) await confirmPrune(tenant, domainId);
    if (month % 3 === 1) {
      turns += await retain(domainId);
      await settle(domainId);
    }
    const { firstHot, firstKept, size, stoppedReason } = await head();
    expect(stoppedReason).toBeNull();
    expect(firstKept).toBeLessThanOrEqual(firstHot);
    expect(firstHot).toBeLessThan(size);
    if (month < 13) expect(firstHot, "nothing goes before somebody confirmed it").toBe(0);
    if (month > 8 && month < 40) expect(firstHot).toBeLessThanOrEqual(rangeHold.from);
    // A hold on a person may keep any entry: while it is in force nothing goes.
    if (month >= 50 && month < 70) expect({ firstHot, firstKept }).toEqual(pick(frozen));
    expect(firstHot).toBeGreaterThanOrEqual(pruned);
    expect(firstKept).toBeGreaterThanOrEqual(expired);
    [pruned, expired] = [firstHot, firstKept];
    if (month % 12 === 11)
      say(`year ${(month + 1) / 12}: ${size} entries, hot from ${firstHot}, kept from ${firstKept}`);
  }
  const before = await head();
  // Both holds have ended, so what they kept back is gone: the one from every store, the other from the hot one.
  expect(before.firstHot).toBeGreaterThan(heldFrom);
  expect(before.firstKept).toBeGreaterThan(rangeHold.to);
  const rows = await rowsIn(domainId);
  expect(rows[0]?.seq).toBe(before.firstHot);
  const expiredAnswer = await call(`/v1/domains/${domainId}/audit/entries/${before.firstKept - 1}`, {
    key: tenant.key,
  });
  expect(expiredAnswer.status).toBe(410);
  const cold = await call(`/v1/domains/${domainId}/audit/entries/${before.firstKept}`, { key: tenant.key });
  expect(cold.status, await cold.clone().text()).toBe(200);

  await loseObject(domainId);
  await wipeLedger(domainId);
  await forgetReleases(domainId);
  const begun = performance.now();
  const view = await restore(domainId);
  const took = performance.now() - begun;
  expect(view).toMatchObject({ phase: "done", log: "lost", lost: 0, checkpointOurs: true, refused: null });
  const after = await head();
  expect(after).toMatchObject({ size: before.size, entryHash: before.entryHash, genesis: before.genesis });
  expect(after.firstKept).toBe(before.firstKept);
  const restored = await rowsIn(domainId);
  expect(restored.slice(-rows.length)).toEqual(rows);
  expect(restored.length).toBe(before.size - before.firstKept);

  // Everything verifies: what the server says, evidence of every year, and an export, offline and with the auditor's key alone.
  let query = "";
  for (;;) {
    const answer = await call(`/v1/domains/${domainId}/audit/verify${query}`, { key: tenant.key });
    const said = (await answer.json()) as { verdict: string; next_cursor?: string | null };
    if (said.verdict !== "incomplete") {
      expect(said).toMatchObject({ verdict: "verified" });
      break;
    }
    query = `?cursor=${encodeURIComponent(said.next_cursor ?? "")}`;
  }
  const report = verified(await exported(tenant, domainId, { from: after.firstKept }));
  expect(report.steps.filter(({ status }) => status === "failed")).toEqual([]);
  expect(report.verdict).toBe("verified");
  expect(report.export?.manifest.entries).toBe(after.size - after.firstKept);
  for (const { text, month } of evidence) {
    expect(verifyFile(utf8(text), trusted(), PLATFORM).verdict, `evidence of month ${month}`).toBe("verified");
  }
  for (const who of Object.values(ERASED)) {
    const { ledgerRows, mappings, pages, keys } = await tracesOf(domainId, await pseudonymIn(domainId, who));
    expect({ who, ledgerRows, mappings, pages, keys }).toEqual({ who, ledgerRows: 0, mappings: 0, pages: 0, keys: 0 });
  }
  say(
    `restored ${view.inserted} entries in ${Math.round(took)} ms, ${evidence.length} pieces of evidence verify; retention took ${turns} turns`,
  );
}, 1_200_000);
