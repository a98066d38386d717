/** Having checkpoints cosigned: against a strict witness, and against everything that a hostile one may answer. */
import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { witnessExchange } from "../../../durable-objects/domain-log/witness-exchange.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { formatSignatureLine, parseNote } from "../../../src/core/note.ts";
import { mlDsaCosigner } from "../../../src/crypto/ml-dsa-cosigner.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { noteSigner } from "../../../src/crypto/signer.ts";
import { verifyEd25519, verifyMlDsa44 } from "../../../src/crypto/verify.ts";
import { type AskDeps, askWitness } from "../../../src/services/witness/ask.ts";
import { cosignedNote, latestWitnessedSize, sizesToKeep } from "../../../src/services/witness/cosigned.ts";
import {
  neverAsked,
  type StoredCosignature,
  type WitnessJournal,
  type WitnessRecord,
} from "../../../src/services/witness/journal.ts";
import { witnessViews } from "../../../src/services/witness/view.ts";
import { type CosignerKey, parseCosignerKey, parseTrustedKey, type TrustedKey } from "../../../src/verifier/policy.ts";
import { WitnessDouble } from "../../support/witness-double.ts";
import { WitnessedLog } from "../../support/witnessed-log.ts";

class JournalDouble implements WitnessJournal {
  readonly records = new Map<string, WitnessRecord>();
  stored: StoredCosignature[] = [];
  record = (key: string) => this.records.get(key) ?? neverAsked(key);
  put(record: WitnessRecord, cosignature?: StoredCosignature): void {
    this.records.set(record.key, { ...record });
    if (!cosignature) return;
    const { size, key } = cosignature;
    this.stored = [...this.stored.filter((each) => each.size !== size || each.key !== key), cosignature];
  }
  cosignatures = (size: number) => this.stored.filter((each) => each.size === size);
  cosigned = () => this.stored.map(({ size, key }) => ({ size, key }));
  keepOnly(sizes: readonly number[]): void {
    this.stored = this.stored.filter(({ size }) => sizes.includes(size));
  }
}

let nowMs = 1_800_000_000_000;
let journal: JournalDouble;
let witness: WitnessDouble;
const log = new WitnessedLog("log");
const fork = new WitnessedLog("log", { at: 3, name: "fork" });

beforeEach(() => {
  nowMs = 1_800_000_000_000;
  journal = new JournalDouble();
  witness = new WitnessDouble("witness.example/w", 1);
  witness.clock = () => nowMs;
  witness.logs.set(log.origin, log.signer.verifierKey);
});

const deps = (size: number, own = log): AskDeps => ({
  origin: own.origin,
  journal,
  signedSize: () => size,
  proof: (from, to) => own.proof(from, to),
  rootAt: (at) => own.root(at),
  exchange: witnessExchange(witness.fetch, 50),
  logKeys: [parseTrustedKey(sha256, own.signer.verifierKey, 1) as TrustedKey],
  checks: { verify: verifyEd25519, verifyMlDsa44 },
  sha256,
  clock: () => nowMs,
});
const checkpoint = (size: number, own = log) => ({
  size,
  root: own.root(size),
  note: own.note(size),
  signedAtMs: nowMs,
});
const ask = (size: number, own = log) => askWitness(witness.config, checkpoint(size, own), deps(size, own));
const record = () => journal.record(witness.config.verifierKey);
const lastBody = () => witness.received.at(-1)?.body ?? "";

describe("a witness that follows the specification", () => {
  test("cosigns each checkpoint with one request, from the size that it cosigned before", async () => {
    for (const [i, size] of [1, 2, 7, 8, 300].entries()) {
      expect(await ask(size)).toBe("cosigned");
      expect(witness.received).toHaveLength(i + 1);
      const published = cosignedNote(log.note(size), journal.cosignatures(size));
      expect(parseNote(published)?.signatures.map(({ name }) => name)).toEqual([log.origin, "witness.example/w"]);
      expect(record()).toMatchObject({ size, witnessedSize: size, witnessedAtMs: nowMs, failures: 0, failure: null });
    }
  });

  test("a log that has forgotten what was cosigned is told by the 409, and proves from there", async () => {
    await ask(5);
    journal = new JournalDouble();
    witness.received.length = 0;
    expect(await ask(9)).toBe("cosigned");
    expect(witness.received.map(({ body }) => body.split("\n")[0])).toEqual(["old 0", "old 5"]);
  });

  test("a log that believes in more than it has signed, or than was cosigned, asks anew", async () => {
    await ask(5);
    for (const size of [8, 1000]) {
      journal.put({ ...record(), size });
      expect(await ask(size === 8 ? 9 : 10)).toBe("cosigned");
    }
  });

  test("an answer that was lost is made up for: the same checkpoint is cosigned again", async () => {
    const { fetch } = witness;
    const lost = witnessExchange(async (url, init) => {
      await fetch(url, init);
      throw new TypeError("connection lost");
    }, 50);
    expect(await askWitness(witness.config, checkpoint(5), { ...deps(5), exchange: lost })).toBe("failed");
    expect(record()).toMatchObject({ failure: "unreachable", failures: 1, witnessedSize: 0 });
    expect(await ask(5)).toBe("cosigned");
  });
});

describe("what crosses to a witness", () => {
  test("is sizes, hashes, the origin and the log's signature: every byte is accounted for, and no header names us", async () => {
    for (const size of [1, 5, 300]) await ask(size);
    expect(witness.received).toHaveLength(3);
    for (const { url, method, headers, body } of witness.received) {
      expect([url, method]).toEqual(["https://witness.example/w/add-checkpoint", "POST"]);
      expect(headers).toEqual([["content-type", "text/plain; charset=utf-8"]]);
      const [old = "", ...rest] = body.split("\n");
      expect(old).toMatch(/^old \d+$/);
      const blank = rest.indexOf("");
      for (const line of rest.slice(0, blank)) expect(Buffer.from(line, "base64")).toHaveLength(32);
      const [origin, size, root, empty, signature, end, ...more] = rest.slice(blank + 1);
      expect([origin, size, empty, end, more]).toEqual([log.origin, expect.stringMatching(/^\d+$/), "", "", []]);
      expect(Buffer.from(root ?? "", "base64")).toEqual(Buffer.from(log.root(Number(size))));
      expect(signature).toBe(log.note(Number(size)).split("\n")[4]);
    }
  });
});

describe("a witness that cannot go along", () => {
  const forget = async () => {
    await ask(9);
    journal = new JournalDouble();
  };

  test("because this log was set back is believed when it holds up our own signature", async () => {
    await forget();
    const alarm = await ask(5);
    expect(alarm).toEqual({
      witness: "witness.example/w",
      kind: "rollback",
      size: 9,
      note: witness.latest.get(log.origin)?.note,
    });
    expect(record()).toMatchObject({ failure: "witness_ahead", failures: 1 });
  });

  test("because this log was rewritten gives the other history as evidence", async () => {
    await ask(9);
    const alarm = await ask(12, fork);
    expect(alarm).toMatchObject({ kind: "fork", size: 9 });
    expect((alarm as { note: string }).note).toContain(log.text(9));
    expect(record().failure).toBe("witness_refuses_tree");
    expect(journal.cosignatures(12)).toEqual([]);
  });

  test("on its word alone stops nobody: a size without our signature is a failure", async () => {
    witness.instead = (url) =>
      url.endsWith("/add-checkpoint")
        ? new Response("900\n", { status: 409, headers: { "Content-Type": "text/x.tlog.size" } })
        : new Response(noteSigner(log.origin, new Uint8Array(32).fill(77)).sign(log.text(12)));
    expect(await ask(9)).toBe("failed");
    witness.instead = () => new Response("900\n", { status: 409, headers: { "Content-Type": "text/x.tlog.size" } });
    expect(await ask(9)).toBe("failed");
    expect(record()).toMatchObject({ failure: "witness_ahead", failures: 2 });
  });

  test("holding up what we did sign is no alarm: another log of ours, an earlier size, or one that was signed meanwhile", async () => {
    const other = new WitnessedLog("other");
    for (const note of [other.note(20), log.note(4), log.note(9)]) {
      witness.instead = (url) =>
        url.endsWith("/add-checkpoint") ? new Response("", { status: 422 }) : new Response(note);
      expect(await askWitness(witness.config, checkpoint(5), deps(9))).toBe("failed");
    }
  });
});

describe("an answer that is not one", () => {
  const respond =
    (status: number, body: string, type = "text/plain") =>
    () =>
      new Response(body, { status, headers: { "Content-Type": type } });
  const other = new WitnessDouble("witness.example/w", 2);
  const text = log.text(5);
  test.each<[string, () => Response | Promise<Response>, string]>([
    ["an unknown log", respond(404, ""), "status_404"],
    ["a refused signature", respond(403, ""), "status_403"],
    ["an overload", respond(503, ""), "status_503"],
    [
      "a redirect",
      () => new Response(null, { status: 302, headers: { Location: "https://evil.example/" } }),
      "status_302",
    ],
    ["no lines", respond(200, ""), "answer_malformed"],
    ["a page", respond(200, "<html></html>\n"), "answer_malformed"],
    ["another text before the lines", () => respond(200, `x\n\n${witness.cosignature(text)}`)(), "answer_malformed"],
    ["another cosigner of the same name", () => respond(200, other.cosignature(text))(), "cosignature_missing"],
    ["a cosignature of another size", () => respond(200, witness.cosignature(log.text(6)))(), "cosignature_wrong"],
    [
      "a right and a wrong one",
      () => respond(200, witness.cosignature(text) + witness.cosignature(log.text(6)))(),
      "cosignature_wrong",
    ],
    ["no time", () => respond(200, witness.cosignature(text, 0))(), "cosignature_of_other_time"],
    ["a time that is far off", () => respond(200, witness.cosignature(text, nowMs))(), "cosignature_of_other_time"],
    ["a conflict of another type", respond(409, "3\n"), "answer_malformed"],
    ["a conflict without a number", respond(409, "x\n", "text/x.tlog.size"), "answer_malformed"],
    ["a conflict with 007", respond(409, "007\n", "text/x.tlog.size"), "answer_malformed"],
    ["a conflict with 2^63", respond(409, "9223372036854775808\n", "text/x.tlog.size"), "answer_malformed"],
    ["a conflict without LF", respond(409, "3", "text/x.tlog.size"), "answer_malformed"],
    ["a conflict that names what was sent", respond(409, "0\n", "text/x.tlog.size"), "conflict_repeated"],
    ["no end", () => new Response("x".repeat(LIMITS.witnessAnswerBytes + 1)), "answer_too_large"],
    ["nothing", () => new Promise<Response>(() => {}), "timeout"],
    ["a head and then nothing", () => new Response(new ReadableStream({})), "timeout"],
    ["a refused connection", () => Promise.reject(new TypeError("refused")), "unreachable"],
  ])("%s is a failure with its code, and nothing is stored", async (_, instead, failure) => {
    witness.instead = instead;
    expect(await ask(5)).toBe("failed");
    expect(record()).toMatchObject({
      failure,
      failures: 1,
      failedAtMs: nowMs,
      retryAtMs: nowMs + LIMITS.witnessRetryMs,
    });
    expect(journal.stored).toEqual([]);
  });

  test("a witness that names another size each time is asked a bounded number of times", async () => {
    let size = 5;
    witness.instead = () => respond(409, `${--size}\n`, "text/x.tlog.size")();
    expect(await ask(5)).toBe("failed");
    expect(witness.received).toHaveLength(LIMITS.witnessTries);
  });

  test("lines of keys that nobody configured are ignored beside the right one", async () => {
    witness.instead = () => respond(200, other.cosignature(text) + witness.cosignature(text))();
    expect(await ask(5)).toBe("cosigned");
    expect(journal.stored).toMatchObject([{ size: 5, line: witness.cosignature(text) }]);
  });

  test("whatever bytes it answers, nothing is stored that is not its cosignature", async () => {
    const line = fc.constantFrom(
      witness.cosignature(text),
      witness.cosignature(log.text(6)),
      other.cosignature(text),
      "\n",
      text,
      "5\n",
      "\u2014 ",
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(200, 200, 200, 409, 422, 500),
        fc.oneof(
          fc.string(),
          fc.array(line).map((lines) => lines.join("")),
        ),
        fc.constantFrom("text/plain", "text/x.tlog.size"),
        async (status, body, type) => {
          journal = new JournalDouble();
          witness.instead = respond(status, body, type);
          await ask(5);
          for (const stored of journal.stored) expect(stored.line).toBe(witness.cosignature(text));
          expect(journal.stored.length).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  test("it is asked again after 1 s, 2 s, 4 s … at most 5 minutes, and a success ends that; the failure stays to be seen", async () => {
    witness.instead = respond(500, "");
    const delays: number[] = [];
    for (let i = 0; i < 11; i++) {
      await ask(5);
      delays.push((record().retryAtMs - nowMs) / 1000);
    }
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    witness.instead = null;
    await ask(5);
    expect(record()).toMatchObject({ failures: 0, retryAtMs: 0, failure: "status_500" });
  });
});

describe("what the cosignatures are worth", () => {
  const [a, b, own] = [
    new WitnessDouble("a.example", 11),
    new WitnessDouble("b.example", 12),
    new WitnessDouble("c.example", 13, false),
  ];
  const configs = [a.config, b.config, own.config];
  const [ka, kb, kOwn] = configs.map(({ verifierKey }) => verifierKey) as [string, string, string];
  const cosigned = [
    { size: 9, key: kOwn },
    { size: 8, key: ka },
    { size: 7, key: kb },
    { size: 5, key: ka },
    { size: 5, key: kb },
    { size: 20, key: "no longer configured" },
  ];

  test("only independent witnesses count towards k; with k = 0 anyone does; who is not configured never", () => {
    expect([0, 1, 2, 3].map((k) => latestWitnessedSize(cosigned, configs, k))).toEqual([9, 8, 5, null]);
    expect(latestWitnessedSize(cosigned, [own.config], 1)).toBeNull();
    expect(
      latestWitnessedSize(
        [
          { size: 3, key: ka },
          { size: 3, key: ka },
        ],
        configs,
        2,
      ),
    ).toBeNull();
  });

  test("what is the best for some k stays, however old it becomes", () => {
    const newer = Array.from({ length: 50 }, (_, i) => ({ size: 100 + i, key: kOwn }));
    const kept = sizesToKeep([...newer, ...cosigned], configs);
    expect(kept).toEqual(expect.arrayContaining([149, 8, 5]));
    expect(kept.length).toBeLessThan(20);
  });

  test("the note has them in one order, however they came, and stays a note", () => {
    const lines = [a, b, own].map((each) => ({
      size: 5,
      key: each.config.verifierKey,
      line: each.cosignature(log.text(5), 9),
      timestamp: 9,
    }));
    const note = cosignedNote(log.note(5), lines);
    expect(cosignedNote(log.note(5), [...lines].reverse())).toBe(note);
    expect(parseNote(note)?.signatures.map(({ name }) => name)).toEqual([
      log.origin,
      "a.example",
      "b.example",
      "c.example",
    ]);
    expect(cosignedNote(log.note(5), [])).toBe(log.note(5));
  });

  test("the status says size, time, lag and the last failure of each", async () => {
    await ask(5);
    witness.instead = () => new Response("", { status: 500 });
    nowMs += 1000;
    await ask(9);
    const never = new WitnessDouble("b.example", 12, false);
    expect(witnessViews([witness.config, never.config], journal, 9)).toEqual([
      {
        name: "witness.example/w",
        verifier_key: witness.config.verifierKey,
        independent: true,
        witnessed_size: 5,
        witnessed_at: "2027-01-15T08:00:00.000Z",
        lag: 4,
        last_failure: { at: "2027-01-15T08:00:01.000Z", code: "status_500" },
      },
      expect.objectContaining({
        independent: false,
        witnessed_size: 0,
        witnessed_at: null,
        lag: 9,
        last_failure: null,
      }),
    ]);
  });
});

test("an exchange ends its timer: nothing of it keeps the object in memory", async () => {
  const cleared = vi.spyOn(globalThis, "clearTimeout");
  await ask(5);
  expect(cleared).toHaveBeenCalled();
  cleared.mockRestore();
});

describe("a witness with two keys", () => {
  const other = mlDsaCosigner("witness.example/w", new Uint8Array(32).fill(7));
  const text = log.text(5);
  const seconds = () => Math.floor(nowMs / 1000);
  const askBoth = async () => {
    const key = await other.verifierKey();
    const { config } = witness;
    const both = {
      ...config,
      keys: [...config.keys, parseCosignerKey(sha256, key) as CosignerKey],
      verifierKeys: [...config.verifierKeys, key],
    };
    return askWitness(both, checkpoint(5), deps(5));
  };
  const answer = (lines: string) => {
    witness.instead = () => new Response(lines, { headers: { "Content-Type": "text/plain" } });
  };

  test("gets both lines published, verified, under the one key that it is known by", async () => {
    const lines = witness.cosignature(text) + (await other.cosign(text, seconds()));
    answer(lines);
    expect(await askBoth()).toBe("cosigned");
    expect(journal.stored).toEqual([{ size: 5, key: witness.config.verifierKey, line: lines, timestamp: seconds() }]);
    expect(record()).toMatchObject({ witnessedSize: 5, failure: null });
    expect(parseNote(log.note(5) + lines)?.signatures).toHaveLength(3);
  });

  test("has cosigned with one of them too, which is said and not asked for again", async () => {
    answer(witness.cosignature(text));
    expect(await askBoth()).toBe("cosigned");
    expect(journal.stored).toMatchObject([{ line: witness.cosignature(text) }]);
    expect(record()).toMatchObject({ witnessedSize: 5, failure: "cosignature_incomplete", failures: 0, retryAtMs: 0 });
    answer(await other.cosign(text, seconds()));
    expect(await askBoth()).toBe("cosigned");
  });

  test.each<[string, () => string | Promise<string>, string]>([
    ["over another size", () => other.cosign(log.text(6), seconds()), "cosignature_wrong"],
    ["of another time", () => other.cosign(text, 1), "cosignature_of_other_time"],
    [
      "of a wrong length",
      async () => {
        const [signature] = parseNote(`${text}\n${await other.cosign(text, seconds())}`)?.signatures ?? [];
        if (!signature) throw new Error("no signature");
        return formatSignatureLine({ ...signature, signature: signature.signature.slice(1) });
      },
      "cosignature_wrong",
    ],
  ])("is refused with the right line beside one %s", async (_, second, failure) => {
    answer(witness.cosignature(text) + (await second()));
    expect(await askBoth()).toBe("failed");
    expect(record()).toMatchObject({ failure, failures: 1 });
    expect(journal.stored).toEqual([]);
  });
});
