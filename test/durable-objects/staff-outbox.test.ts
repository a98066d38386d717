/**
 * What follows from a change about the operator's people: an entry on the platform's domain, and a mail. Each fails in both forms, the
 * object is evicted, and its alarm does the rest: nothing missing, nothing doubled.
 */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { CellDesk } from "../../durable-objects/cell-desk.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import { breakCall } from "../support/broken-call.ts";
import { call, env, jurisdiction } from "../support/cell.ts";
import { acceptInvitation, linkTo, mailsTo } from "../support/people.ts";
import { problemOf } from "../support/problems.ts";
import { inviteStaff, newStaff, staffEmail } from "../support/staff.ts";
import { entriesOf, FORMS } from "../support/tenancy.ts";

const cellDesk = () => env.CELL_DESK.getByName("cell");
const platform = platformDomainId(jurisdiction);
const platformLog = () => env.DOMAIN_LOG.getByName(platform) as never;
const told = async (action: string) => (await entriesOf(platform)).filter((entry) => entry.action === action).length;
const jobs = () =>
  runInDurableObject(cellDesk(), (_, { storage }) =>
    Number(storage.sql.exec<{ jobs: number }>("SELECT count(*) AS jobs FROM job").one().jobs),
  );

/** The alarm may have come by itself already. */
async function untilTold(): Promise<void> {
  for (let i = 0; i < 20 && (await jobs()) > 0; i++) await runDurableObjectAlarm(cellDesk());
  expect(await jobs()).toBe(0);
}

type Change = () => Promise<Response>;
/** Prepared, so that only its own entry is still to come; and the action that tells of it. */
const CHANGES: [string, () => Promise<Change>][] = [
  ["staff.member_invited", async () => () => inviteStaff(staffEmail())],
  [
    "staff.member_joined",
    async () => {
      const email = staffEmail();
      await inviteStaff(email);
      const link = await linkTo(email);
      return () => acceptInvitation(link);
    },
  ],
  [
    "staff.member_removed",
    async () => {
      const { staffId } = await newStaff();
      return () => call(`/v1/staff/${staffId}`, { method: "DELETE", key: env.OPERATOR_SECRET });
    },
  ],
];

describe("the entry of a change about the operator's people", () => {
  const CASES = CHANGES.flatMap(([action, prepare]) => FORMS.map((form) => [action, form, prepare] as const));
  test.each(CASES)("%s, whose log %s: the change holds, and the entry comes once", async (action, form, prepare) => {
    await newStaff();
    const change = await prepare();
    const before = await told(action);
    const log = await breakCall(platformLog(), "append", form);
    try {
      expect((await change()).status).toBeLessThan(300);
      expect(log.asked()).toBeGreaterThanOrEqual(1);
    } finally {
      await log.mend();
    }
    await evictDurableObject(cellDesk());
    await untilTold();
    expect((await told(action)) - before).toBe(1);
  });
});

describe("a mail to one of the operator's people that is not taken", () => {
  test.each(FORMS)("%s: the invitation stands, the mail comes again, and only the newest link works", async (form) => {
    const email = staffEmail();
    const mails = await breakCall(cellDesk() as never, "keepMail", form);
    try {
      expect((await inviteStaff(email)).status).toBe(201);
      expect(mails.asked()).toBe(1);
    } finally {
      await mails.mend();
    }
    const lost = form === "failed but persisted" ? [await linkTo(email)] : [];
    await evictDurableObject(cellDesk());
    await runInDurableObject(cellDesk(), async (desk: CellDesk) => {
      desk.clock = () => Date.now() + 60_000;
      await desk.alarm();
      desk.clock = Date.now;
    });
    expect(await mailsTo(email)).toHaveLength(lost.length + 1);
    for (const link of lost) await problemOf(await acceptInvitation(link), "auth.link_invalid");
    expect((await acceptInvitation(await linkTo(email))).status).toBe(200);
  });
});
