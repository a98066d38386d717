import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { REPOSITORY } from "../../src/ops/paths.ts";
import { CONTROL_GUARDS, guardFingerprint, LEDGER_GUARDS } from "../../src/storage/guards.ts";

/** Every trigger that the migrations of a database make. */
function guardsOf(database: string): Record<string, string> {
  const folder = path.join(REPOSITORY, "migrations", database);
  const lines = readdirSync(folder)
    .sort()
    .flatMap((name) => readFileSync(path.join(folder, name), "utf8").split("\n"));
  const triggers = lines.filter((line) => line.startsWith("CREATE TRIGGER "));
  return Object.fromEntries(triggers.map((sql) => [sql.split(" ")[2] ?? "", guardFingerprint(sql)]));
}

describe("src/storage/guards.ts", () => {
  it.each([
    ["LEDGER_GUARDS", "ledger", LEDGER_GUARDS],
    ["CONTROL_GUARDS", "control", CONTROL_GUARDS],
  ])("%s holds every trigger of migrations/%s with the fingerprint of its SQL", (constant, database, guards) => {
    const recomputed = guardsOf(database);
    expect(Object.keys(recomputed).length).toBeGreaterThan(0);
    const lines = Object.entries(recomputed).map(([name, fingerprint]) => `  ${name}: "${fingerprint}",`);
    expect(guards, `${constant} in src/storage/guards.ts should be:\n${lines.join("\n")}\n`).toEqual(recomputed);
  });

  it("S2-16 every audit table that is append-only has a guard against UPDATE, DELETE and INSERT over a row", () => {
    for (const table of ["audit_log", "ledger_base", "ledger_release"]) {
      for (const what of ["update", "delete", "rewrite"]) expect(LEDGER_GUARDS).toHaveProperty(`${table}_no_${what}`);
    }
  });

  it("a fingerprint ignores white space and the last semicolon, and nothing else", () => {
    const sql = "CREATE TRIGGER a BEFORE UPDATE ON t BEGIN SELECT RAISE(ABORT, 'no'); END";
    for (const same of [`${sql};`, `${sql} ;\n`, sql.replaceAll(" ", "\r\n\t")]) {
      expect(guardFingerprint(same)).toBe(guardFingerprint(sql));
    }
    for (const other of [sql.toLowerCase(), sql.replace("no", "on"), sql.replace("ABORT", "FAIL"), `${sql} x`]) {
      expect(guardFingerprint(other)).not.toBe(guardFingerprint(sql));
    }
  });
});
