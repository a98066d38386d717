/** One cause that many domains find, in the desk itself: in workerd, with its storage, its alarm and the platform's log. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CellDesk } from "../../durable-objects/cell-desk.ts";
import { cellDesk } from "../../durable-objects/gates.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { CellEnv } from "../../src/env.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { env, jurisdiction, logOf } from "../support/cell.ts";
import { entriesOf } from "../support/tenancy.ts";

const DOMAINS = 150;
const PATIENCE = 25_000;
const desk = () => cellDesk(env, cellConfig(env));
const inDesk = <T>(run: (it: CellDesk, state: DurableObjectState) => T | Promise<T>) =>
  runInDurableObject(env.CELL_DESK.getByName("cell"), (it: CellDesk, state) => run(it, state));
const about = (i: number) => ({ kind: "integrity.violation", domainId: `dom_storm_${i}` }) as const;

interface Sent {
  id: string;
  type: string;
  data: { total?: number; domain_id?: string; alerts?: { id: string; domain_id: string }[] };
}
let sent: Sent[];
let answer: number;

const setWebhook = (it: CellDesk, alertWebhook: string | null) =>
  Object.assign(cellConfig((it as unknown as { env: CellEnv }).env).monitoring, { alertWebhook });

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  [sent, answer] = [[], 200];
  await inDesk((it) => {
    setWebhook(it, "https://receiver.test/hook");
    it.monitoring.send = async (_, { headers, body }) => {
      sent.push({ id: (headers as Record<string, string>)["webhook-id"] as string, ...JSON.parse(body as string) });
      return new Response(null, { status: answer });
    };
  });
});
afterEach(async () => {
  await inDesk((it) => {
    it.clock = Date.now;
    it.monitoring.send = undefined;
    setWebhook(it, null);
  });
  vi.restoreAllMocks();
});

const each = async (work: (i: number) => Promise<unknown>) => {
  for (let i = 0; i < DOMAINS; i++) await work(i);
};
const waiting = (table: string) =>
  inDesk((_, { storage }) => storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n);
const untilTold = (table: string) =>
  vi.waitFor(async () => {
    await runDurableObjectAlarm(env.CELL_DESK.getByName("cell"));
    expect(await waiting(table)).toBe(0);
  }, PATIENCE);

test("S2-44 a storm is a few deliveries to the receiver and an entry of each alert, when it begins and when it is over", async () => {
  const startMs = Date.now();
  answer = 503;
  await each((i) => desk().monitoring.raise({ ...about(i), codes: ["guard_missing"], atMs: Date.now() }));
  await untilTold("alert_notice");
  const failed = new Set(sent.map(({ id }) => id));
  expect(sent.length).toBeLessThanOrEqual(3);
  expect((await desk().monitoring.view()).undelivered).toMatchObject({ fault: "answered_503" });
  answer = 200;
  const tried = sent.length;
  await inDesk((it) => void (it.clock = () => startMs + 2 * LIMITS.alertPaceMs));
  await untilTold("alert_webhook");
  const raised = sent.slice(tried);
  expect(raised.length).toBeLessThanOrEqual(3);
  expect(raised.reduce((sum, { data }) => sum + (data.total ?? 1), 0)).toBe(DOMAINS);
  // What was tried before comes under the same id.
  expect(raised.filter(({ id }) => failed.has(id))).toHaveLength(failed.size);
  await inDesk((it) => void (it.clock = () => startMs + 4 * LIMITS.alertPaceMs));
  await each((i) => desk().monitoring.resolve(about(i), Date.now()));
  await inDesk((it) => void (it.clock = () => startMs + 6 * LIMITS.alertPaceMs));
  await untilTold("alert_webhook");
  const over = sent.slice(tried + raised.length);
  expect(over.length).toBeLessThanOrEqual(3);
  expect(over.reduce((sum, { data }) => sum + (data.total ?? 1), 0)).toBe(DOMAINS);
  expect(over.every(({ type }) => type.endsWith(".resolved"))).toBe(true);
  await untilTold("alert_notice");
  await logOf(platformDomainId(jurisdiction)).flush();
  const entries = (await entriesOf(platformDomainId(jurisdiction))).filter(({ targets }) =>
    targets?.some(({ id }) => id?.startsWith("dom_storm_")),
  );
  expect(entries).toHaveLength(2 * DOMAINS);
  expect(new Set(entries.map(({ action, targets }) => `${action} ${targets?.[0]?.id}`)).size).toBe(2 * DOMAINS);
});
