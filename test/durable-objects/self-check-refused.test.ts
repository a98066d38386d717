/** The self-check while the platform's log takes nothing: it goes on, tells the desk, and writes its entries later. Runs in workerd. */
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { segmentKey } from "../../src/core/segment.ts";
import type { SelfCheckDeps } from "../../src/services/self-check/deps.ts";
import { alarmLater, append, copiedRows, env, event, inLog, jurisdiction, logOf, stubOf } from "../support/cell.ts";
import { FAULT_FORMS, withFault } from "../support/faults.ts";
import {
  alertsOf,
  badIn,
  checkDomain,
  ensurePlatform,
  inKeeper,
  settle,
  violationsOf,
  wholeDomain,
} from "../support/self-check.ts";
import { tamper, withLimits } from "../support/tamper.ts";

const ENTRIES = 20;
const GUARD = "audit_log_no_delete";
const platform = platformDomainId(jurisdiction);
const flag = () => ({ onViolation: async () => "flag" as const });
const damage = (domainId: string, ...seqs: number[]) =>
  tamper(domainId, `UPDATE audit_log SET payload = payload || ' ' WHERE domain_id = ?1 AND seq IN (${seqs})`);
const mend = (domainId: string) =>
  tamper(domainId, "UPDATE audit_log SET payload = rtrim(payload) WHERE domain_id = ?1 AND payload LIKE '% '");

/** What is on record of the domain: fault and first bad entry, oldest first. */
const recorded = async (domainId: string) =>
  (await violationsOf(domainId)).map(({ metadata }) => `${metadata.fault} ${metadata.first_bad_seq}`);

/** The guard is gone and the platform's object starts anew, so that its log takes nothing. Afterwards the guard stands again. */
async function whileRefused<T>(run: () => Promise<T>): Promise<T> {
  const sql = "SELECT sql FROM sqlite_master WHERE name = ?";
  const guard = await env.LEDGER_00.prepare(sql).bind(GUARD).first<string>("sql");
  await settle(platform);
  await env.LEDGER_00.prepare(`DROP TRIGGER ${GUARD}`).run();
  await evictDurableObject(stubOf(platform));
  try {
    await expect(append(platform, event())).rejects.toMatchObject({ code: "ledger.guard_missing" });
    return await run();
  } finally {
    await env.LEDGER_00.prepare(guard ?? "").run();
  }
}

/** One turn of the check, which finds no run due. */
const turn = (domainId: string) => inKeeper(domainId, ({ checks }) => checks.turn());
const unrecordedOf = async (domainId: string) => (await inKeeper(domainId, ({ checks }) => checks.health())).unrecorded;

beforeAll(ensurePlatform);

describe("F16 a guard of the platform's database is gone, and its log refuses every entry", () => {
  test("S0-16 S0-32 another domain's damage is found, named and raised; so is what is damaged later; once the guard is back, each is on record once", async () => {
    const domainId = await wholeDomain(ENTRIES);
    expect((await checkDomain(domainId)).state).toBe("ok");
    await whileRefused(async () => {
      await damage(domainId, 7);
      const first = await checkDomain(domainId);
      expect(first.state).toBe("bad");
      expect(badIn(first)).toEqual({ ledger: ["ledger:entry_hash_mismatch 7"], guards: [`ledger:${GUARD}`] });
      expect(first.unrecorded).toEqual({ waiting: 1, dropped: 0, code: "ledger.guard_missing" });
      const codes = ["ledger:entry_hash_mismatch", "seq:7", `ledger:${GUARD}`];
      expect(await alertsOf(domainId)).toMatchObject({ "integrity.violation": expect.arrayContaining(codes) });
      expect((await logOf(domainId).head()).stoppedReason).toBe("self-check: ledger:entry_hash_mismatch at entry 7");

      await env.LOG.delete(segmentKey(domainId, 4));
      const second = await checkDomain(domainId);
      expect(badIn(second).archive).toEqual(["archive:segment_missing 4"]);
      expect(second.unrecorded.waiting).toBe(2);
      for (let tries = 0; tries < 2; tries++) await alarmLater(domainId);
      const open = ["stopped", ...codes, "archive:segment_missing", "seq:4"];
      expect(await alertsOf(domainId)).toMatchObject({ "integrity.violation": expect.arrayContaining(open) });
      expect(await recorded(domainId)).toEqual([]);
    });
    await turn(domainId);
    expect(await unrecordedOf(domainId)).toEqual({ waiting: 0, dropped: 0, code: null });
    await turn(domainId);
    await alarmLater(domainId);
    await alarmLater(domainId);
    const violations = await violationsOf(domainId);
    expect(violations.map(({ metadata }) => metadata.reason).sort()).toEqual([
      "self-check: archive:segment_missing at entry 4",
      "self-check: ledger:audit_log_no_delete",
      "self-check: ledger:entry_hash_mismatch at entry 7",
    ]);
    const foundAt = violations.map(({ metadata }) => metadata.found_at).filter((at) => at !== undefined);
    expect(foundAt).toEqual([...foundAt].sort());
  });

  test("the keeper's own alarm finds it, and comes back for the entry long before the next run", async () => {
    const domainId = await wholeDomain(3);
    await whileRefused(async () => {
      await damage(domainId, 2);
      const keeper = env.DOMAIN_KEEPER.getByName(domainId);
      await keeper.checkAnew({ forgetHeads: false });
      const planned = async () => {
        const tasks = await keeper.tasks();
        return tasks.ok ? tasks.value.find(({ task }) => task === "check") : undefined;
      };
      // The alarm may be under way by itself: it is over when the next turn is planned.
      const isOver = async () =>
        ((await planned())?.dueMs ?? 0) > Date.now() && (await unrecordedOf(domainId)).waiting > 0;
      for (let tries = 0; tries < 100 && !(await isOver()); tries++) {
        await runDurableObjectAlarm(keeper);
        await scheduler.wait(50);
      }
      const health = await inKeeper(domainId, ({ checks }) => checks.health());
      expect(badIn(health).ledger).toEqual(["ledger:entry_hash_mismatch 2"]);
      expect(health.unrecorded).toEqual({ waiting: 1, dropped: 0, code: "ledger.guard_missing" });
      const check = await planned();
      expect(check).toMatchObject({ failures: 0 });
      expect(check?.dueMs).toBeLessThanOrEqual(Date.now() + LIMITS.selfCheckRetryMs);
    });
  });

  test("a finding that is gone before the log takes its entry is on record all the same, with when it was found", async () => {
    const domainId = await wholeDomain(ENTRIES);
    await checkDomain(domainId, flag);
    const found = await whileRefused(async () => {
      const fromMs = Date.now();
      await damage(domainId, 5);
      expect(badIn(await checkDomain(domainId, flag)).ledger).toEqual(["ledger:entry_hash_mismatch 5"]);
      const toMs = Date.now();
      await mend(domainId);
      expect(badIn(await checkDomain(domainId, flag))).toEqual({ guards: [`ledger:${GUARD}`] });
      return { fromMs, toMs };
    });
    expect(badIn(await checkDomain(domainId, flag))).toEqual({});
    expect(await alertsOf(domainId)).toEqual({});
    expect(await recorded(domainId)).toEqual(["entry_hash_mismatch 5", `${GUARD} null`]);
    const [{ metadata } = { metadata: {} as Record<string, unknown> }] = await violationsOf(domainId);
    expect(Date.parse(String(metadata.found_at))).toBeGreaterThanOrEqual(found.fromMs);
    expect(Date.parse(String(metadata.found_at))).toBeLessThanOrEqual(found.toMs);
  });

  test("what finds no room is counted and said, the oldest stay, and the alert names it all the same", async () => {
    const domainId = await wholeDomain(ENTRIES);
    await checkDomain(domainId, flag);
    await withLimits({ selfCheckWaiting: 2 }, () =>
      whileRefused(async () => {
        await damage(domainId, 5, 9, 15);
        const { unrecorded } = await checkDomain(domainId, flag);
        expect(unrecorded).toEqual({ waiting: 2, dropped: 2, code: "ledger.guard_missing" });
        expect((await alertsOf(domainId))["integrity.violation"]).toContain(`ledger:${GUARD}`);
      }),
    );
    await turn(domainId);
    expect(await recorded(domainId)).toEqual(["entry_hash_mismatch 5", "entry_hash_mismatch 9"]);
    expect(await unrecordedOf(domainId)).toEqual({ waiting: 0, dropped: 2, code: null });
  });

  test("F16 a database that was set back as well is told; once the guard is back the object fills it, though nobody appends", async () => {
    const domainId = await wholeDomain(ENTRIES);
    await checkDomain(domainId, flag);
    const rows = () =>
      env.LEDGER_00.prepare("SELECT count(*) AS n FROM audit_log WHERE domain_id = ?1")
        .bind(domainId)
        .first<number>("n");
    await whileRefused(async () => {
      await tamper(domainId, "DELETE FROM audit_log WHERE domain_id = ?1 AND seq >= 12");
      await evictDurableObject(stubOf(domainId));
      expect(badIn(await checkDomain(domainId, flag)).ledger).toEqual(["ledger:set_back 12"]);
      await env.LOG.delete(segmentKey(domainId, 4));
      expect(badIn(await checkDomain(domainId, flag)).archive).toEqual(["archive:segment_missing 4"]);
      await alarmLater(domainId);
      expect(await rows()).toBe(12);
    });
    await alarmLater(domainId);
    await alarmLater(domainId);
    expect(await rows()).toBe(ENTRIES + 1);
    await turn(domainId);
    expect(await recorded(domainId)).toEqual(["set_back 12", `${GUARD} null`, "segment_missing 4"]);
    expect(badIn(await checkDomain(domainId, flag))).toEqual({ archive: ["archive:segment_missing 4"] });
  });

  test("the cell's own log has a line for the first refusal, and for what stopped the domain: not one for each try", async () => {
    const domainId = await wholeDomain(3);
    await checkDomain(domainId);
    const lines = vi.spyOn(console, "error").mockImplementation(() => {});
    try {
      await whileRefused(async () => {
        await damage(domainId, 2);
        await checkDomain(domainId);
        for (let tries = 0; tries < 3; tries++) {
          await turn(domainId);
          await alarmLater(domainId);
          await evictDurableObject(stubOf(domainId));
        }
      });
      const said = lines.mock.calls
        .map(([line]) => JSON.parse(String(line)))
        .filter(({ domain }) => domain === domainId);
      expect(said.map(({ at, fault, code }) => `${at}: ${fault}: ${code}`).sort()).toEqual([
        "alerts: integrity.violation: undefined",
        "domain-log: integrity.violation: undefined",
        "self-check: the platform's log does not take an entry: ledger.guard_missing",
      ]);
    } finally {
      lines.mockRestore();
    }
  });
});

describe("an append of the platform's log that fails", () => {
  test.each(FAULT_FORMS.flatMap((form) => [1, 3].map((times) => [form, times] as const)))(
    "%s, %d times: the run goes on, and the entry is there once",
    async (form, times) => {
      const domainId = await wholeDomain(ENTRIES);
      await checkDomain(domainId);
      await damage(domainId, 3);
      let failed = 0;
      const faulty = (deps: SelfCheckDeps) => {
        const fault = withFault({ record: deps.record }, { method: "record", form, times: times - failed });
        const record: SelfCheckDeps["record"] = (...call) =>
          fault.store.record(...call).catch((error: unknown) => {
            failed++;
            throw error;
          });
        return { ...flag(), record };
      };
      for (let runs = 0; runs < 4; runs++) {
        expect(badIn(await checkDomain(domainId, faulty)).ledger).toEqual(["ledger:entry_hash_mismatch 3"]);
      }
      expect(failed).toBe(times);
      expect(await recorded(domainId)).toEqual(["entry_hash_mismatch 3"]);
    },
  );

  test("its keeper dies after the append, before it has struck the entry off: the entry is there once", async () => {
    const domainId = await wholeDomain(3);
    await checkDomain(domainId);
    await damage(domainId, 2);
    const dying = checkDomain(domainId, ({ book }) => ({
      ...flag(),
      book: {
        ...{ get: () => book.get(), takeAnew: () => book.takeAnew(), askAnew: (forget) => book.askAnew(forget) },
        put: (record) => {
          const before = book.get();
          if (before && before.waiting.length > record.waiting.length) throw new Error("died");
          book.put(record);
        },
      },
    }));
    await expect(dying).rejects.toThrow("died");
    expect((await unrecordedOf(domainId)).waiting).toBe(1);
    await turn(domainId);
    expect((await unrecordedOf(domainId)).waiting).toBe(0);
    expect(await recorded(domainId)).toEqual(["entry_hash_mismatch 2"]);
  });

  test.each(["domain.stopped", "backlog.full", "storage.unavailable"] as const)(
    "with %s, or a defect: the run goes on, and says why the entry waits",
    async (code) => {
      const domainId = await wholeDomain(3);
      await damage(domainId, 2);
      const refuse = (error: Error) => () => ({ ...flag(), record: () => Promise.reject(error) });
      const { lastRun, unrecorded } = await checkDomain(domainId, refuse(new AppError(code)));
      expect(lastRun).not.toBeNull();
      expect(unrecorded).toEqual({ waiting: 1, dropped: 0, code });
      const defect = await checkDomain(domainId, refuse(new TypeError("x is not a function")));
      expect(defect.unrecorded).toEqual({ waiting: 1, dropped: 0, code: "TypeError" });
    },
  );
});

test("a check whose log says that a guard is missing is unknown, not bad, and the others are looked at", async () => {
  const missing = async () => {
    throw new AppError("ledger.guard_missing");
  };
  const domainId = await wholeDomain(3);
  await checkDomain(domainId);
  const health = await checkDomain(domainId, ({ ledger }) => ({
    ledger: (head) => ({ ...ledger(head), packed: missing, rows: missing, tip: missing, missingGuards: missing }),
  }));
  expect(badIn(health)).toEqual({});
  const unknown = health.checks.filter(({ state }) => state === "unknown").map(({ name }) => name);
  expect(unknown).toEqual(["ledger", "witness", "guards"]);
  const archive = health.checks.find(({ name }) => name === "archive");
  expect(archive).toMatchObject({ state: "ok", sampleSize: 4 });
});

test("what an earlier version stored, without entries that wait, is read and goes on", async () => {
  const domainId = await wholeDomain(3);
  await checkDomain(domainId);
  await inKeeper(domainId, ({ checks }) => {
    const { book } = checks.context;
    const { waiting, dropped, refusal, ...older } = book.get() ?? {};
    expect([waiting, dropped, refusal]).toEqual([[], 0, null]);
    book.put(older as never);
  });
  expect(await unrecordedOf(domainId)).toEqual({ waiting: 0, dropped: 0, code: null });
  await damage(domainId, 2);
  expect((await checkDomain(domainId, flag)).unrecorded).toEqual({ waiting: 0, dropped: 0, code: null });
  expect(await recorded(domainId)).toEqual(["entry_hash_mismatch 2"]);
});

test("S0-16 a log that was restored shorter than it was: a keeper that dies in the run that was asked for still forgets the heads of before", async () => {
  const domainId = await wholeDomain(3);
  await checkDomain(domainId);
  await inKeeper(domainId, ({ checks }) => {
    const { book } = checks.context;
    const record = book.get();
    // As it was before the restore: a longer log, with another tree.
    if (record)
      book.put({ ...record, seen: { ...record.seen, size: 99, checkpoint: { size: 99, root: "00".repeat(32) } } });
    checks.askAnew(true);
  });
  const died = () => Promise.reject(new Error("died"));
  await expect(checkDomain(domainId, ({ log }) => ({ log: { ...log, head: died } }))).rejects.toThrow("died");
  expect(badIn(await checkDomain(domainId))).toEqual({});
  expect((await logOf(domainId).head()).stoppedReason).toBeNull();
});

test("a finding that was gone for one run and is back has an entry of its own, whatever was told before", async () => {
  const domainId = await wholeDomain(3);
  await checkDomain(domainId, flag);
  await inKeeper(domainId, ({ checks }) => {
    const { book } = checks.context;
    const record = book.get();
    // Told of, and gone while another finding had the same codes.
    if (record) book.put({ ...record, told: ["ledger:ledger:entry_hash_mismatch:2"] });
  });
  await checkDomain(domainId, flag);
  await damage(domainId, 2);
  expect(badIn(await checkDomain(domainId, flag)).ledger).toEqual(["ledger:entry_hash_mismatch 2"]);
  expect(await recorded(domainId)).toEqual(["entry_hash_mismatch 2"]);
});

test("S0-32 a log that was stopped for a reason of its own keeps that in its alert when the self-check finds more", async () => {
  const domainId = await wholeDomain(3);
  await checkDomain(domainId);
  await inLog(domainId, (log) => log.stop("set back"));
  await vi.waitFor(async () => {
    await alarmLater(domainId);
    expect((await recorded(domainId)).length).toBe(1);
  }, 15_000);
  await damage(domainId, 2);
  expect(badIn(await checkDomain(domainId)).ledger).toEqual(["ledger:entry_hash_mismatch 2"]);
  const codes = ["ledger:entry_hash_mismatch", "seq:2", "stopped"];
  expect((await alertsOf(domainId))["integrity.violation"]?.sort()).toEqual(codes);
});
