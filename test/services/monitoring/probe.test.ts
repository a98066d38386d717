import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { parseWebhookKey, signerOf } from "../../../src/crypto/webhook-signer.ts";
import { backupFaults, backupStates } from "../../../src/services/monitoring/backups.ts";
import { probeView, signerOfReport } from "../../../src/services/monitoring/probe.ts";
import { judged } from "../../../src/services/monitoring/watch.ts";

const NOW = 1_800_000_000_000;
const [mine, theirs] = [signerOf([new Uint8Array(32).fill(1)]), signerOf([new Uint8Array(32).fill(2)])];
const probes = new Map([["ams", parseWebhookKey(mine.publicKeys[0] as string) as Uint8Array]]);
const signed = (signer = mine, timestampS = NOW / 1000) => {
  const body = '{"probe":"ams"}';
  return { id: "r1", timestampS, body, signatures: signer.sign("r1", timestampS, body) };
};

describe("S2-45 a report of a probe", () => {
  test("counts when a known key signed it, over these bytes, within five minutes", () => {
    expect(signerOfReport(signed(), probes, NOW)).toBe("ams");
    expect(signerOfReport(signed(theirs), probes, NOW)).toBeNull();
    expect(signerOfReport({ ...signed(), body: "{}" }, probes, NOW)).toBeNull();
    expect(signerOfReport({ ...signed(), signatures: "" }, probes, NOW)).toBeNull();
    expect(signerOfReport({ ...signed(), timestampS: Number.NaN }, probes, NOW)).toBeNull();
    const edge = LIMITS.probeSkewMs;
    for (const skew of [-edge, edge])
      expect(signerOfReport(signed(mine, (NOW + skew) / 1000), probes, NOW)).toBe("ams");
    for (const skew of [-edge - 1000, edge + 1000]) {
      expect(signerOfReport(signed(mine, (NOW + skew) / 1000), probes, NOW)).toBeNull();
    }
  });

  test("that does not come is an alert, also of a probe that never reported; one that found something is another", () => {
    const since = { sinceMs: NOW, nowMs: NOW + LIMITS.probeSilentMs };
    expect(probeView("ams", null, [], since).state).toBe("ok");
    const late = { ...since, nowMs: since.nowMs + 1 };
    const silent = probeView("ams", null, [], late);
    expect(judged([], [silent], NOW).raise).toEqual([
      { kind: "probe.silent", job: "ams", codes: ["no_report"], atMs: NOW },
    ]);
    const failing = probeView("ams", { atMs: NOW, code: "cell_away", ms: 5 }, [], since);
    expect(judged([], [failing], NOW).raise).toMatchObject([{ kind: "probe.failing", codes: ["cell_away"] }]);
    const well = probeView("ams", { atMs: NOW, code: null, ms: 5 }, [], since);
    expect(judged([], [well], NOW).resolve.map(({ kind }) => kind)).toEqual(["probe.silent", "probe.failing"]);
  });
});

describe("S2-34 what could be restored", () => {
  const DAY = 86_400_000;
  const log = { domains: 2, silent: 0, entries: 10, notArchived: 1, behindSinceMs: NOW - DAY };
  const seen = { atMs: NOW, databases: { answered: 2, of: 2 }, log };
  const verdicts = (own: object = {}, nowMs = NOW) =>
    Object.fromEntries(backupStates({ ...seen, ...own }, nowMs).map(({ name, verdict }) => [name, verdict]));

  test("says verified only of what somebody looked at lately, and none where there is none on purpose", () => {
    const unknown = { database: "unknown", tenant_copy: "unknown", objects: "none", keys: "none", secrets: "unknown" };
    expect(verdicts()).toEqual({ ...unknown, log: "verified" });
    expect(verdicts({}, NOW + 2 * DAY + 1)).toEqual({ ...unknown, log: "unknown" });
    expect(backupStates(null, NOW).map(({ verdict }) => verdict)).not.toContain("verified");
  });

  test("a database is verified while all answer and the oldest bookmark is at most a week old, and says how old it is", () => {
    const bookmarked = (days: number, known = 2) => ({ bookmarks: { known, oldestMs: NOW - days * DAY } });
    expect(verdicts(bookmarked(7)).database).toBe("verified");
    expect(verdicts(bookmarked(7.01)).database).toBe("unknown");
    expect(verdicts(bookmarked(1, 1)).database).toBe("unknown");
    expect(verdicts({ bookmarks: { known: 0, oldestMs: null } }).database).toBe("unknown");
    expect(verdicts({ ...bookmarked(1), databases: { answered: 1, of: 2 } }).database).toBe("incomplete");
    const [database] = backupStates({ ...seen, ...bookmarked(1) }, NOW);
    expect(database?.found).toMatchObject({ bookmarks: 2, oldest_bookmark_age_s: 86_400 });
  });

  test("a tenant's own copy is told of by its age and never called verified: nobody here sees where it is", () => {
    const state = (exports: object) =>
      backupStates({ ...seen, ...exports }, NOW).find(({ name }) => name === "tenant_copy");
    const known = state({ exports: { fresh: 1, newestMs: NOW - DAY } });
    expect(known).toMatchObject({ verdict: "unknown", found: { domains: 2, domains_exported_lately: 1 } });
    expect(known?.found.newest_export_age_s).toBe(86_400);
    expect(state({})?.found).toEqual({ domains: 2, domains_exported_lately: 0 });
  });

  test("an archive that stands still for a day, a domain that nobody saw, a database that is away: incomplete", () => {
    expect(backupFaults(seen)).toEqual([]);
    expect(backupFaults({ ...seen, log: { ...log, behindSinceMs: NOW - DAY - 1 } })).toEqual(["log_incomplete"]);
    expect(backupFaults({ ...seen, log: { ...log, silent: 1 } })).toEqual(["log_incomplete"]);
    expect(backupFaults({ ...seen, databases: { answered: 1, of: 2 } })).toEqual(["database_incomplete"]);
  });
});
