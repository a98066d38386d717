/** S3-35: every state of an access against every step, at every instant that matters. */
import { describe, expect, test } from "vitest";
import {
  ACCESS_STATES,
  type AccessGrant,
  type AccessState,
  type AccessStep,
  newBreakGlass,
  newRequest,
  nextMs,
  opens,
  settled,
  stepped,
} from "../../../../src/services/access/grants/grant.ts";
import { isReadableByStaff, READABLE_BY_STAFF } from "../../../../src/services/access/grants/readable.ts";
import { PERMISSION_NAMES, type Permission, STAFF_PERMISSIONS } from "../../../../src/services/permissions.ts";
import type { AskedBy } from "../../../../src/services/tenancy/jobs.ts";

const staff: AskedBy = { type: "support", id: "stf_eu_a", via: { type: "session", id: "ses_eu_a" } };
const owner: AskedBy = { type: "user", id: "mem_eu_a", via: { type: "session", id: "ses_eu_b" } };
const [D1, D2] = ["dom_eu_1", "dom_eu_2"];
const HOUR = 3_600_000;
const asked = { permissions: ["entry.read", "entry.reveal"] as const, domains: [D1, D2], durationMs: HOUR };
const wish = { id: "acc_eu_1", staffId: "stf_eu_a", asked, by: staff };

const requested = () => newRequest({ ...wish, answerWithinMs: 24 * HOUR }, 0);
const after = (grant: AccessGrant, step: AccessStep, atMs: number): AccessGrant => {
  const answer = stepped(grant, step, atMs);
  if (!answer.ok) throw new Error(answer.why);
  return answer.grant;
};
const approved = () => after(requested(), { kind: "approve", by: owner }, 1000);

/** One grant in each state. */
const IN_STATE: Record<AccessState, () => AccessGrant> = {
  requested,
  approved,
  denied: () => after(requested(), { kind: "deny", by: owner }, 1000),
  withdrawn: () => after(requested(), { kind: "withdraw", by: staff }, 1000),
  ended: () => after(approved(), { kind: "end", by: owner }, 2000),
  timed_out: () => settled(requested(), 24 * HOUR) as AccessGrant,
  expired: () => settled(approved(), 1000 + HOUR) as AccessGrant,
};

/** The state that a step leads to; `same`: it is there already; `no`: it is refused. */
const TABLE: Record<AccessState, Record<AccessStep["kind"], AccessState | "same" | "no">> = {
  requested: { approve: "approved", deny: "denied", withdraw: "withdrawn", end: "no", use: "no" },
  approved: { approve: "no", deny: "no", withdraw: "ended", end: "ended", use: "approved" },
  denied: { approve: "no", deny: "no", withdraw: "no", end: "no", use: "no" },
  withdrawn: { approve: "no", deny: "no", withdraw: "same", end: "no", use: "no" },
  timed_out: { approve: "no", deny: "no", withdraw: "no", end: "no", use: "no" },
  ended: { approve: "no", deny: "no", withdraw: "same", end: "same", use: "no" },
  expired: { approve: "no", deny: "no", withdraw: "no", end: "no", use: "no" },
};
const CASES = ACCESS_STATES.flatMap((state) =>
  (["approve", "deny", "withdraw", "end", "use"] as const).map((kind) => [state, kind, TABLE[state][kind]] as const),
);

describe("S3-35 the states of an access", () => {
  test.each(CASES)("%s, then %s: %s", (state, kind, leadsTo) => {
    const grant = IN_STATE[state]();
    expect(grant.state).toBe(state);
    const answer = stepped(grant, { kind, by: kind === "use" || kind === "withdraw" ? staff : owner }, 5000);
    if (leadsTo === "no") expect(answer).toEqual({ ok: false, why: "state", state });
    else if (leadsTo === "same") expect(answer).toEqual({ ok: true, grant, change: null });
    else expect(answer).toMatchObject({ ok: true, grant: { state: leadsTo }, change: { atMs: 5000 } });
  });

  test.each(ACCESS_STATES)("%s opens something only when it is approved", (state) => {
    expect(opens(IN_STATE[state](), "entry.read", D1, 5000)).toBe(state === "approved");
  });

  test.each(ACCESS_STATES.filter((state) => !["requested", "approved"].includes(state)))(
    "%s is over for good: the clock changes nothing, forwards or back",
    (state) => {
      const grant = IN_STATE[state]();
      expect(nextMs(grant)).toBeNull();
      for (const atMs of [0, 5000, 10 ** 12]) {
        expect(settled(grant, atMs)).toBeNull();
        expect(opens(grant, "entry.read", D1, atMs)).toBe(false);
      }
    },
  );
});

describe("S3-35 the clock", () => {
  test("a request that nobody answers times out at its instant, not before, and cannot be approved from then on", () => {
    const byMs = 24 * HOUR;
    expect(settled(requested(), byMs - 1)).toBeNull();
    expect(stepped(requested(), { kind: "approve", by: owner }, byMs - 1)).toMatchObject({ ok: true });
    expect(stepped(requested(), { kind: "approve", by: owner }, byMs)).toEqual({
      ok: false,
      why: "state",
      state: "timed_out",
    });
    const late = settled(requested(), byMs + 999);
    expect(late?.changes.at(-1)).toEqual({
      kind: "timed_out",
      atMs: byMs,
      by: { type: "system", id: "system:moonseal" },
    });
  });

  test("an approval opens from its instant until its time is over, to the millisecond", () => {
    const grant = approved();
    for (const [atMs, open] of [
      [999, false],
      [1000, true],
      [1000 + HOUR - 1, true],
      [1000 + HOUR, false],
    ] as const) {
      expect(opens(grant, "entry.read", D1, atMs), `${atMs}`).toBe(open);
    }
    expect(stepped(grant, { kind: "use", by: staff }, 1000 + HOUR)).toMatchObject({ ok: false, state: "expired" });
    expect(settled(grant, 2 * HOUR)?.changes.at(-1)).toMatchObject({ kind: "expired", atMs: 1000 + HOUR });
  });

  test("what was ended in its time does not expire besides", () => {
    expect(settled(IN_STATE.ended(), 10 * HOUR)).toBeNull();
  });
});

describe("S3-35 what an approval grants", () => {
  const approve = (more: object) => stepped(requested(), { kind: "approve", by: owner, ...more }, 1000);

  test("everything that was asked for, except what is private: that only when it is named", () => {
    expect(approved().granted).toMatchObject({ permissions: ["entry.read"], domains: [D1, D2] });
    const named = approve({ permissions: ["entry.reveal"] });
    expect(named).toMatchObject({ ok: true, grant: { granted: { permissions: ["entry.reveal"] } } });
  });

  test("less, when the tenant says less", () => {
    const answer = approve({ permissions: ["entry.read"], domains: [D2], durationMs: 60_000 });
    const granted = { permissions: ["entry.read"], domains: [D2], fromMs: 1000, untilMs: 61_000 };
    expect(answer).toMatchObject({ ok: true, grant: { granted } });
  });

  test.each([
    ["permissions", { permissions: ["entry.read", "hold.read"] }],
    ["permissions", { permissions: [] }],
    ["domains", { domains: [D1, "dom_eu_3"] }],
    ["domains", { domains: [] }],
    ["duration", { durationMs: HOUR + 1 }],
    ["duration", { durationMs: 0 }],
    ["duration", { durationMs: Number.NaN }],
  ])("never more than was asked for: %s %j", (field, more) => {
    expect(approve(more)).toEqual({ ok: false, why: "wider", field });
  });

  test("a request for private values alone is not approved by a word that does not name them", () => {
    const only = newRequest({ ...wish, asked: { ...asked, permissions: ["entry.reveal"] }, answerWithinMs: HOUR }, 0);
    expect(stepped(only, { kind: "approve", by: owner }, 1)).toEqual({ ok: false, why: "wider", field: "permissions" });
  });

  test("it opens what it grants and nothing beside it", () => {
    const grant = approved();
    expect(opens(grant, "entry.reveal", D1, 5000)).toBe(false);
    expect(opens(grant, "entry.append", D1, 5000)).toBe(false);
    expect(opens(grant, "entry.read", "dom_eu_3", 5000)).toBe(false);
    expect(opens(grant, "entry.read", null, 5000)).toBe(false);
    const everywhere = { ...grant, granted: { ...grant.granted, domains: null } } as AccessGrant;
    expect(opens(everywhere, "entry.read", null, 5000)).toBe(true);
    expect(opens(everywhere, "entry.read", "dom_eu_3", 5000)).toBe(true);
  });

  test("the tenant may limit to domains what was asked for in all of them", () => {
    const all = newRequest({ ...wish, asked: { ...asked, domains: null }, answerWithinMs: HOUR }, 0);
    expect(after(all, { kind: "approve", by: owner, domains: [D2] }, 1).granted?.domains).toEqual([D2]);
  });
});

describe("S3-35 break-glass", () => {
  test("is open at once and for its time, never for what is private, and ends like any other", () => {
    const grant = newBreakGlass(wish, 1000);
    expect(grant.granted?.permissions).toEqual(["entry.read"]);
    expect(opens(grant, "entry.read", D1, 1000)).toBe(true);
    expect(opens(grant, "entry.reveal", D1, 1000)).toBe(false);
    expect(opens(grant, "entry.read", D1, 1000 + HOUR)).toBe(false);
    expect(after(grant, { kind: "end", by: owner }, 2000).state).toBe("ended");
  });
});

describe("S3-35 what the operator's people may ask for", () => {
  test("is reading: nothing that appends, changes, erases, exports or hands out rights", () => {
    const verbs = new Set(READABLE_BY_STAFF.map((permission) => permission.split(".")[1]));
    expect([...verbs].sort()).toEqual(["list", "read", "reveal", "verify"]);
    const never: Permission[] = ["export.read", "export.create", "access.approve", "api_key.create", "entry.append"];
    for (const permission of never) expect(isReadableByStaff(permission)).toBe(false);
  });

  test("is held by none of them without asking", () => {
    for (const permission of READABLE_BY_STAFF) expect(STAFF_PERMISSIONS).not.toContain(permission);
    expect(PERMISSION_NAMES).toEqual(expect.arrayContaining([...READABLE_BY_STAFF]));
  });
});

test("S3-35 the first use is told of, the second is not", () => {
  const used = stepped(approved(), { kind: "use", by: staff }, 3000);
  expect(used).toMatchObject({ ok: true, grant: { usedAtMs: 3000 }, change: { kind: "used", atMs: 3000, by: staff } });
  if (used.ok) expect(stepped(used.grant, { kind: "use", by: staff }, 4000)).toMatchObject({ ok: true, change: null });
});
