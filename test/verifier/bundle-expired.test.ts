/** Bundles that begin behind payloads that are gone by policy: the log's own entry has to say so, whoever made the bundle. */
import { describe, expect, test } from "vitest";
import { EXPIRED_ATTACHMENT } from "../../src/core/bundle.ts";
import { fromHex, utf8 } from "../../src/core/bytes.ts";
import { proveInclusion } from "../../src/core/merkle/inclusion.ts";
import { encodeProvedEntry, formatTlogProof } from "../../src/core/tlog-proof.ts";
import { readZip, sourceOf } from "../../src/core/zip.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import type { ExportWish } from "../../src/services/exports/calls.ts";
import { saltBytesFor, sequenceEntries } from "../../src/services/log/sequence.ts";
import type { EntryRow } from "../../src/services/ports.ts";
import { verifyBundle } from "../../src/verifier/bundle.ts";
import { verifyExportZip } from "../../src/verifier/export.ts";
import { bundleOf } from "../services/bundle/bundle-of.ts";
import { madeExport } from "../support/made-exports.ts";
import { DOMAIN, logSigner, PLATFORM, ProvedLog, rowsFromGenesis, trust } from "./proved-log.ts";

const KEPT = 6;
const ELSEWHERE = `elsewhere.test/${DOMAIN}`;
const SAYS = { action: "ledger.expired", actor: { type: "system" as const, id: "system:moonseal" } };

/** A log of 20 entries and one more. */
function logWith(fields: { action: string; actor: object; metadata?: object }, word = "real"): ProvedLog {
  const before = rowsFromGenesis(20, word);
  const last = before.at(-1) as EntryRow;
  const planned = [
    {
      pointer: "",
      id: undefined,
      eventMac: undefined,
      privateValues: [],
      people: [],
      fields: { outcome: "success", ...fields },
    },
  ];
  const head = { size: before.length, entryHash: last.entryHash, recordedAtMs: 0 };
  const now = Date.UTC(2027, 0, 1);
  const { rows } = sequenceEntries(sha256, DOMAIN, head, planned as never, now, new Uint8Array(saltBytesFor(1)));
  return new ProvedLog([...before, ...rows]);
}

const metadata = { minimum_index: KEPT, first_seq: 0, last_seq: KEPT - 1, duration: "P7Y" };
const expiring = (of = logWith({ ...SAYS, metadata })) => of;

function evidenceOf(log: ProvedLog, seq = log.rows.length - 1): string {
  const { payload, prevHash } = log.rows[seq] as EntryRow;
  const extra = encodeProvedEntry({ prevHash: fromHex(prevHash) as Uint8Array, payload });
  const hashes = proveInclusion(sha256, seq, log.rows.length, log.read);
  return formatTlogProof({ extra, index: seq, hashes, checkpoint: log.checkpoint() });
}

async function verified(log: ProvedLog, evidence: string, from = KEPT) {
  const attachments = [{ name: EXPIRED_ATTACHMENT, bytes: utf8(evidence) }];
  const bundle = await bundleOf(log.rangeSet(from, 15), { attachments, expired: true }, log.signer);
  const report = verifyBundle(bundle, trust(), PLATFORM);
  return { report, step: report.steps.find(({ step }) => step === "expired") };
}

describe("a bundle that begins behind what is gone by policy", () => {
  test("S4-2 is verified with the entry of the log that says so", async () => {
    const log = expiring();
    const { report, step } = await verified(log, evidenceOf(log));
    expect(report.verdict).toBe("verified");
    expect(step).toMatchObject({ status: "ok" });
    expect(step?.detail).toContain(`entries 0 to ${KEPT - 1}`);
    expect(report.notChecked.join()).not.toContain(EXPIRED_ATTACHMENT);
  });

  test("is refuted when the entry is about fewer or more entries than are missing", async () => {
    const log = expiring();
    for (const from of [KEPT - 1, KEPT + 1]) {
      const { report, step } = await verified(log, evidenceOf(log), from);
      expect([report.verdict, step?.status]).toEqual(["refuted", "failed"]);
    }
  });

  test("is refuted when the entry is another one, a client's, or in another log under the same name", async () => {
    const log = expiring();
    const client = logWith({ ...SAYS, actor: { type: "service", id: "svc" }, metadata });
    const other = logWith({ action: "ledger.pruned", actor: SAYS.actor, metadata });
    const unsigned = evidenceOf(logWith({ ...SAYS, metadata }, "unreal")).replace(/\n\u2014 [^\n]*/g, "");
    for (const [of, evidence] of [
      [log, evidenceOf(log, 3)],
      [log, unsigned],
      [log, "nothing"],
      [client, evidenceOf(client)],
      [other, evidenceOf(other)],
    ] as const) {
      const { report, step } = await verified(of, evidence);
      expect([report.verdict, step?.status]).toEqual(["refuted", "failed"]);
    }
  });

  // What whoever makes the bundle could attach without an entry in the log: its manifest says the file is there, and no more.
  test("S4-2 is refuted when the evidence is of a log of the same id under another name, whether or not its key is trusted", async () => {
    const log = expiring();
    for (const key of [log.signer, noteSigner(ELSEWHERE, new Uint8Array(32).fill(9))]) {
      const signer = key === log.signer ? logSigner(ELSEWHERE) : key;
      const elsewhere = new ProvedLog(log.rows, ELSEWHERE, signer);
      const { report, step } = await verified(log, evidenceOf(elsewhere));
      expect([report.verdict, step?.status]).toEqual(["refuted", "failed"]);
      expect(step?.detail).toContain("another log");
    }
  });

  test("S4-2 is refuted when the evidence stands under another root of the same size", async () => {
    const log = expiring();
    const { report, step } = await verified(log, evidenceOf(logWith({ ...SAYS, metadata }, "unreal")));
    expect([report.verdict, step?.status]).toEqual(["refuted", "failed"]);
    expect(step?.detail).toContain("two histories");
  });

  test("says that the expiry is not proved when no witness saw what the evidence stands under, as the policy asks", async () => {
    const log = expiring();
    const unseen = new ProvedLog(log.rows);
    unseen.checkpoint = (size) => ProvedLog.prototype.checkpoint.call(unseen, size, null);
    const { step } = await verified(log, evidenceOf(unseen));
    expect(step).toMatchObject({ status: "not_checked", detail: expect.stringContaining("did not see") });
  });

  test("S4-2 is refuted when the evidence contradicts a head that the reader remembers", async () => {
    const log = expiring();
    const other = logWith({ ...SAYS, metadata }, "unreal");
    const size = other.rows.length;
    const set = log.rangeSet(KEPT, 15, size - 1);
    const attachments = [{ name: EXPIRED_ATTACHMENT, bytes: utf8(evidenceOf(other)) }];
    const bundle = await bundleOf(set, { attachments, expired: true }, log.signer);
    const remembered = trust({
      remembered: [{ origin: log.origin, size, root: Buffer.from(log.root()).toString("base64") }],
    });
    const step = verifyBundle(bundle, remembered, PLATFORM).steps.find(({ step }) => step === "expired");
    expect(step).toMatchObject({ status: "failed", detail: expect.stringContaining("remember") });
  });

  test("with a hole that policy does not explain is refuted, whatever is attached", async () => {
    const log = expiring();
    const set = log.rangeSet(KEPT, 15);
    const holed = { ...set, payloads: set.payloads.toSpliced(2, 1) };
    await expect(
      bundleOf(holed, { attachments: [{ name: EXPIRED_ATTACHMENT, bytes: utf8(evidenceOf(log)) }] }, log.signer),
    ).rejects.toMatchObject({ code: "storage.unavailable" });
  });
});

describe("an export that begins behind what is gone by policy", () => {
  const made = (log: ProvedLog, expired: string | null, wish: Partial<ExportWish> = {}) =>
    madeExport({ log, firstKept: KEPT, expired, wish });
  const judged = (zip: Uint8Array) => {
    const report = verifyExportZip(sourceOf(zip), trust(), PLATFORM);
    return { report, step: report.steps.find(({ step }) => step === "expired") };
  };
  const readmeOf = (zip: Uint8Array) => {
    const read = readZip(sourceOf(zip), 100);
    const file = read.ok ? read.files.find(({ name }) => name === "readme.txt") : undefined;
    return new TextDecoder().decode(zip.slice(file?.start, (file?.start ?? 0) + (file?.bytes ?? 0)));
  };
  const FILTER = {
    clauses: [{ field: "action" as const, anyOf: ["document.read"], not: false }],
    afterMs: null,
    beforeMs: null,
  };

  test.each([
    ["a range", {}],
    ["a selection", { filter: FILTER, filterText: "action:document.read" }],
  ])("S4-2 of %s is verified with the entry of the log that says so, and names what is gone", async (_, wish) => {
    const log = expiring();
    const zip = await made(log, evidenceOf(log), wish);
    const { report, step } = judged(zip);
    expect(report.verdict).toBe("verified");
    expect(step).toMatchObject({ status: "ok", detail: expect.stringContaining(`entries 0 to ${KEPT - 1}`) });
    expect(report.export?.manifest.content).toMatchObject({ from: KEPT });
    expect(readmeOf(zip)).toContain(EXPIRED_ATTACHMENT);
  });

  test("S4-2 of a log whose index does not know the entry yet says in its readme what is gone, and that nothing here proves it", async () => {
    const zip = await made(expiring(), null);
    const { report, step } = judged(zip);
    expect([report.verdict, step]).toEqual(["verified", undefined]);
    expect(readmeOf(zip)).toMatch(
      /What the entries before 6 said is gone.*\n.*ledger\.expired.*\nevidence for it is not in this export/,
    );
  });

  test("that was asked for from what is kept has no such evidence, and its readme says nothing of it", async () => {
    const log = expiring();
    const zip = await made(log, evidenceOf(log), { from: KEPT });
    expect([judged(zip).report.verdict, judged(zip).step]).toEqual(["verified", undefined]);
    expect(readmeOf(zip)).not.toContain("expired");
  });

  test("is refuted when the evidence is of another entry, of fewer entries, or of another log under the same name", async () => {
    const log = expiring();
    const fewer = logWith({ ...SAYS, metadata: { ...metadata, minimum_index: KEPT - 1 } });
    const client = logWith({ ...SAYS, actor: { type: "service", id: "svc" }, metadata });
    for (const [of, evidence] of [
      [log, evidenceOf(log, 3)],
      [log, "nothing"],
      [fewer, evidenceOf(fewer)],
      [client, evidenceOf(client)],
    ] as const) {
      const { report, step } = judged(await made(of, evidence));
      expect([report.verdict, step?.status]).toEqual(["refuted", "failed"]);
    }
  });
});
