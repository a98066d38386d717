/** A13: what the ledger's file itself refuses, by every way that SQL has, and what a cell does when a guard is gone. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { d1File, withDatabase } from "../support/evil/places.ts";
import { CrimeScene, type Victim } from "./support/crime-scene.ts";
import { nextAppend, stranger, VERIFIED } from "./support/verdicts.ts";

const scene = new CrimeScene("guards");
let victim: Victim;
const file = () => d1File(scene.state, "LEDGER_00", "eu");

beforeAll(async () => {
  await scene.begin();
  victim = await scene.victim();
  await scene.down();
});
afterAll(() => scene.down());

const COLUMNS = "domain_id, seq, id, prev_hash, entry_hash, payload";
const ROW_5 = `SELECT ${COLUMNS} FROM audit_log WHERE domain_id = ?1 AND seq = 5`;

const REFUSED: Record<string, string> = {
  UPDATE: "UPDATE audit_log SET payload = 'x' WHERE domain_id = ?1",
  "UPDATE OR REPLACE": "UPDATE OR REPLACE audit_log SET seq = 6 WHERE domain_id = ?1 AND seq = 5",
  "UPDATE OR IGNORE": "UPDATE OR IGNORE audit_log SET seq = 6 WHERE domain_id = ?1 AND seq = 5",
  "UPDATE of nothing but the same": "UPDATE audit_log SET payload = payload WHERE domain_id = ?1",
  DELETE: "DELETE FROM audit_log WHERE domain_id = ?1 AND seq = 5",
  "DELETE of everything": "DELETE FROM audit_log WHERE domain_id = ?1 OR 1",
  "INSERT OR REPLACE": `INSERT OR REPLACE INTO audit_log ${ROW_5}`,
  REPLACE: `REPLACE INTO audit_log ${ROW_5.replace("payload FROM", "'{}' FROM")}`,
  "REPLACE by the id alone": `REPLACE INTO audit_log ${ROW_5.replace("seq,", "max(seq) + 99,")}`,
  "INSERT OR IGNORE": `INSERT OR IGNORE INTO audit_log ${ROW_5}`,
  UPSERT: `INSERT INTO audit_log ${ROW_5} ON CONFLICT (domain_id, seq) DO UPDATE SET payload = 'x'`,
  "INSERT with a gap": `INSERT INTO audit_log ${ROW_5.replace("seq, id,", "99, 'other',")}`,
};

describe("A13 the ledger's file refuses", () => {
  for (const [what, sql] of Object.entries(REFUSED)) {
    test.each(["OFF", "ON"])(`${what}, with recursive triggers %s`, (recursive) => {
      withDatabase(file(), (database) => {
        database.exec(`PRAGMA recursive_triggers = ${recursive}`);
        const before = database.prepare("SELECT * FROM audit_log").all();
        expect(() => database.prepare(sql).run(victim.domainId)).toThrow(/audit_log is/);
        expect(database.prepare("SELECT * FROM audit_log").all()).toEqual(before);
      });
    });
  }
});

describe("A13 a guard that is gone, or says something else under its name", () => {
  test.each([
    ["dropped", "audit_log_no_delete", null],
    [
      "hollowed out",
      "audit_log_no_update",
      "CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log BEGIN SELECT 1; END",
    ],
  ])("%s: appends are refused by the guard's name until it is back, and reading goes on", async (_, name, instead) => {
    const original = withDatabase(file(), (database) => {
      const row = database.prepare("SELECT sql FROM sqlite_master WHERE name = ?").get(name);
      database.exec(`DROP TRIGGER ${name}`);
      if (instead) database.exec(instead);
      return String(row?.sql);
    });
    await scene.up();
    expect(await nextAppend(scene.url, victim)).toBe(`ledger.guard_missing: missing: ${name}`);
    expect(await stranger(scene.url, victim)).toEqual(VERIFIED);
    await scene.down();
    withDatabase(file(), (database) => {
      if (instead) database.exec(`DROP TRIGGER ${name}`);
      database.exec(original);
    });
    await scene.up();
    expect(await nextAppend(scene.url, victim)).toMatch(/^entry \d+$/);
    await scene.down();
  });
});
