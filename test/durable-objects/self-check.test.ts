/** Every kind of damage to a domain's stores, and the self-check that finds it. Runs in workerd, against the real stores. */
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { witnessExchange } from "../../durable-objects/domain-log/witness-exchange.ts";
import { fromHex, toHex } from "../../src/core/bytes.ts";
import { entryHash } from "../../src/core/chain.ts";
import { formatCheckpoint } from "../../src/core/checkpoint.ts";
import { AppError } from "../../src/core/errors.ts";
import { segmentKey } from "../../src/core/segment.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { compress, decompress } from "../../src/storage/zstd.ts";
import { append, copiedRows, env, event, inLog, logOf, newDomain, newTenant, stubOf } from "../support/cell.ts";
import {
  alertsOf,
  badIn,
  checkDomain,
  checkOf,
  ensurePlatform,
  inKeeper,
  settle,
  violationsOf,
  wholeDomain,
} from "../support/self-check.ts";
import { tamper, withLimits } from "../support/tamper.ts";
import { WitnessDouble } from "../support/witness-double.ts";

const ENTRIES = 20;
const SIZE = ENTRIES + 1;
const YEAR_MS = 366 * 24 * 60 * 60 * 1000;

/** What an operator sees of it: the alert, the entry of the platform's log, and the domain, which takes nothing more. */
async function expectStopped(domainId: string, code: string, seq: number | null): Promise<void> {
  const reason = `self-check: ${code}${seq === null ? "" : ` at entry ${seq}`}`;
  expect((await logOf(domainId).head()).stoppedReason).toBe(reason);
  await expect(append(domainId, event())).rejects.toMatchObject({ code: "domain.stopped" });
  const codes = [code, ...(seq === null ? [] : [`seq:${seq}`])];
  expect(await alertsOf(domainId)).toMatchObject({ "integrity.violation": expect.arrayContaining(codes) });
  await inLog(domainId, (log) => log.alarm());
  const violations = (await violationsOf(domainId)).map(({ metadata }) => metadata.reason);
  expect(violations).toContain(reason);
}

/** A domain that a run found whole, and that is damaged after it. */
async function found(damage: (domainId: string) => Promise<unknown>, segmentEntries?: number) {
  await ensurePlatform();
  const domainId = await wholeDomain(ENTRIES, segmentEntries);
  expect(badIn(await checkDomain(domainId))).toEqual({});
  await damage(domainId);
  return { domainId, bad: badIn(await checkDomain(domainId)) };
}

const inObject = (domainId: string, ...statements: string[]) =>
  inLog(domainId, (_, state) => {
    for (const statement of statements) {
      const { rowsWritten } = state.storage.sql.exec(statement);
      if (rowsWritten === 0) throw new Error(`changed nothing: ${statement}`);
    }
  }).then(() => evictDurableObject(stubOf(domainId)));

const treeKey = (domainId: string, path: string) => `tlog/${domainId}/${path}`;

/** Puts an object back with other bytes; its metadata stays. */
async function rewrite(key: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  const object = await env.LOG.get(key);
  if (!object) throw new Error(`there is no ${key}`);
  const bytes = change(new Uint8Array(await object.arrayBuffer()));
  await env.LOG.put(key, bytes, { customMetadata: object.customMetadata ?? {} });
}

const flipped = (at: number) => (bytes: Uint8Array) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

describe("a domain that is whole", () => {
  test("every check is well, everything was read once, and is read again", async () => {
    const domainId = await wholeDomain(ENTRIES);
    const health = await checkDomain(domainId);
    expect(badIn(health)).toEqual({});
    expect(health.state).toBe("ok");
    const again = await checkDomain(domainId);
    for (const name of ["ledger", "archive", "mirror"] as const) {
      expect(checkOf(health, name)).toMatchObject({ state: "ok", verifiedTo: SIZE, lag: 0, sampleSize: 0 });
      expect(checkOf(again, name)).toMatchObject({ state: "ok", verifiedTo: SIZE, sampleSize: SIZE });
    }
    expect(await alertsOf(domainId)).toEqual({});
  });

  test("the first run comes by the keeper's own alarm within one interval, without anybody asking", async () => {
    const domainId = await wholeDomain(3);
    const keeper = env.DOMAIN_KEEPER.getByName(domainId);
    await keeper.indexSoon();
    const planned = await keeper.tasks();
    const due = planned.ok ? planned.value.find(({ task }) => task === "check")?.dueMs : undefined;
    expect(due).toBeLessThanOrEqual(Date.now() + cellConfig(env).selfCheckIntervalMs);
    await keeper.checkAnew({ forgetHeads: false });
    while ((await inKeeper(domainId, ({ checks }) => checks.health())).lastRun === null) {
      await runDurableObjectAlarm(keeper);
    }
    expect((await inKeeper(domainId, ({ checks }) => checks.health())).state).toBe("ok");
  });

  test("what is read in many turns is named as exactly as what is read in one", async () => {
    const domainId = await wholeDomain(99, 10);
    await withLimits({ verifyPageEntries: 10, selfCheckPageEntries: 10, selfCheckTurnEntries: 20 }, async () => {
      await checkDomain(domainId);
      await tamper(domainId, "UPDATE audit_log SET payload = payload || ' ' WHERE domain_id = ?1 AND seq = 63");
      expect(badIn(await checkDomain(domainId)).ledger).toEqual(["ledger:entry_hash_mismatch 63"]);
    });
  });
});

describe("S0-16 S0-32 damage to D1, named by its entry", () => {
  const row = "WHERE domain_id = ?1 AND seq = 7";
  const cases: [string, string[], string, number][] = [
    [
      "A1: a payload is edited",
      [`UPDATE audit_log SET payload = replace(payload, 'invoice', 'voucher') ${row}`],
      "ledger:entry_hash_mismatch",
      7,
    ],
    [
      "A1: an entry hash is edited",
      [`UPDATE audit_log SET entry_hash = randomblob(32) ${row}`],
      "ledger:entry_hash_mismatch",
      7,
    ],
    [
      "A1: a previous hash is edited",
      [`UPDATE audit_log SET prev_hash = randomblob(32) ${row}`],
      "ledger:prev_hash_mismatch",
      7,
    ],
    ["A1: an id is edited", [`UPDATE audit_log SET id = 'x' || substr(id, 2) ${row}`], "ledger:column_mismatch", 7],
    ["A2: a row is deleted", [`DELETE FROM audit_log ${row}`], "ledger:row_missing", 7],
    [
      "A3: two rows are swapped",
      [
        `UPDATE audit_log SET seq = 1000 ${row}`,
        "UPDATE audit_log SET seq = 7 WHERE domain_id = ?1 AND seq = 9",
        "UPDATE audit_log SET seq = 9 WHERE domain_id = ?1 AND seq = 1000",
      ],
      "ledger:prev_hash_mismatch",
      7,
    ],
    [
      "A4: a row is inserted after the last",
      [
        "INSERT INTO audit_log (domain_id, seq, id, prev_hash, entry_hash, payload) SELECT domain_id, 21, 'x' || id, entry_hash, randomblob(32), payload FROM audit_log WHERE domain_id = ?1 AND seq = 20",
      ],
      "ledger:beyond_head",
      21,
    ],
  ];
  test.each(cases)("%s: alert, entry and stop name it", async (_, statements, code, seq) => {
    const { domainId, bad } = await found((id) => tamper(id, ...statements));
    expect(bad.ledger?.[0]).toBe(`${code} ${seq}`);
    await expectStopped(domainId, code, seq);
  });

  test("A4: a row that was forged with hashes of its own is named, not the one that it broke", async () => {
    const { domainId, bad } = await found((id) => forge(id, 7));
    expect(bad.ledger?.[0]).toBe("ledger:leaf_mismatch 7");
    await expectStopped(domainId, "ledger:leaf_mismatch", 7);
  });

  test("A4: everything from an entry on was rewritten with right hashes: the first of them is named", async () => {
    const { domainId, bad } = await found((id) => forge(id, 7, SIZE - 1));
    expect(bad.ledger?.[0]).toBe("ledger:leaf_mismatch 7");
    await expectStopped(domainId, "ledger:leaf_mismatch", 7);
  });

  test("F16 A5: D1 set back to yesterday is told, filled again, and well by the next run; nothing is stopped", async () => {
    const { domainId, bad } = await found((id) =>
      tamper(id, "DELETE FROM audit_log WHERE domain_id = ?1 AND seq >= 12"),
    );
    expect(bad.ledger).toEqual(["ledger:set_back 12"]);
    expect(await alertsOf(domainId)).toEqual({ "integrity.violation": ["ledger:set_back", "seq:12"] });
    expect((await violationsOf(domainId)).map(({ metadata }) => metadata)).toMatchObject([
      { store: "ledger", fault: "set_back", first_bad_seq: 12 },
    ]);
    await settle(domainId);
    expect(await copiedRows(domainId)).toHaveLength(SIZE);
    expect(badIn(await checkDomain(domainId))).toEqual({});
    expect(await alertsOf(domainId)).toEqual({});
    await append(domainId, event());
  });

  test("F16 A5: D1 set back while a run reads it is told as that, filled again and read again; nothing is stopped", async () => {
    await ensurePlatform();
    const domainId = await wholeDomain(99, 10);
    let isWhole = true;
    await withLimits({ verifyPageEntries: 10, selfCheckPageEntries: 10, selfCheckTurnEntries: 20 }, async () => {
      const health = await checkDomain(domainId, ({ ledger }) => ({
        ledger: (head) => {
          const store = ledger(head);
          return new Proxy(store, {
            get(target, name) {
              const real = Reflect.get(target, name) as (...args: unknown[]) => unknown;
              return async (...args: [{ fromSeq: number }]) => {
                if (name === "packed" && isWhole && args[0].fromSeq >= 40) {
                  isWhole = false;
                  await tamper(domainId, "DELETE FROM audit_log WHERE domain_id = ?1 AND seq >= 30");
                }
                return real.apply(target, args);
              };
            },
          });
        },
      }));
      expect(isWhole).toBe(false);
      expect(badIn(health).ledger).toEqual(["ledger:set_back 30"]);
      expect(checkOf(health, "ledger").verifiedTo).toBe(30);
    });
    expect((await logOf(domainId).head()).stoppedReason).toBeNull();
    await settle(domainId);
    const well = await checkDomain(domainId);
    expect(badIn(well)).toEqual({});
    expect(checkOf(well, "ledger").verifiedTo).toBe(100);
    expect(await alertsOf(domainId)).toEqual({});
  });

  const guard = "audit_log_no_delete";
  test.each([
    ["was dropped", (sql: string) => [`DROP TRIGGER ${guard}`, sql]],
    ["has another body", (sql: string) => [`DROP TRIGGER ${guard}`, sql, sql.replace("RAISE(ABORT", "RAISE(IGNORE")]],
  ])("a guard that %s is told by its name, and well once it is back", async (how, statements) => {
    const sql =
      (await env.LEDGER_00.prepare("SELECT sql FROM sqlite_master WHERE name = ?").bind(guard).first<string>("sql")) ??
      "";
    const [drop, , other] = statements(sql);
    const domainId = await wholeDomain(3);
    await env.LEDGER_00.prepare(drop ?? "").run();
    try {
      if (how !== "was dropped")
        await env.LEDGER_00.prepare((other ?? "").replace(/RAISE\(IGNORE[^)]*\)/, "RAISE(IGNORE)")).run();
      expect(badIn(await checkDomain(domainId)).guards).toEqual([`ledger:${guard}`]);
      expect(await alertsOf(domainId)).toEqual({ "integrity.violation": [`ledger:${guard}`] });
      expect((await logOf(domainId).head()).stoppedReason).toBeNull();
    } finally {
      await env.LEDGER_00.prepare(`DROP TRIGGER IF EXISTS ${guard}`).run();
      await env.LEDGER_00.prepare(sql).run();
    }
    expect(badIn(await checkDomain(domainId))).toEqual({});
    expect(await alertsOf(domainId)).toEqual({});
  });
});

/** Rows from `from` to `to` get another payload, and hashes that fit it. */
async function forge(domainId: string, from: number, to = from): Promise<void> {
  const rows = await copiedRows(domainId);
  let prev = rows[from]?.prevHash ?? "";
  const statements: string[] = [];
  for (const { seq, payload } of rows.slice(from, to + 1)) {
    const forged = payload.replace("invoice", "voucher");
    const hash = toHex(entryHash(sha256, fromHex(prev) ?? new Uint8Array(), forged));
    const text = forged.replaceAll("'", "''");
    statements.push(
      `UPDATE audit_log SET payload = '${text}', prev_hash = unhex('${prev}'), entry_hash = unhex('${hash}') WHERE domain_id = ?1 AND seq = ${seq}`,
    );
    prev = hash;
  }
  await tamper(domainId, ...statements);
}

describe("damage to the archive in R2", () => {
  test.each<[string, (key: string) => Promise<unknown>, string, number]>([
    ["is lost", (key) => env.LOG.delete(key), "archive:segment_missing", 4],
    ["has other bytes", (key) => rewrite(key, flipped(40)), "archive:segment_damaged", 4],
    ["is cut short", (key) => rewrite(key, (bytes) => bytes.slice(0, 60)), "archive:segment_damaged", 4],
  ])("a segment that %s is named by its first entry", async (_, damage, code, seq) => {
    const { domainId, bad } = await found((id) => damage(segmentKey(id, 4)));
    expect(bad.archive).toEqual([`${code} ${seq}`]);
    await expectStopped(domainId, code, seq);
  });

  test("a segment with another text, compressed anew, is named by the entry; one with fewer lines by the first that is missing", async () => {
    const change = async (key: string, text: (lines: string) => string) => {
      const object = await env.LOG.get(key);
      const lines = await decompress(new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer(0)), 1_000_000);
      await env.LOG.put(key, await compress(text(lines)), { customMetadata: object?.customMetadata ?? {} });
    };
    const altered = await found((id) =>
      change(segmentKey(id, 4), (text) =>
        text
          .split("\n")
          .map((line, i) => (i === 2 ? line.replace("invoice", "voucher") : line))
          .join("\n"),
      ),
    );
    expect(altered.bad.archive?.[0]).toBe("archive:segment_altered 6");
    const cut = await found((id) =>
      change(segmentKey(id, 4), (text) => `${text.split("\n").slice(0, 3).join("\n")}\n`),
    );
    expect(cut.bad.archive?.[0]).toBe("archive:segment_truncated 7");
  });

  test("the last segment is lost, and one that nobody wrote lies between two", async () => {
    expect((await found((id) => env.LOG.delete(segmentKey(id, 20)))).bad.archive).toEqual([
      "archive:segment_missing 20",
    ]);
    const foreign = await found((id) => env.LOG.put(segmentKey(id, 6), "x"));
    expect(foreign.bad.archive?.[0]).toBe("archive:segment_foreign 6");
  });
});

describe("damage to the mirror in R2", () => {
  const tile = `tile/0/000.p/${SIZE}`;
  test.each<[string, (domainId: string) => Promise<unknown>, string, number]>([
    ["a tile is altered", (id) => rewrite(treeKey(id, tile), flipped(7 * 32)), "mirror:tile_altered", 7],
    ["a tile is lost", (id) => env.LOG.delete(treeKey(id, tile)), "mirror:tile_missing", 0],
    [
      "a bundle is altered",
      (id) => rewrite(treeKey(id, `tile/entries/000.p/${SIZE}`), flipped(7 * 34 + 5)),
      "mirror:bundle_altered",
      7,
    ],
  ])("%s", async (_, damage, code, seq) => {
    const { domainId, bad } = await found(damage);
    expect(bad.mirror).toEqual([`${code} ${seq}`]);
    await expectStopped(domainId, code, seq);
  });

  test("the checkpoint is altered, lost, or rolled back to an older one", async () => {
    const key = (id: string) => treeKey(id, "checkpoint");
    const altered = await found((id) => rewrite(key(id), flipped(60)));
    expect(altered.bad.checkpoint).toEqual(["mirror:checkpoint_altered"]);
    await expectStopped(altered.domainId, "mirror:checkpoint_altered", null);
    const lost = await found((id) => env.LOG.delete(key(id)));
    expect(lost.bad.checkpoint).toEqual(["mirror:checkpoint_missing 0"]);
    const rolledBack = await found(async (id) => {
      const older = (await (await env.LOG.get(key(id)))?.text()) ?? "";
      await append(id, event());
      await settle(id);
      await checkDomain(id);
      await env.LOG.put(key(id), older);
    });
    expect(rolledBack.bad.checkpoint).toEqual([`mirror:checkpoint_rolled_back ${SIZE}`]);
    await expectStopped(rolledBack.domainId, "mirror:checkpoint_rolled_back", SIZE);
  });

  test("F16: a checkpoint that was rolled back before anybody looked is seen by the first run", async () => {
    const domainId = await wholeDomain(ENTRIES);
    const older = (await (await env.LOG.get(treeKey(domainId, "checkpoint")))?.text()) ?? "";
    await append(domainId, event());
    await settle(domainId);
    await env.LOG.put(treeKey(domainId, "checkpoint"), older);
    expect(badIn(await checkDomain(domainId)).checkpoint).toEqual([`mirror:checkpoint_rolled_back ${SIZE}`]);
  });
});

describe("damage to the object", () => {
  test("its head is set back, with everything that it signed", async () => {
    const { domainId, bad } = await found(async (id) => {
      const [row] = await copiedRows(id).then((rows) => rows.slice(11, 12));
      const older = await inLog(id, (log) => log.tree.checkpoints.lastCheckpoint()?.size);
      expect(older).toBe(SIZE);
      await inObject(
        id,
        `UPDATE head SET size = 12, entry_hash = '${row?.entryHash}', copied_size = 12, archived_size = 12, copied_hash = '${row?.entryHash}', archived_hash = '${row?.entryHash}'`,
      );
    });
    expect(bad.object).toEqual(["object:set_back 12"]);
    expect(await alertsOf(domainId)).toMatchObject({
      "integrity.violation": expect.arrayContaining(["object:set_back", "seq:12"]),
    });
  });

  test("a tile of its tree is changed: what it proves no longer leads to what it signed", async () => {
    const { domainId, bad } = await found((id) =>
      inObject(
        id,
        "UPDATE tile SET hashes = CAST(substr(hashes, 1, 224) || randomblob(32) || substr(hashes, 257) AS BLOB) WHERE level = 0",
      ),
    );
    expect(bad).toEqual({ object: ["object:tree_damaged 7"] });
    await expect(append(domainId, event())).rejects.toMatchObject({ code: "domain.stopped" });
  });

  test("the checkpoint that it signed is changed in its storage", async () => {
    const { bad } = await found((id) =>
      inObject(
        id,
        `UPDATE checkpoint SET note = replace(note, char(10) || '${SIZE}' || char(10), char(10) || '20' || char(10))`,
      ),
    );
    expect(bad.checkpoint).toEqual([`object:checkpoint_altered ${SIZE}`]);
  });
});

describe("what is around the log", () => {
  test("a clock a year ahead, or behind, is told, stops nothing, and is well again", async () => {
    const domainId = await wholeDomain(3);
    await checkDomain(domainId);
    for (const [aheadMs, fault] of [
      [YEAR_MS, "clock_ahead"],
      [-YEAR_MS, "clock_behind"],
    ] as const) {
      const clock = () => Date.now() + aheadMs;
      expect(badIn(await checkDomain(domainId, () => ({ clock }))).clock).toEqual([`cell:${fault}`]);
      expect(await alertsOf(domainId)).toEqual({ "clock.jumped": [`cell:${fault}`] });
      expect(badIn(await checkDomain(domainId))).toEqual({});
      expect(await alertsOf(domainId)).toEqual({});
    }
    await append(domainId, event());
  });

  test("a run that a wrong clock planned for next year comes within an interval all the same", async () => {
    const domainId = await wholeDomain(3);
    await checkDomain(domainId, () => ({ clock: () => Date.now() + YEAR_MS }));
    await inKeeper(domainId, ({ checks }) => checks.soon());
    const { nextRunAt } = await inKeeper(domainId, ({ checks }) => checks.health());
    expect(Date.parse(nextRunAt ?? "")).toBeLessThanOrEqual(Date.now() + cellConfig(env).selfCheckIntervalMs);
  });

  test("a tenant whose root is gone, and a log's key that nobody knows", async () => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    await append(domainId, event(), { waitForCopy: true });
    await settle(domainId);
    expect(badIn(await checkDomain(domainId))).toEqual({});
    const root = `tenant-root/${tenant.tenantId}`;
    const bytes = await (await env.KEYS.get(root))?.arrayBuffer();
    await env.KEYS.delete(root);
    expect(badIn(await checkDomain(domainId)).keys).toEqual(["cell:tenant_root_missing"]);
    expect(await alertsOf(domainId)).toEqual({ "check.failed": ["cell:tenant_root_missing"] });
    await env.KEYS.put(root, bytes ?? new ArrayBuffer(0));
    expect(badIn(await checkDomain(domainId))).toEqual({});
    const strangers = await checkDomain(domainId, () => ({ logKeys: [] }));
    expect(badIn(strangers)).toEqual({ keys: ["cell:log_key_unknown"] });
    expect(checkOf(strangers, "ledger").state).toBe("unknown");
    expect((await logOf(domainId).head()).stoppedReason).toBeNull();
  });

  test("S4-34: an object that is elsewhere asks no store and says so", async () => {
    const domainId = await wholeDomain(3);
    const never = () => Promise.reject(new Error("a store was asked"));
    const health = await checkDomain(domainId, ({ log, surroundings }) => ({
      surroundings: { ...surroundings, jurisdictionFaults: async () => ["object_elsewhere"], keyFaults: never },
      log: { ...log, checkpoint: never },
      ledger: () => ({ packed: never, rows: never, tip: never, missingGuards: never }),
      segments: { get: never, list: never },
      mirror: { checkpoint: never, tile: never },
    }));
    expect(badIn(health)).toEqual({ jurisdiction: ["cell:object_elsewhere"] });
    expect(checkOf(health, "ledger")).toMatchObject({ state: "unknown", verifiedTo: 0 });
    expect(await alertsOf(domainId)).toEqual({ "check.failed": ["cell:object_elsewhere"] });
  });
});

describe("what follows from a finding", () => {
  test("S4-33 on_violation=flag: the domain goes on; alert and entry say what was found, once, the entry in the platform's log alone", async () => {
    await ensurePlatform();
    const domainId = await wholeDomain(ENTRIES);
    const flag = () => ({ onViolation: async () => "flag" as const });
    await tamper(domainId, "UPDATE audit_log SET payload = payload || ' ' WHERE domain_id = ?1 AND seq = 5");
    await checkDomain(domainId, flag);
    await append(domainId, event());
    await checkDomain(domainId, flag);
    expect((await logOf(domainId).head()).stoppedReason).toBeNull();
    expect((await violationsOf(domainId)).map(({ metadata }) => metadata)).toMatchObject([
      { store: "ledger", fault: "entry_hash_mismatch", first_bad_seq: 5, on_violation: "flag" },
    ]);
    const own = (await copiedRows(domainId)).map(({ payload }) => payload);
    expect(own.filter((payload) => payload.includes("integrity.violation"))).toEqual([]);
    expect(await alertsOf(domainId)).toMatchObject({ "integrity.violation": ["ledger:entry_hash_mismatch", "seq:5"] });
  });

  test("one damaged entry hides no other: the second is found while the first still stands", async () => {
    const domainId = await wholeDomain(ENTRIES);
    const flag = () => ({ onViolation: async () => "flag" as const });
    await tamper(domainId, "UPDATE audit_log SET payload = payload || ' ' WHERE domain_id = ?1 AND seq IN (5, 6, 15)");
    const health = await checkDomain(domainId, flag);
    expect(badIn(health).ledger).toEqual([5, 6, 15].map((seq) => `ledger:entry_hash_mismatch ${seq}`));
    expect(checkOf(health, "ledger").verifiedTo).toBe(SIZE);
    await tamper(domainId, "UPDATE audit_log SET payload = rtrim(payload) WHERE domain_id = ?1 AND seq IN (5, 15)");
    expect(badIn(await checkDomain(domainId, flag)).ledger).toEqual(["ledger:entry_hash_mismatch 6"]);
  });

  test.each([
    ["before it was done", false],
    ["after it was done", true],
  ])("what could not be told, because the answer was lost %s, is told by the next turn", async (_, isDone) => {
    await ensurePlatform();
    const domainId = await wholeDomain(3);
    await tamper(domainId, "UPDATE audit_log SET payload = payload || ' ' WHERE domain_id = ?1 AND seq = 2");
    let left = 1;
    const failing = checkDomain(domainId, ({ log }) => ({
      log: {
        ...log,
        stop: async (reason) => {
          if (isDone) await log.stop(reason);
          if (left-- > 0) throw new Error("lost");
          await log.stop(reason);
        },
      },
    }));
    await expect(failing).rejects.toThrow("lost");
    await checkDomain(domainId);
    await expectStopped(domainId, "ledger:entry_hash_mismatch", 2);
  });

  test("a store that is away is unknown, not bad, and nobody is told of damage", async () => {
    const away = async () => {
      throw new AppError("storage.unavailable");
    };
    const domainId = await wholeDomain(3);
    await checkDomain(domainId);
    const health = await checkDomain(domainId, ({ ledger, segments }) => ({
      ledger: (head) => ({ ...ledger(head), packed: away, rows: away, tip: away, missingGuards: away }),
      segments: { ...segments, list: away, get: away },
    }));
    const unknown = health.checks.filter(({ state }) => state === "unknown").map(({ name }) => name);
    expect(unknown).toEqual(expect.arrayContaining(["ledger", "archive", "guards"]));
    expect(badIn(health)).toEqual({});
    expect(await alertsOf(domainId)).toEqual({});
  });
});

describe("what witnesses remember", () => {
  const { signer } = cellConfig(env);
  /** A witness of the domain that holds up a checkpoint which this key has signed. */
  async function held(domainId: string, of: (root: Uint8Array) => { size: number; root: Uint8Array }, by = signer) {
    const origin = `${env.LOG_HOST}/${domainId}`;
    const double = new WitnessDouble("witness.example", 7);
    const { root } = await logOf(domainId).checkpoint();
    const head = of(fromHex(root) ?? new Uint8Array());
    const note = by.named(origin).sign(formatCheckpoint({ origin, ...head }));
    double.latest.set(origin, { ...head, note });
    const exchange = witnessExchange((url, init) => double.fetch(url, init));
    return checkDomain(domainId, () => ({ witnesses: [double.config], exchange }));
  }

  test.each([
    ["more than the log has: it was set back", { size: SIZE + 5, fill: 1 }, `witness:witness_ahead ${SIZE}`],
    ["another tree of as many entries: it was rewritten", { size: SIZE, fill: 1 }, "witness:witness_contradicts"],
    ["an older tree that the log does not begin with", { size: 9, fill: 1 }, "witness:witness_contradicts"],
  ])("A6 A9: a witness remembers, signed by the log's own key, %s", async (_, { size, fill }, finding) => {
    await ensurePlatform();
    const domainId = await wholeDomain(ENTRIES);
    const bad = badIn(await held(domainId, () => ({ size, root: new Uint8Array(32).fill(fill) })));
    expect(bad).toEqual({ witness: [finding] });
    const [code = "", seq] = finding.split(" ");
    await expectStopped(domainId, code, seq === undefined ? null : Number(seq));
  });

  test("a witness that remembers what the log shows makes it well; one that holds up what the log never signed stops nobody", async () => {
    const domainId = await wholeDomain(ENTRIES);
    expect(checkOf(await held(domainId, (root) => ({ size: SIZE, root })), "witness").state).toBe("ok");
    const stranger = noteSigner(`${env.LOG_HOST}/${domainId}`, new Uint8Array(32).fill(9));
    const lied = await held(domainId, () => ({ size: 99, root: new Uint8Array(32) }), stranger);
    expect(checkOf(lied, "witness").state).toBe("unknown");
    expect(lied.state).toBe("ok");
    expect((await logOf(domainId).head()).stoppedReason).toBeNull();
  });
});
