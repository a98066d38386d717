/** Every way to change the queryable copy by hand, with the guards dropped: refuted, with the first bad seq. */
import { beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../src/core/bytes.ts";
import { entryHash } from "../../src/core/chain.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { call, env, event, ledgerOf, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { tamper, withoutGuards } from "../support/tamper.ts";

const SIZE = 13;
let tenant: TestTenant;

beforeAll(async () => {
  tenant = await newTenant();
});

async function filledDomain(): Promise<string> {
  const domainId = await newDomain(tenant);
  const body = Array.from({ length: SIZE - 1 }, (_, i) => event({ id: `order-${"acegikmoqsuw"[i]}` }));
  await call(`/v1/domains/${domainId}/audit/entries`, { key: tenant.key, body });
  await logOf(domainId).flush();
  return domainId;
}

async function verify(domainId: string) {
  const answer = await call(`/v1/domains/${domainId}/audit/verify`, { key: tenant.key });
  expect(answer.status).toBe(200);
  return (await answer.json()) as { verdict: string; first_bad_seq: number | null; fault: string | null };
}
const expectRefuted = async (domainId: string, seq: number, fault: string) =>
  expect(await verify(domainId)).toMatchObject({ verdict: "refuted", first_bad_seq: seq, fault });

const UPDATE = (set: string, seq: number) => `UPDATE audit_log SET ${set} WHERE domain_id = ?1 AND seq = ${seq}`;
/** Makes room for a row: everything from `seq` on moves up, by way of a place where no two rows meet. */
const shiftUp = (seq: number) => [
  `UPDATE audit_log SET seq = seq + 1001 WHERE domain_id = ?1 AND seq >= ${seq}`,
  "UPDATE audit_log SET seq = seq - 1000 WHERE domain_id = ?1 AND seq > 1000",
];
/** A row that is right in itself: made from another one, with a new id, its own seq and a matching entry hash. */
async function forgedRow(domainId: string, seq: number, prevSeq: number) {
  const [template, prev] = await Promise.all(
    [prevSeq, prevSeq].map(async (at) => (await ledgerOf(domainId).rows({ fromSeq: at, toSeq: at, limit: 1 }))[0]),
  );
  const payload = (template?.payload ?? "")
    .replace(/"id":"order-\w"/, '"id":"forged"')
    .replace(/"seq":\d+/, `"seq":${seq}`);
  const hash = toHex(entryHash(sha256, Buffer.from(prev?.entryHash ?? "", "hex"), payload));
  return { seq, prevHash: prev?.entryHash ?? "", entryHash: hash, payload };
}
const INSERT = `INSERT INTO audit_log (domain_id, seq, id, prev_hash, entry_hash, payload)
  VALUES (?1, ?2, 'forged', unhex(?3), unhex(?4), ?5)`;

describe("S0-16 S0-32 one row", () => {
  test.each<[string, string, number, string]>([
    ["a letter of the payload", "payload = replace(payload, 'inv_9', 'inv_8')", 5, "entry_hash_mismatch"],
    ["a space in the payload", "payload = replace(payload, '\"seq\":5', '\"seq\": 5')", 5, "entry_hash_mismatch"],
    ["the id", "id = 'another'", 5, "column_mismatch"],
    ["the previous hash", "prev_hash = zeroblob(32)", 5, "prev_hash_mismatch"],
    ["the entry hash", "entry_hash = zeroblob(32)", 5, "entry_hash_mismatch"],
    ["entry 0", "payload = replace(payload, 'client', 'clienu')", 0, "entry_hash_mismatch"],
    ["the newest entry", "payload = replace(payload, 'inv_9', 'inv_8')", SIZE - 1, "entry_hash_mismatch"],
  ])("with %s changed is refuted at that row", async (_, set, seq, fault) => {
    const domainId = await filledDomain();
    expect(await verify(domainId)).toMatchObject({ verdict: "verified" });
    await tamper(domainId, UPDATE(set, seq));
    await expectRefuted(domainId, seq, fault);
  });

  test("with any byte of any column changed is refuted at that row, and verified again when it is put right", async () => {
    const domainId = await filledDomain();
    const flipText = (column: string, n: number) =>
      `${column} = substr(${column}, 1, ${n}) || char(unicode(substr(${column}, ${n + 1}, 1)) + 1) || substr(${column}, ${n + 2})`;
    const flipHash = (column: string, n: number) => {
      const byte = `unhex(printf('%02x', (instr('0123456789abcdef', lower(substr(hex(${column}), ${2 * n + 1}, 1))) % 16) * 16 + 3))`;
      return `${column} = CAST(substr(${column}, 1, ${n}) || ${byte} || substr(${column}, ${n + 2}) AS BLOB)`;
    };
    await withoutGuards(async (ledger) => {
      for (let seq = 0; seq < SIZE; seq++) {
        const [row] = await ledgerOf(domainId).rows({ fromSeq: seq, toSeq: seq, limit: 1 });
        const n = (seq * 7) % 32;
        for (const set of [
          flipText("payload", (seq * 31 + 7) % (row?.payload.length ?? 1)),
          flipText("id", seq % (row?.id.length ?? 1)),
          flipHash("prev_hash", n),
          flipHash("entry_hash", 31 - n),
        ]) {
          const { meta } = await ledger.prepare(UPDATE(set, seq)).bind(domainId).run();
          expect(meta.changes, set).toBe(1);
          expect(await verify(domainId), `${set} at ${seq}`).toMatchObject({ verdict: "refuted", first_bad_seq: seq });
          await ledger
            .prepare(UPDATE("id = ?2, prev_hash = unhex(?3), entry_hash = unhex(?4), payload = ?5", seq))
            .bind(domainId, row?.id, row?.prevHash, row?.entryHash, row?.payload)
            .run();
        }
      }
    });
    expect(await verify(domainId)).toMatchObject({ verdict: "verified" });
  });

  test("S2-17 rewritten with a matching entry hash breaks the next link", async () => {
    const domainId = await filledDomain();
    const { entryHash: hash, payload } = await forgedRow(domainId, 5, 4);
    await withoutGuards((ledger) =>
      ledger
        .prepare(UPDATE("id = 'forged', entry_hash = unhex(?2), payload = ?3", 5))
        .bind(domainId, hash, payload)
        .run(),
    );
    await expectRefuted(domainId, 6, "prev_hash_mismatch");
  });

  test("at the end rewritten with a matching entry hash is not what the object appended", async () => {
    const domainId = await filledDomain();
    const last = SIZE - 1;
    const { entryHash: hash, payload } = await forgedRow(domainId, last, last - 1);
    await withoutGuards((ledger) =>
      ledger
        .prepare(UPDATE("id = 'forged', entry_hash = unhex(?2), payload = ?3", last))
        .bind(domainId, hash, payload)
        .run(),
    );
    await expectRefuted(domainId, last, "head_mismatch");
  });
});

describe("S0-16 S0-32 rows", () => {
  test.each<[string, string[], number, string]>([
    ["one removed in the middle", ["DELETE FROM audit_log WHERE domain_id = ?1 AND seq = 5"], 5, "seq_gap"],
    ["entry 0 removed", ["DELETE FROM audit_log WHERE domain_id = ?1 AND seq = 0"], 0, "seq_gap"],
    ["the newest removed", [`DELETE FROM audit_log WHERE domain_id = ?1 AND seq = ${SIZE - 1}`], SIZE - 1, "tail_cut"],
    ["a tail cut", ["DELETE FROM audit_log WHERE domain_id = ?1 AND seq >= 9"], 9, "tail_cut"],
    ["all removed", ["DELETE FROM audit_log WHERE domain_id = ?1"], 0, "tail_cut"],
    [
      "one removed and the rest moved down",
      [
        "DELETE FROM audit_log WHERE domain_id = ?1 AND seq = 5",
        "UPDATE audit_log SET seq = seq + 1000 WHERE domain_id = ?1 AND seq > 5",
        "UPDATE audit_log SET seq = seq - 1001 WHERE domain_id = ?1 AND seq > 1000",
      ],
      5,
      "prev_hash_mismatch",
    ],
    ["two swapped", [UPDATE("seq = 1000", 5), UPDATE("seq = 5", 6), UPDATE("seq = 6", 1000)], 5, "prev_hash_mismatch"],
  ])("%s: refuted there", async (_, statements, seq, fault) => {
    const domainId = await filledDomain();
    await tamper(domainId, ...statements);
    await expectRefuted(domainId, seq, fault);
  });

  test("S2-17 one inserted in the middle, right in itself, breaks the next link", async () => {
    const domainId = await filledDomain();
    const row = await forgedRow(domainId, 5, 4);
    await tamper(domainId, ...shiftUp(5));
    await withoutGuards((ledger) =>
      ledger.prepare(INSERT).bind(domainId, 5, row.prevHash, row.entryHash, row.payload).run(),
    );
    await expectRefuted(domainId, 6, "prev_hash_mismatch");
  });

  test("one inserted in the middle with a made-up hash is refuted itself", async () => {
    const domainId = await filledDomain();
    const row = await forgedRow(domainId, 5, 4);
    await tamper(domainId, ...shiftUp(5));
    await withoutGuards((ledger) =>
      ledger.prepare(INSERT).bind(domainId, 5, row.prevHash, "ab".repeat(32), row.payload).run(),
    );
    await expectRefuted(domainId, 5, "entry_hash_mismatch");
  });

  test("one added past the head, right in itself, is refuted there", async () => {
    const domainId = await filledDomain();
    const row = await forgedRow(domainId, SIZE, SIZE - 1);
    await withoutGuards((ledger) =>
      ledger.prepare(INSERT).bind(domainId, SIZE, row.prevHash, row.entryHash, row.payload).run(),
    );
    expect(await verify(domainId)).toMatchObject({ verdict: "refuted", first_bad_seq: SIZE });
  });

  test("A12 one of another domain in place of ours is refuted there", async () => {
    const [domainId, other] = [await filledDomain(), await filledDomain()];
    const [foreign] = await ledgerOf(other).rows({ fromSeq: 5, toSeq: 5, limit: 1 });
    await withoutGuards((ledger) =>
      ledger
        .prepare(UPDATE("prev_hash = unhex(?2), entry_hash = unhex(?3), payload = ?4", 5))
        .bind(domainId, foreign?.prevHash, foreign?.entryHash, foreign?.payload)
        .run(),
    );
    await expectRefuted(domainId, 5, "prev_hash_mismatch");
  });

  test("A12 all of another domain in place of ours are refuted at entry 0", async () => {
    const [domainId, other] = [await filledDomain(), await filledDomain()];
    await tamper(domainId, "DELETE FROM audit_log WHERE domain_id = ?1");
    await withoutGuards((ledger) =>
      ledger.prepare("UPDATE audit_log SET domain_id = ?1 WHERE domain_id = ?2").bind(domainId, other).run(),
    );
    await expectRefuted(domainId, 0, "prev_hash_mismatch");
  });

  test("A13 none of this goes past the guards", async () => {
    const domainId = await filledDomain();
    const statements = [
      UPDATE("payload = '{}'", 5),
      "DELETE FROM audit_log WHERE domain_id = ?1 AND seq = 5",
      `INSERT OR REPLACE INTO audit_log SELECT domain_id, seq, id, prev_hash, entry_hash, '{}' FROM audit_log WHERE domain_id = ?1 AND seq = 5`,
      `INSERT INTO audit_log SELECT domain_id, ${SIZE}, 'x', prev_hash, zeroblob(32), '{}' FROM audit_log WHERE domain_id = ?1 AND seq = 5`,
    ];
    for (const statement of statements) {
      await expect(env.LEDGER_00.prepare(statement).bind(domainId).run(), statement).rejects.toThrow("audit_log is");
    }
    expect(await verify(domainId)).toMatchObject({ verdict: "verified" });
  });
});
