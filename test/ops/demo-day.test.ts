import { expect, test } from "vitest";
import { eventSchema } from "../../src/http/schemas/event.ts";
import { companyDay } from "../../src/ops/demo-day.ts";
import { oneByteOff } from "../../src/ops/demo-tamper.ts";
import { wantsColour } from "../../src/ops/demo-voice.ts";

const day = companyDay(7, "2026-11-20", 300);

test("the same seed gives the same day, another seed another one", () => {
  expect(companyDay(7, "2026-11-20", 300)).toEqual(day);
  expect(companyDay(8, "2026-11-20", 300)).not.toEqual(day);
});

test("every event is one that the API accepts, in the order of its time, each under its own id", () => {
  for (const event of day) expect(eventSchema.safeParse(event)).toMatchObject({ success: true });
  const times = day.map(({ occurred_at }) => occurred_at);
  expect(times).toEqual(times.toSorted());
  expect(new Set(day.map(({ id }) => id)).size).toBe(day.length);
});

test("a day has sign-ins, invoices, role changes, exports, support on behalf of somebody, a cron job and failures", () => {
  const actions = new Set(day.map(({ action }) => action));
  for (const action of ["session.opened", "invoice.sent", "role.granted", "report.exported", "backup.completed"]) {
    expect(actions).toContain(action);
  }
  expect(day.some(({ actor, on_behalf_of }) => actor.type === "support" && on_behalf_of)).toBe(true);
  expect(new Set(day.map(({ outcome }) => outcome))).toEqual(new Set([undefined, "success", "failure", "denied"]));
});

test("one byte off is exactly one byte, and still JSON", () => {
  const payload = '{"action":"a.b","outcome":"success","v":1}';
  const other = oneByteOff(payload).payload;
  expect(JSON.parse(other)).toMatchObject({ outcome: "ruccess" });
  expect([...payload].filter((character, i) => character !== other[i])).toHaveLength(1);
});

test("colour is for terminals that want it", () => {
  expect(wantsColour({ TERM: "xterm" }, true)).toBe(true);
  expect(wantsColour({ TERM: "xterm", NO_COLOR: "1" }, true)).toBe(false);
  expect(wantsColour({ TERM: "dumb" }, true)).toBe(false);
  expect(wantsColour({ TERM: "xterm" }, false)).toBe(false);
});
