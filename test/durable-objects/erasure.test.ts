import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { parseErasureCertificate } from "../../src/core/erasure-certificate.ts";
import { verifyNote } from "../../src/crypto/verify.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { alarmLater, append, bareDomain, copiedRows, env, event, inLog, logOf, stubOf } from "../support/cell.ts";
import { erase, eventAbout, expectGone, NO_TRACES, pseudonymIn, tracesOf } from "../support/erasure.ts";
import { expectWholeLog } from "../support/verify.ts";

const erasedEntries = async (domainId: string) =>
  (await copiedRows(domainId)).filter(({ payload }) => payload.includes('"audit.identity_erased"'));

describe("erasing a person", () => {
  it("S4-30 S4-22 S4-24 append 100, erase: nothing about the person is anywhere, 100 pseudonyms are intact, the chain verifies", async () => {
    const domainId = await bareDomain(16);
    await append(
      domainId,
      Array.from({ length: 100 }, () => eventAbout("usr_1")),
      { waitForCopy: true },
    );
    await append(domainId, eventAbout("usr_2"), { waitForCopy: true });
    await inLog(domainId, (log) => log.alarm());
    const [one, two] = [await pseudonymIn(domainId, "usr_1"), await pseudonymIn(domainId, "usr_2")];
    const before = (await copiedRows(domainId)).slice(1, 101).map(({ payload }) => JSON.parse(payload).actor.ref);
    expect(new Set(before)).toEqual(new Set([one]));
    expect(await tracesOf(domainId, one)).toMatchObject({ ledgerRows: 100, mappings: 1, pages: 6, keys: 1 });
    const others = await tracesOf(domainId, two);

    const { erasure, already } = await erase(domainId, "usr_1");
    expect(already).toBe(false);
    expect(erasure).toMatchObject({ status: "executed", pseudonym: one, known: true });
    expect(erasure.counts).toMatchObject({ keys: 1, ledgerRows: 100, ledgerMappings: 1, entries: 100 });
    await expectGone(domainId, one);
    expect(await tracesOf(domainId, two)).toEqual(others);
    const after = (await copiedRows(domainId)).slice(1, 101).map(({ payload }) => JSON.parse(payload).actor.ref);
    expect(after).toEqual(before);
    await expectWholeLog(domainId);
  });

  it("S4-20 S4-21 the second call answers the first erasure; one entry tells of it, and the repeat appends nothing", async () => {
    const domainId = await bareDomain();
    await append(domainId, eventAbout("usr_1"));
    const first = await erase(domainId, "usr_1");
    const { size } = await logOf(domainId).head();
    const second = await erase(domainId, "usr_1");
    expect(second).toEqual({ already: true, erasure: first.erasure });
    expect((await logOf(domainId).head()).size).toBe(size);
    const [entry, ...more] = await erasedEntries(domainId);
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ seq: first.erasure.entry?.seq, entryHash: first.erasure.entry?.entryHash });
    expect(JSON.parse(entry?.payload ?? "")).toMatchObject({
      action: "audit.identity_erased",
      actor: { type: "service", id: "key_test" },
      metadata: {
        relation: "audit.erase-identity",
        subject_pseudonym: first.erasure.pseudonym,
        keys: 1,
        entries_kept: 1,
      },
    });
  });

  it("S4-25 a later event about the person keeps the pseudonym, stores nothing, and its receipt says suppressed", async () => {
    const domainId = await bareDomain();
    await append(domainId, eventAbout("usr_1"));
    const { erasure } = await erase(domainId, "usr_1");
    const { receipts } = await append(domainId, eventAbout("usr_1"), { waitForCopy: true });
    expect(receipts[0]).toMatchObject({ suppressed: true });
    const row = (await copiedRows(domainId)).at(-1);
    expect(JSON.parse(row?.payload ?? "").actor.ref).toBe(erasure.pseudonym);
    await expectGone(domainId, erasure.pseudonym);
  });

  it("a person whom nobody has seen is suppressed too, and it says that they were not known", async () => {
    const domainId = await bareDomain();
    const { erasure } = await erase(domainId, "usr_unseen");
    expect(erasure).toMatchObject({ status: "executed", known: false, counts: { keys: 0, ledgerRows: 0, entries: 0 } });
    const { receipts } = await append(domainId, eventAbout("usr_unseen"));
    expect(receipts[0]).toMatchObject({ suppressed: true });
    await expectGone(domainId, erasure.pseudonym);
  });

  it("what waits in the object, and what only the archive holds, goes as well", async () => {
    const domainId = await bareDomain(4);
    await logOf(domainId).flush();
    await inLog(domainId, (log) => {
      const { stores } = log;
      const ledger = new Proxy(stores.ledger, {
        get: (target, name) => {
          if (name === "insert") return () => Promise.reject(new Error("D1 is away"));
          const value = Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
      log.stores = { ...stores, ledger };
    });
    await append(
      domainId,
      Array.from({ length: 9 }, () => eventAbout("usr_1")),
    );
    await alarmLater(domainId);
    const pseudonym = await pseudonymIn(domainId, "usr_1");
    const before = await tracesOf(domainId, pseudonym);
    expect(before).toMatchObject({ ledgerRows: 0, keys: 1 });
    expect(before.pages).toBeGreaterThan(0);
    const { erasure } = await erase(domainId, "usr_1");
    expect(erasure).toMatchObject({ status: "finishing", keyDestroyedAt: expect.any(String), rowsDeletedAt: null });
    expect(await tracesOf(domainId, pseudonym)).toMatchObject({ object: 0, keys: 0 });
    await evictDurableObject(stubOf(domainId));
    await alarmLater(domainId);
    await expectGone(domainId, pseudonym);
    expect(await logOf(domainId).erasure(erasure.id)).toMatchObject({
      status: "executed",
      counts: { objectRows: 9, objectMappings: 1, ledgerRows: 0, entries: 9 },
    });
    await expectWholeLog(domainId);
  });

  it("a legal hold refuses it, which is recorded; nothing is suppressed", async () => {
    const domainId = await bareDomain();
    await append(domainId, eventAbout("usr_1"));
    const pseudonym = await pseudonymIn(domainId, "usr_1");
    const hold = {
      holdId: "hold_1",
      reviewAt: "2027-01-01T00:00:00.000Z",
      whole: false,
      ranges: [],
      people: [pseudonym],
      query: null,
    };
    await inLog(domainId, (log) => log.holds.place(hold, Date.now()));
    await expect(erase(domainId, "usr_1")).rejects.toMatchObject({
      code: "subject.held",
      detail: expect.stringContaining("hold_1"),
    });
    const { receipts } = await append(domainId, eventAbout("usr_1"), { waitForCopy: true });
    expect(receipts[0]).not.toHaveProperty("suppressed");
    const refusal = (await copiedRows(domainId)).find(({ payload }) => payload.includes("erasure_refused"));
    expect(JSON.parse(refusal?.payload ?? "")).toMatchObject({
      outcome: "denied",
      metadata: { relation: "audit.erase-identity", holds: [{ domain: domainId, hold: "hold_1" }] },
    });
    expect(await tracesOf(domainId, pseudonym)).not.toEqual(NO_TRACES);
    await inLog(domainId, (log) => log.holds.release("hold_1", Date.now()));
    expect((await erase(domainId, "usr_1")).erasure.status).toBe("executed");
    await expectGone(domainId, pseudonym);
  });

  it("the certificate is signed by the cell's log key, names what went where, and holds no plaintext", async () => {
    const domainId = await bareDomain();
    await append(domainId, eventAbout("usr_1"), { waitForCopy: true });
    const { erasure } = await erase(domainId, "usr_1");
    const note = await logOf(domainId).erasureCertificate(erasure.id);
    const verdict = verifyNote(note, cellConfig(env).signer.verifierKey);
    expect(verdict.ok).toBe(true);
    const certificate = verdict.ok ? parseErasureCertificate(verdict.note.text) : null;
    expect(certificate).toMatchObject({
      domain: domainId,
      pseudonym: erasure.pseudonym,
      entry: { seq: erasure.entry?.seq, entry_hash: erasure.entry?.entryHash },
      recoverable_until: { readable: false },
    });
    for (const canary of ["usr_1", "example.com", "203.0.113.9"]) expect(note).not.toContain(canary);
    expect(await logOf(domainId).erasureCertificate(erasure.id)).toBe(note);
  });

  it("unknown ids of erasures are not found", async () => {
    const domainId = await bareDomain();
    await expect(logOf(domainId).erasure("no-such")).rejects.toMatchObject({ code: "resource.not_found" });
    await append(domainId, event());
  });
});
