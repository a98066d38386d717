/** What changes while a run of a domain's retention is under way: a hold, the policy, the log itself. */
import { describe, expect, test } from "vitest";
import { tenantDesk } from "../../durable-objects/gates.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import type { DomainPolicy } from "../../src/services/retention/calls.ts";
import { append, bareDomain, copiedRows, env, event, inLog, logOf, newDomain, newTenant } from "../support/cell.ts";
import { FAULT_FORMS, withFault } from "../support/faults.ts";
import { placeHold } from "../support/holds.ts";
import { confirmed, DAY_MS, hotSeqs, type RetainOptions, retain, settled } from "../support/prune.ts";
import { runDeskAlarm } from "../support/tenancy.ts";

const BOTH = { hot: "P1D", whole: "P1D" };

async function domainWith(count: number): Promise<string> {
  const domainId = await bareDomain(4);
  await append(
    domainId,
    Array.from({ length: count }, () => event()),
  );
  await settled(domainId);
  return domainId;
}

const segments = async (domainId: string) =>
  (await env.LOG.list({ prefix: `audit/${domainId}/` })).objects.map(({ key }) => Number(key.slice(-29, -9)));

async function told(domainId: string) {
  const rows = await copiedRows(domainId);
  const actions = rows.map(({ payload }) => (JSON.parse(payload) as { action: string }).action);
  return actions.filter((action) => action.startsWith("ledger."));
}

type Asked = "keeping" | "prune" | "expire";

/** Everything goes after a day; `change` comes about `before` or `after` a call of the log. */
function changing(
  domainId: string,
  [moment, call]: ["before" | "after", Asked],
  change: Partial<DomainPolicy> | (() => Promise<unknown>),
): Pick<RetainOptions, "faulty"> {
  let now: Partial<DomainPolicy> = {};
  let done = false;
  const comeAbout = async () => {
    if (done) return;
    done = true;
    if (typeof change === "function") await change();
    else now = change;
  };
  return {
    faulty: ({ log }) => ({
      log: {
        ...log,
        [call]: async (...args: never[]) => {
          if (moment === "before") await comeAbout();
          const answer = await (log[call] as (...values: never[]) => Promise<unknown>)(...args);
          if (moment === "after") await comeAbout();
          return answer;
        },
      } as typeof log,
      policy: async () => ({
        ...{ ...BOTH, allHeld: false, confirmation: confirmed(domainId, "P1D"), referenceMs: Date.now() + 2 * DAY_MS },
        ...now,
      }),
    }),
  };
}

describe("S0-18 a hold over all entries that the tenant places while a run is under way", () => {
  const held = { allHeld: true };

  test("before the log decided: nothing leaves", async () => {
    const domainId = await domainWith(10);
    let asked = 0;
    const { runs } = await retain(domainId, {
      faulty: () => ({
        policy: async () => ({
          ...{ ...BOTH, allHeld: asked++ > 0, confirmation: confirmed(domainId, "P1D") },
          referenceMs: Date.now() + 2 * DAY_MS,
        }),
      }),
    });
    expect(runs).toMatchObject([{ status: "done", done: 0, expired: 0, held: 1 }]);
    expect(await told(domainId)).toEqual([]);
    expect(await hotSeqs(domainId)).toHaveLength(11);
  });

  test("after rows may leave the hot store: those that are there stay, and no payload goes", async () => {
    const domainId = await domainWith(10);
    const { runs } = await retain(domainId, changing(domainId, ["after", "prune"], held));
    expect(runs).toMatchObject([{ status: "done", done: 0, expired: 0, held: 1 }]);
    expect(await told(domainId)).toEqual(["ledger.pruned"]);
    expect(await segments(domainId)).toEqual([0, 4, 8]);
    expect(await hotSeqs(domainId)).toHaveLength(12);
  });

  test("after payloads may go: those that are there stay until it is released", async () => {
    const domainId = await domainWith(10);
    const { runs } = await retain(domainId, changing(domainId, ["after", "expire"], held));
    expect(runs).toMatchObject([{ status: "done", done: 10, expired: 0, held: 1 }]);
    expect(await segments(domainId)).toEqual([0, 4, 8]);
    expect((await retain(domainId, { ...BOTH, ...held })).runs).toEqual([]);
    expect((await segments(domainId)).slice(0, 3)).toEqual([0, 4, 8]);
    await retain(domainId, BOTH);
    expect(await segments(domainId)).not.toContain(0);
    expect(await segments(domainId)).not.toContain(4);
  });
});

describe("S0-18 a hold that has still to reach a domain", () => {
  test.each(FAULT_FORMS)("keeps every entry there, also those that it will not cover (%s)", async (form) => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    const { domainPolicy } = tenantDesk(env, cellConfig(env), tenant.tenantId).retention;
    await inLog(domainId, (log) => {
      const { store } = withFault(log.stores.holdMirror, { method: "set", form, times: 1 });
      log.stores = { ...log.stores, holdMirror: store };
    });
    expect((await domainPolicy(domainId)).allHeld).toBe(false);
    const hold = await placeHold(tenant, { ranges: [{ domain_id: domainId, from: 0, to: 0 }] });
    expect(hold.status).toBe("placing");
    expect((await domainPolicy(domainId)).allHeld).toBe(true);
    await runDeskAlarm(tenant.tenantId);
    expect((await domainPolicy(domainId)).allHeld).toBe(false);
  });
});

describe("S0-11 entries that are to be kept longer than when the run began", () => {
  test("stay in the hot store when the log had not decided", async () => {
    const domainId = await domainWith(10);
    let asked = 0;
    const { runs } = await retain(domainId, {
      faulty: () => ({
        policy: async () => ({
          ...{ hot: asked++ > 0 ? "P30D" : "P1D", whole: "P7Y", allHeld: false },
          ...{ confirmation: confirmed(domainId, "P1D", "P7Y"), referenceMs: Date.now() + 2 * DAY_MS },
        }),
      }),
    });
    expect(runs).toMatchObject([{ status: "done", done: 0 }]);
    expect(await told(domainId)).toEqual([]);
  });

  test("stay in the archive when they had left the hot store", async () => {
    const domainId = await domainWith(10);
    await retain(domainId, changing(domainId, ["after", "prune"], { whole: "P7Y" }));
    expect(await told(domainId)).toEqual(["ledger.pruned"]);
    expect(await segments(domainId)).toEqual([0, 4, 8]);
    expect(await logOf(domainId).head()).toMatchObject({ firstHot: 10, firstKept: 0 });
  });
});

describe("a log that is stopped while a run is under way", () => {
  test("keeps what it has: it is evidence", async () => {
    const domainId = await domainWith(10);
    const stop = () => inLog(domainId, (log) => log.journal.stop("ledger.altered"));
    await retain(domainId, { ...changing(domainId, ["after", "expire"], stop), turns: 3 });
    expect((await logOf(domainId).head()).firstKept).toBe(8);
    expect((await segments(domainId)).slice(0, 3)).toEqual([0, 4, 8]);
  });
});
