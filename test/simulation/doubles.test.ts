/** The doubles are stricter than the contract: what no correct service does fails the run, whoever swallows the error. */

import { describe, expect, it } from "vitest";
import { sha256 } from "../../src/crypto/sha256.ts";
import { archiveStep } from "../../src/services/log/archive.ts";
import { copyStep } from "../../src/services/log/copy.ts";
import type { EntryRow } from "../../src/services/ports.ts";
import type { SimulatedDomain } from "./support/domain.ts";
import { connect, type Network } from "./support/network.ts";
import { ObjectBench } from "./support/object-bench.ts";
import { NOTHING_SEALED } from "./support/sealing-double.ts";

const AT_ONCE: Network = { call: async (_store, _method, apply) => apply() };

async function domainWith(entries: number): Promise<SimulatedDomain> {
  const bench = new ObjectBench(4);
  await bench.create();
  await bench.append(entries);
  return bench.domain;
}

function broken(domain: SimulatedDomain, act: () => unknown): string | undefined {
  try {
    act();
  } catch {
    // The code under test may swallow it; the referee does not forget.
  }
  return domain.referee.violation?.message;
}

describe("the journal", () => {
  it("refuses an await inside a transaction", async () => {
    const domain = await domainWith(1);
    expect(broken(domain, () => domain.journal.transaction(async () => {}))).toMatch(/awaits/);
  });

  it("takes back what a transaction wrote when it throws, and what was not flushed in a crash", async () => {
    const domain = await domainWith(2);
    const before = domain.journal.head();
    const next: EntryRow = { ...rowOf(domain, 0), seq: 3, prevHash: before.entryHash, id: "x", entryHash: "ff" };
    const head = { ...before, size: 4, entryHash: "ff" };
    const add = () => domain.journal.append([next], head);
    expect(() =>
      domain.journal.transaction(() => {
        add();
        throw new Error("stop");
      }),
    ).toThrow("stop");
    expect([domain.journal.head(), domain.truth.size]).toEqual([before, 3]);
    domain.journal.transaction(add);
    expect([domain.journal.head().size, domain.truth.size]).toEqual([4, 4]);
    domain.storage.crash();
    expect([domain.journal.head(), domain.truth.size]).toEqual([before, 3]);
  });

  it("refuses rows outside of a transaction, out of order, and on another hash", async () => {
    for (const change of [{ seq: 9 }, { prevHash: "00" }, {}]) {
      const domain = await domainWith(2);
      const head = domain.journal.head();
      const row = { ...rowOf(domain, 2), seq: 3, prevHash: head.entryHash, id: "x", ...change };
      const add = () => domain.journal.append([row], { ...head, size: 4 });
      const message = broken(domain, Object.keys(change).length > 0 ? () => domain.journal.transaction(add) : add);
      expect(message).toMatch(/does not follow|outside of a transaction/);
    }
  });

  it("lets nothing go that a copy does not hold, and believes no position that it never reached", async () => {
    const released = await domainWith(3);
    expect(broken(released, () => released.journal.release(1))).toMatch(/released/);
    const copied = await domainWith(3);
    expect(broken(copied, () => copied.journal.setCopied({ size: 2, entryHash: "00" }))).toMatch(/never held/);
  });

  it("hands out frozen rows", async () => {
    const domain = await domainWith(1);
    const [row] = domain.journal.pending(0, 1, 1);
    expect(() => Object.assign(row as EntryRow, { payload: "{}" })).toThrow(TypeError);
  });
});

describe("the ledger", () => {
  it("refuses like a guard what is not the next entry, and fails the run for an entry that was never committed", async () => {
    const domain = await domainWith(3);
    const { ledger } = connect(AT_ONCE, domain);
    const rows = domain.journal.pending(0, 9, Number.POSITIVE_INFINITY);
    await expect(ledger.insert(rows.slice(1), null)).rejects.toMatchObject({ code: "storage.unavailable" });
    await expect(ledger.insert(rows, "00".repeat(32))).rejects.toMatchObject({ code: "storage.unavailable" });
    expect(domain.referee.violation).toBeNull();
    expect(broken(domain, () => ledger.insert([{ ...rowOf(domain, 0), payload: "{}" }], domain.genesis))).toMatch(
      /never committed/,
    );
  });

  it("takes no write of an object that was set back", async () => {
    const domain = await domainWith(3);
    domain.truth.forked = true;
    const stores = connect(AT_ONCE, domain);
    await copyStep({ journal: domain.journal, ...stores, sealed: NOTHING_SEALED, sha256 }).catch(() => {});
    expect(domain.referee.violation?.message).toMatch(/set back writes to the ledger/);
  });
});

describe("the archive", () => {
  it("never overwrites, and fails the run for a changed key, a gap and an overlap", async () => {
    for (const firstSeq of [0, 2, 9]) {
      const domain = await domainWith(6);
      const { segments, journal } = domain;
      const stores = connect(AT_ONCE, domain);
      await archiveStep({ journal, segments: stores.segments, sealed: NOTHING_SEALED, sha256, clock: () => 0 });
      const first = segments.get(0);
      const head = { ...(first?.head ?? fail()), firstSeq, count: 1 };
      expect(segments.put({ ...head, firstSeq: 0 }, ["{}"])).toBe(false);
      const act = firstSeq === 0 ? () => segments.overwrite(head, ["{}"]) : () => segments.put(head, ["{}"]);
      expect(broken(domain, act)).toMatch(/would change|follows on 4/);
      expect(segments.get(0)).toBe(first);
    }
  });
});

function rowOf(domain: SimulatedDomain, seq: number): EntryRow {
  return domain.truth.rows[seq] ?? fail();
}

function fail(): never {
  throw new Error("no such row");
}
