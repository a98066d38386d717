/** `verify` of a log whose oldest payloads are gone by policy: what is left of them is checked, and the claim is the log's own. */
import { beforeEach, describe, expect, test } from "vitest";
import { reportLines } from "../../../src/cli/verify/report.ts";
import { type VerifyRequest, verifyLog } from "../../../src/cli/verify/verify-log.ts";
import { concatBytes, fromHex } from "../../../src/core/bytes.ts";
import { leafHash } from "../../../src/core/merkle/tree.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { noteSigner } from "../../../src/crypto/signer.ts";
import { EXIT_OF_VERDICT } from "../../../src/verifier/report.ts";
import { ProvedLog, trust } from "../../verifier/proved-log.ts";
import { domainIdOf, LogDouble, type Row, rehash } from "../support/log-double.ts";

const SIZE = 40;
const KEPT = 12;
let log: LogDouble;
/** All rows, those that are not served any more among them. */
let whole: ProvedLog;
let tiles: Map<string, Uint8Array>;

/** The tree as it is signed and served now. */
function publish(rows: readonly Row[] = log.rows): void {
  const origin = `log.test/${log.domainId}`;
  const all = rows.map(({ seq, id, prev_hash, entry_hash, payload }) => ({
    ...{ seq, id, prevHash: prev_hash, entryHash: entry_hash, payload },
  }));
  whole = new ProvedLog(all, origin, noteSigner(origin, new Uint8Array(32).fill(1)));
  const hashes = all.map(({ entryHash }) => fromHex(entryHash) as Uint8Array);
  tiles = new Map([
    [`tile/0/000.p/${all.length}`, concatBytes(...hashes.map((hash) => leafHash(sha256, hash)))],
    [`tile/entries/000.p/${all.length}`, concatBytes(...hashes.flatMap((hash) => [Uint8Array.of(0, 32), hash]))],
  ]);
}

const client = () => ({
  head: async () => log.headAnswer(),
  entries: async (_: string, { from = 0, to = Number.MAX_SAFE_INTEGER }: { from?: number; to?: number }) => ({
    entries: log.rows.filter(({ seq }) => seq >= Math.max(from, log.firstKept) && seq <= to) as never[],
    next_cursor: null,
    has_more: false,
  }),
});

async function verify(change: Partial<VerifyRequest> = {}) {
  const request: VerifyRequest = {
    ...{ domainId: log.domainId, full: true, remembered: null, policy: trust({}, whole.origin), policyNamed: true },
    checkpoint: async () => whole.checkpoint(),
    fetchTile: async (path) => tiles.get(path) ?? null,
    ...change,
  };
  const report = await verifyLog(client() as never, sha256, request, new AbortController().signal);
  const context = { elapsedMs: 1, headFile: "head.json", rememberedNow: false, trusting: "policy.json" };
  return { report, code: EXIT_OF_VERDICT[report.verdict], text: reportLines(report, context).join("\n") };
}

beforeEach(() => {
  log = new LogDouble(domainIdOf("eu")).fill(SIZE - 1);
  log.expire(KEPT);
  publish();
});

describe("a log whose oldest payloads are gone by policy", () => {
  test("S4-2 is verified, exit code 0: the line names them, the entry that says so, and that their hashes are under the root", async () => {
    const { report, code, text } = await verify();
    expect(report.finding).toBeNull();
    expect([code, report.verdict, report.first]).toEqual([0, "verified", KEPT]);
    expect(report.gone).toMatchObject({ from: 0, through: KEPT - 1, underRoot: true, claim: { seq: SIZE } });
    expect(text).toContain(`Payloads of entries 0–${KEPT - 1} are gone by policy (entry ${SIZE} of this log says so)`);
    expect(text).toContain("their hashes are under the root");
    expect(report.checkpoint.steps.find(({ step }) => step === "root")).toMatchObject({ status: "ok" });
    expect(report.headProved).toBe(true);
  });

  test("compares the head that was remembered before they went with the hash that is left", async () => {
    const before = (entry_hash: string) => ({
      ...{ version: 1 as const, domain: log.domainId, size: 5, entry_hash, verified_at: "2026-11-21T09:00:00.000Z" },
    });
    const { report } = await verify({ remembered: before(whole.rows[4]?.entryHash as string) });
    expect([report.verdict, report.rememberedChecked]).toEqual(["verified", true]);
    const other = await verify({ remembered: before("ab".repeat(32)) });
    expect([other.report.verdict, other.code]).toEqual(["contradicts_remembered_head", 5]);
  });

  test("finds the claim behind the range that was asked for", async () => {
    const { report } = await verify({ from: 3, to: 20 });
    expect([report.verdict, report.gone?.claim.seq]).toEqual(["verified", SIZE]);
  });

  test("without tiles says that their hashes were not looked at, and remembers no head", async () => {
    const { report, text } = await verify({ fetchTile: async () => null });
    expect(report).toMatchObject({ verdict: "verified", headProved: false, gone: { underRoot: false } });
    expect(text).toContain("the log's tiles were not read");
  });

  test("of which nothing is left in the range could not be checked", async () => {
    await expect(verify({ from: 0, to: 4 })).rejects.toMatchObject({ exitCode: 3 });
  });
});

describe("a lie about what is gone", () => {
  test("is refuted when no entry of the log says so: the server's word is not enough", async () => {
    log = new LogDouble(domainIdOf("eu")).fill(SIZE - 1);
    log.expire(KEPT, null);
    publish();
    const { report, code } = await verify();
    expect([code, report.finding?.fault]).toEqual([1, "expired_unclaimed"]);
  });

  test("is refuted when the log says so of fewer entries", async () => {
    log.firstKept = KEPT + 3;
    const { report } = await verify();
    expect([report.verdict, report.finding?.fault]).toEqual(["refuted", "expired_unclaimed"]);
  });

  test("is refuted when a client's entry says so, not the product's", async () => {
    log = new LogDouble(domainIdOf("eu")).fill(SIZE - 1);
    log.expire(KEPT);
    const last = log.rows.at(-1) as Row;
    const forged = { ...JSON.parse(last.payload), actor: { type: "service", id: "svc" } };
    const payload = canonical(forged);
    const entry_hash = rehash(last.prev_hash, payload);
    log.rows[SIZE] = { ...last, payload, entry_hash };
    log.head = { size: SIZE + 1, entry_hash };
    publish();
    const { report } = await verify();
    expect([report.verdict, report.finding?.fault]).toEqual(["refuted", "expired_unclaimed"]);
  });

  test("a hole that begins later than the server says is refuted as a gap", async () => {
    log.rows = log.rows.filter(({ seq }) => seq !== KEPT);
    const { report } = await verify();
    expect([report.verdict, report.finding?.fault]).toEqual(["refuted", "seq_gap"]);
  });

  test("entries that follow another beginning than the tree has are refuted", async () => {
    const real = new Map(tiles);
    const others = new LogDouble(log.domainId, "another secret").fill(SIZE - 1);
    others.expire(KEPT);
    log = others;
    const { report } = await verify({ fetchTile: async (path) => real.get(path) ?? null });
    expect([report.verdict, report.finding?.fault]).toEqual(["refuted", "prev_hash_mismatch"]);
  });

  test("tiles that are not those of the checkpoint are refuted", async () => {
    const [path, bytes] = [...tiles][0] as [string, Uint8Array];
    tiles.set(
      path,
      bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
    );
    const { report } = await verify();
    expect(report.verdict).toBe("refuted");
  });
});

const canonical = (value: object): string =>
  JSON.stringify(value, (_, inner) =>
    inner && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
