/** A move, verified from two exports; and every way in which the new log could lie about the old one. Runs in Node. */
import { beforeAll, describe, expect, test } from "vitest";
import type { EntryFields } from "../../src/core/payload/payload.ts";
import { sourceOf } from "../../src/core/zip.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { verifyMove } from "../../src/verifier/move.ts";
import { parsePolicy, type TrustPolicy } from "../../src/verifier/policy.ts";
import { movePolicyJson, NEW_ORIGIN, newExport, oldExport, type Planned, truth as truthOf } from "./moved-log.ts";
import { logSigner, PLATFORM } from "./proved-log.ts";

const policy = parsePolicy(sha256, movePolicyJson()) as TrustPolicy;
let archive: Uint8Array;

beforeAll(async () => {
  archive = await oldExport();
});

const truth = () => truthOf(archive);
const movedWith = async (planned: Planned[]) =>
  verifyMove(sourceOf(archive), sourceOf(await newExport(planned)), policy, PLATFORM);

const failed = (report: Awaited<ReturnType<typeof movedWith>>) =>
  report.steps.filter(({ status }) => status === "failed").map(({ step }) => step);

describe("S0-25 a move", () => {
  test("S0-25 verifies when each old entry stands in the new log once, also with the product's own entries between and clients' behind", async () => {
    const planned = truth();
    const own = { fields: { ...planned[0]?.fields, action: "hold.placed" } as EntryFields };
    const later = { fields: { ...planned[3]?.fields, action: "later.entry" } as EntryFields };
    const report = await movedWith([...planned.slice(0, 4), own, ...planned.slice(4), later]);
    expect(failed(report)).toEqual([]);
    expect(report.verdict).toBe("verified");
  });

  const change = (of: Planned, fields: Partial<EntryFields>): Planned => ({
    ...of,
    fields: { ...of.fields, ...fields },
  });
  test.each<[string, (planned: Planned[]) => Planned[], string]>([
    ["an entry is left out", (all) => all.filter((_, i) => i !== 4), "entries"],
    ["the last entries are missing", (all) => all.slice(0, -2), "entries"],
    [
      "two are exchanged",
      (all) => [...all.slice(0, 3), all[4] as Planned, all[3] as Planned, ...all.slice(5)],
      "entries",
    ],
    ["one stands twice", (all) => [...all.slice(0, 4), all[3] as Planned, ...all.slice(4)], "entries"],
    [
      "one says something else",
      (all) => all.map((of, i) => (i === 3 ? change(of, { outcome: "failure" }) : of)),
      "entries",
    ],
    [
      "one of a client is between",
      (all) => [
        ...all.slice(0, 4),
        { fields: { ...(all[3] as Planned).fields, action: "forged.entry" } },
        ...all.slice(4),
      ],
      "entries",
    ],
    ["there is no domain.imported", (all) => all.filter((_, i) => i !== 1), "announced"],
    [
      "domain.imported names another head",
      (all) => all.map((of, i) => (i === 1 ? change(of, { metadata: { ...of.fields.metadata, entries: 7 } }) : of)),
      "announced",
    ],
    [
      "a value is committed to that the old entry had not",
      (all) => all.map((of, i) => (i === 3 ? change(of, { private: { "/reason": "00".repeat(32) } }) : of)),
      "entries",
    ],
  ])("is refuted when %s", async (_, lie, step) => {
    const report = await movedWith(lie(truth()));
    expect(failed(report)).toEqual([step]);
    expect(report.verdict).toBe("refuted");
  });

  test("is not proved by keys that nobody trusts, nor by exports that are altered", async () => {
    const none = parsePolicy(sha256, { logs: [{ origin: NEW_ORIGIN, key: logSigner(NEW_ORIGIN).verifierKey }] });
    expect(verifyMove(sourceOf(archive), sourceOf(archive), none as TrustPolicy, PLATFORM).verdict).not.toBe(
      "verified",
    );
    const altered = archive.slice();
    altered[200] = (altered[200] as number) ^ 1;
    expect(verifyMove(sourceOf(altered), sourceOf(archive), policy, PLATFORM).verdict).toBe("refuted");
  });
});
