/** Three ways to falsify a log behind the product's back, and what has to be said about each. */
import type { LocalDatabase } from "./demo-cells.ts";
import {
  CHANGE,
  CUT,
  dropGuards,
  forgedRow,
  insertRow,
  moveUp,
  oneByteOff,
  refusalOf,
  rowAt,
  run,
} from "./demo-tamper.ts";
import type { Log, Verdict } from "./demo-verify.ts";

export interface Scene {
  title: string;
  intention: string[];
  attempt: string;
  deed: string;
  explanation: string[];
  log: Log;
  /** What has to be named. */
  expected: string;
  isExact(verdict: Verdict): boolean;
  /** The words with which the database refuses while its guards stand. */
  refused(): Promise<string>;
  /** Does it; resolves to how to undo it. */
  tamper(): Promise<() => Promise<void>>;
}

/** Somebody wants one failure to look different. */
export async function changeOneByte(database: LocalDatabase, log: Log): Promise<Scene> {
  const seq = await someSeq(database, log.domainId, 0.4);
  const row = await rowAt(database, log.domainId, seq);
  const { payload, from, to } = oneByteOff(row.payload);
  return {
    title: "One byte changed",
    intention: [`Somebody would like entry ${seq} to say something else: one letter, "${from}" to "${to}".`],
    attempt: `UPDATE audit_log SET payload = … WHERE seq = ${seq}`,
    deed: `UPDATE audit_log SET payload = … WHERE seq = ${seq}`,
    explanation: ["Its hash covers every byte of it; one other letter gives another hash."],
    log,
    expected: `entry ${seq}, entry_hash_mismatch`,
    isExact: ({ verdict, finding }) =>
      verdict === "refuted" && finding?.seq === seq && finding.fault === "entry_hash_mismatch",
    refused: () => refusalOf(database, CHANGE, log.domainId, seq, payload),
    tamper: async () => {
      const guards = await dropGuards(database);
      await run(database, CHANGE, log.domainId, seq, payload);
      return async () => {
        await run(database, CHANGE, log.domainId, seq, row.payload);
        await guards();
      };
    },
  };
}

/** Somebody wants a consent that was never given. */
export async function insertOneRow(database: LocalDatabase, log: Log): Promise<Scene> {
  const seq = await someSeq(database, log.domainId, 0.6);
  const forged = forgedRow(await rowAt(database, log.domainId, seq));
  const after = seq + 1;
  return {
    title: "One row inserted",
    intention: [
      `Somebody would like a consent to stand at ${seq} that was never given, and is careful:`,
      "the invented entry has the right predecessor and a right hash; the rest moves up by one.",
    ],
    attempt: `INSERT INTO audit_log (…) VALUES (…, ${seq}, …)`,
    deed: `UPDATE audit_log SET seq = seq + 1 WHERE seq >= ${seq}; INSERT INTO audit_log …`,
    explanation: [
      "The invented entry is right in itself. But the one after it still names, by its hash,",
      "the entry that really came before.",
    ],
    log,
    expected: `entry ${after}, prev_hash_mismatch`,
    isExact: ({ verdict, finding }) =>
      verdict === "refuted" && finding?.seq === after && finding.fault === "prev_hash_mismatch",
    refused: () => refusalOf(database, insertSql(seq), log.domainId),
    tamper: async () => {
      const guards = await dropGuards(database);
      await moveUp(database, log.domainId, seq);
      await insertRow(database, log.domainId, forged);
      return async () => {
        await run(database, "DELETE FROM audit_log WHERE domain_id = ?1 AND seq = ?2", log.domainId, seq);
        await run(database, "UPDATE audit_log SET seq = seq - 1 WHERE domain_id = ?1 AND seq > ?2", log.domainId, seq);
        await guards();
      };
    },
  };
}

const CUT_ENTRIES = 25;

/** Somebody wants the end of the day never to have happened. */
export async function cutTheTail(database: LocalDatabase, log: Log): Promise<Scene> {
  const size = await sizeOf(database, log.domainId);
  const firstCut = size - CUT_ENTRIES;
  const rows = await Promise.all(
    Array.from({ length: CUT_ENTRIES }, (_, i) => rowAt(database, log.domainId, firstCut + i)),
  );
  return {
    title: "The tail cut off",
    intention: [`Somebody would like the last ${CUT_ENTRIES} entries never to have happened.`],
    attempt: `DELETE FROM audit_log WHERE seq >= ${firstCut}`,
    deed: `DELETE FROM audit_log WHERE seq >= ${firstCut}`,
    explanation: [
      "What is left is a perfect chain: nothing in it shows that it was longer. This machine",
      "knows, because it remembers the head that it verified before.",
    ],
    log,
    expected: `entry ${firstCut}, tail_cut, against the remembered head`,
    isExact: ({ verdict, finding }) =>
      verdict === "contradicts_remembered_head" && finding?.seq === firstCut && finding.fault === "tail_cut",
    refused: () => refusalOf(database, CUT, log.domainId, firstCut),
    tamper: async () => {
      const guards = await dropGuards(database);
      await run(database, CUT, log.domainId, firstCut);
      return async () => {
        for (const row of rows) await insertRow(database, log.domainId, row);
        await guards();
      };
    },
  };
}

const insertSql = (seq: number) =>
  `INSERT INTO audit_log SELECT domain_id, ${seq}, 'invented', prev_hash, randomblob(32), payload FROM audit_log WHERE domain_id = ?1 AND seq = ${seq}`;

async function sizeOf(database: LocalDatabase, domainId: string): Promise<number> {
  const sql = "SELECT count(*) AS size FROM audit_log WHERE domain_id = ?1";
  const { results } = await database.prepare(sql).bind(domainId).all<{ size: number }>();
  return results[0]?.size ?? 0;
}

async function someSeq(database: LocalDatabase, domainId: string, share: number): Promise<number> {
  return Math.floor((await sizeOf(database, domainId)) * share);
}
