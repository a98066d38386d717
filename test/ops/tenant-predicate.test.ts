/** S1-11: the checker over the stores bites: one fixture for each way to forget, or to get around, the tenant's predicate. */
import { describe, expect, test } from "vitest";
import { queryFaults, readSources } from "../../src/ops/query-scopes.ts";
import { EXCEPTIONS, SCOPES } from "../../src/ops/table-scopes.ts";
import { statementFaults } from "../../src/ops/tenant-predicate.ts";

const lines = (text: string, file = "src/storage/example.ts") => queryFaults([{ file, text }], []).faults;
const sql = (statement: string) => lines(`const SQL = \`${statement}\`;`);

describe("S1-11 every query on a tenant's table names the tenant or the domain", () => {
  test("in this repository", () => {
    const { statements, faults } = queryFaults(readSources());
    expect(faults).toEqual([]);
    expect(statements).toBeGreaterThan(60);
  });

  test.each([
    "SELECT payload FROM audit_log WHERE seq = ?1",
    "SELECT payload FROM audit_log",
    "SELECT payload FROM audit_log WHERE domain_id > ?1",
    "SELECT payload FROM audit_log WHERE domain_id = ?1 OR seq = ?2",
    "SELECT payload FROM audit_log WHERE (domain_id = ?1 OR seq = ?2)",
    "SELECT payload FROM audit_log WHERE domain_id = domain_id",
    "SELECT payload FROM audit_log WHERE domain_id = 'dom'",
    "SELECT payload FROM audit_log ORDER BY domain_id = ?1",
    "SELECT a.payload FROM audit_log a, audit_subject_pii p WHERE a.domain_id = ?1 AND p.pseudonym = ?2",
    "SELECT a.payload FROM audit_log a JOIN audit_subject_pii p ON p.first_seq = a.seq WHERE a.domain_id = ?1",
    "SELECT a.payload FROM audit_log a JOIN ledger_hold h ON h.from_seq = a.seq WHERE domain_id = ?1",
    "SELECT 1 FROM ledger_base WHERE domain_id = ?1 UNION ALL SELECT 1 FROM audit_log",
    "SELECT (SELECT max(seq) FROM audit_log) FROM ledger_base WHERE domain_id = ?1",
    "SELECT seq FROM json_each(?1) e CROSS JOIN audit_log a ON a.seq = e.value",
    "SELECT a.seq FROM audit_log a JOIN ledger_hold h ON h.domain_id = a.domain_id WHERE a.seq = ?1",
    "SELECT a.seq FROM audit_log a, ledger_hold h WHERE h.domain_id = a.domain_id AND a.domain_id = h.domain_id",
    "SELECT a.seq FROM audit_log a LEFT JOIN ledger_hold h ON h.domain_id = ?1 AND a.domain_id = ?1",
    "SELECT a.id FROM json_each(?2) e CROSS JOIN audit_log a ON a.domain_id = ?1 OR a.id = e.value",
    "select payload from audit_log where seq = ?1",
    'SELECT payload FROM "audit_log" WHERE seq = ?1',
    "SELECT payload FROM main.audit_log WHERE seq = ?1",
    "SELECT payload FROM audit_log WHERE NOT domain_id = ?1",
    "SELECT payload FROM audit_log WHERE domain_id = ?1 = 0",
    "SELECT payload FROM audit_log WHERE domain_id = ?1 IS NOT NULL",
    "SELECT payload FROM audit_log WHERE 1 + domain_id = ?1",
    "UPDATE api_key SET revoked_at = ?2 WHERE id = ?1",
    "UPDATE api_key SET tenant_id = ?1",
    "DELETE FROM audit_private_value WHERE subject = ?1",
    "DELETE FROM domain WHERE name = ?1",
    "DELETE FROM audit_posting WHERE number = (SELECT number FROM audit_index WHERE size = ?1)",
    "DELETE FROM audit_posting WHERE number = (SELECT number FROM audit_index WHERE domain_id = ?1) + ?2",
    "DELETE FROM audit_posting WHERE number > (SELECT number FROM audit_index WHERE domain_id = ?1)",
    "INSERT INTO legal_hold_words (hold_id, change, sealed) VALUES (?1, ?2, ?3)",
    "INSERT INTO ledger_hold SELECT * FROM json_each(?1)",
    "INSERT INTO ledger_base (domain_id, base_seq) SELECT ?1, seq FROM audit_log WHERE seq = 0",
    "WITH newest AS (SELECT seq FROM audit_log ORDER BY seq DESC LIMIT 1) SELECT seq FROM newest",
    "SELECT 1 FROM ${table} WHERE domain_id = ?1",
  ])("%s is a fault", (statement) => {
    expect(sql(statement)).not.toHaveLength(0);
  });

  test.each([
    "SELECT payload FROM audit_log WHERE domain_id = ?1 AND (seq = ?2 OR id = ?3)",
    "SELECT a.id FROM json_each(?2) e CROSS JOIN audit_log a ON a.domain_id = ?1 AND a.id = e.value",
    "SELECT a.seq FROM audit_log a JOIN ledger_hold h ON h.domain_id = a.domain_id WHERE a.domain_id = ?1 ORDER BY a.seq",
    "SELECT a.seq FROM audit_log a LEFT JOIN ledger_hold h ON h.domain_id = a.domain_id WHERE a.domain_id = ?1",
    "SELECT (SELECT max(a.seq) FROM audit_log a WHERE a.domain_id = d.value) FROM json_each(?1) d",
    "DELETE FROM ledger_shard WHERE domain_id IN (SELECT id FROM domain WHERE tenant_id = ?1)",
    "DELETE FROM audit_posting WHERE number = (SELECT number FROM audit_index WHERE domain_id = ?1) AND seq < ?2",
    "INSERT INTO ledger_base (domain_id, base_seq) SELECT ?1, ?2",
    "SELECT resource FROM provisioned_resource",
    "SELECT 1",
  ])("%s is none", (statement) => {
    expect(sql(statement)).toEqual([]);
  });

  test("nor is it seen through a constant, a comment, or a template over several lines", () => {
    expect(lines('const PLACE = "seq = ?1";\nconst SQL = `SELECT id\n  FROM audit_log WHERE ${PLACE}`;')).toHaveLength(
      1,
    );
    expect(lines('const PLACE = "domain_id = ?1";\nconst SQL = `SELECT id FROM audit_log WHERE ${PLACE}`;')).toEqual(
      [],
    );
    expect(lines('// const SQL = "SELECT id FROM audit_log";')).toEqual([]);
  });

  test.each([
    "db.select().from(apiKey).where(eq(apiKey.id, keyId))",
    "db.select().from(apiKey)",
    "db.select().from(apiKey).where(or(eq(apiKey.tenantId, tenantId), eq(apiKey.id, id)))",
    "db.select().from(apiKey).where(not(eq(apiKey.tenantId, tenantId)))",
    "db.select().from(apiKey).where(eq(domain.tenantId, tenantId))",
    "db.update(apiKey).set({ revokedAt }).where(isNull(apiKey.revokedAt))",
    "db.delete(domain)",
    "db.delete(domain).where(gt(domain.tenantId, tenantId))",
  ])("drizzle: %s is a fault", (statement) => {
    expect(lines(`const rows = await ${statement};`)).toHaveLength(1);
  });

  test("drizzle: with the predicate, or with it in a constant, there is none", () => {
    expect(lines("await db.select().from(apiKey).where(and(eq(apiKey.tenantId, tenantId), or(a, b)));")).toEqual([]);
    expect(lines("const mine = eq(apiKey.tenantId, t);\nawait db.select().from(apiKey).where(and(mine, x));")).toEqual(
      [],
    );
    expect(lines("await db.insert(apiKey).values(row);")).toEqual([]);
  });

  test("a table of D1 is asked in src/storage and nowhere else", () => {
    expect(lines('const SQL = "SELECT 1 FROM tenant WHERE id = ?1";', "src/http/routes/x.ts")).toHaveLength(1);
    expect(lines('const SQL = "SELECT seq FROM pending WHERE seq = ?";', "durable-objects/domain-log/x.ts")).toEqual(
      [],
    );
  });

  test("a table of the cell's one object has to say what it holds of whom", () => {
    const text = 'sql.exec("CREATE TABLE IF NOT EXISTS gossip (tenant_id TEXT)");';
    const its = (file: string) => queryFaults([{ file, text }], []).faults.filter((fault) => fault.includes("gossip"));
    expect(its("durable-objects/cell-desk/gossip.ts")).toHaveLength(1);
    expect(its("durable-objects/tenant-desk/gossip.ts")).toEqual([]);
  });

  test("a table that nobody has classified, and an exception that nothing needs, are faults", () => {
    const { api_key: _, ...others } = SCOPES;
    expect(queryFaults([], [], others).faults).toEqual(["api_key is not classified: whose are its rows?"]);
    expect(queryFaults([], [], { ...SCOPES, api_key: "cell" }).faults).toHaveLength(1);
    expect(queryFaults([], [], { ...SCOPES, nowhere: "cell" }).faults).toEqual(["nowhere is no table of schema.ts"]);
    expect(queryFaults([], EXCEPTIONS.slice(0, 1)).faults).toHaveLength(1);
  });

  test("a fault names the table and the columns that would do", () => {
    expect(statementFaults("SELECT 1 FROM domain", SCOPES)).toEqual(["lacks the predicate of domain: id or tenant_id"]);
  });
});
