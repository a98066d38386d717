/** C2SP tlog-witness, add-checkpoint, over HTTP against the object of each origin. */
import { evictDurableObject, listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { v7 as uuidv7 } from "uuid";
import { describe, expect, test } from "vitest";
import type { WitnessLog } from "../../durable-objects/witness-log.ts";
import { type Checkpoint, parseCheckpoint } from "../../src/core/checkpoint.ts";
import { cosignatureMessage, parseCosignature, SUBTREE_V1, subtreeMessage } from "../../src/core/cosignature.ts";
import { AppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { formatNote, parseNote } from "../../src/core/note.ts";
import { supported } from "../../src/crypto/ml-dsa.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import { verifyEd25519, verifyMlDsa44 } from "../../src/crypto/verify.ts";
import type { CellEnv } from "../../src/env.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { originHash } from "../../src/services/witness/witness.ts";
import { type CosignerKey, parseCosignerKey } from "../../src/verifier/policy.ts";
import { call, env, jurisdiction } from "../support/cell.ts";
import { freshWorker } from "../support/fresh-worker.ts";
import { problemOf } from "../support/problems.ts";
import { hashLine, WitnessedLog } from "../support/witnessed-log.ts";

const newLog = (fork?: { at: number; name: string }, name = uuidv7()) => new WitnessedLog(name, fork);
const submit = (rawBody: BodyInit, headers: Record<string, string> = { "Content-Type": "text/plain" }) =>
  call("/witness/add-checkpoint", { rawBody, headers });
const { cosigner, mlDsaCosigner } = cellConfig(env);
const key = parseCosignerKey(sha256, cosigner.verifierKey) as CosignerKey;
const second = parseCosignerKey(sha256, (await mlDsaCosigner?.verifierKey()) ?? "") as CosignerKey;
const stubOf = (log: WitnessedLog) => env.WITNESS_LOG.getByName(originHash(sha256, log.origin));

/** The size that a 409 names; fails on any other answer. */
async function conflict(answer: Response): Promise<string> {
  expect(answer.status).toBe(409);
  expect(answer.headers.get("Content-Type")).toBe("text/x.tlog.size");
  return answer.text();
}

/** The time of the two cosignatures in an answer, one of each key; fails unless both verify over exactly this text. */
async function cosignedAt(answer: Response, text: string): Promise<number> {
  const body = await answer.text();
  expect(answer.status, body).toBe(200);
  const note = parseNote(`${text}\n${body}`);
  expect(note?.signatures).toMatchObject([key, second].map(({ name, keyHash }) => ({ name, keyHash })));
  const [ed25519, mlDsa] = (note?.signatures ?? []).map(({ signature }) => signature);
  const cosignature = parseCosignature(ed25519 ?? new Uint8Array());
  const { timestamp = 0 } = cosignature ?? {};
  const message = cosignatureMessage(text, timestamp);
  expect(verifyEd25519(key.publicKey, message, cosignature?.signature ?? new Uint8Array())).toBe(true);
  const other = parseCosignature(mlDsa ?? new Uint8Array(), SUBTREE_V1);
  const subtree = subtreeMessage(second.name, parseCheckpoint(text) as Checkpoint, timestamp) ?? new Uint8Array();
  expect(other?.timestamp).toBe(timestamp);
  expect(verifyMlDsa44(second.publicKey, subtree, other?.signature ?? new Uint8Array())).toBe(true);
  return timestamp;
}

test("the runtime cosigns with ML-DSA-44 by itself: no JavaScript holds the key", () => {
  expect(supported()).toBe(true);
});

describe("/.well-known/moonseal", () => {
  const keysOf = async (changes: Partial<CellEnv> = {}) => {
    const answer = await freshWorker(changes)("/.well-known/moonseal");
    return (await answer.json<{ cells: Record<string, unknown>[] }>()).cells[0];
  };

  test("shows both keys of the witness", async () => {
    expect(await keysOf()).toMatchObject({
      witness_key: cosigner.verifierKey,
      witness_key_ml_dsa_44: await mlDsaCosigner?.verifierKey(),
    });
  });

  test("S3-31 shows the fingerprint of the certificate of its PDFs, or that it makes none", async () => {
    const { fingerprint } = cellConfig(env).documents ?? {};
    expect(await keysOf()).toMatchObject({ document_certificate_sha256: fingerprint });
    expect(await keysOf({ DOCUMENT_SIGNING_KEY: "" })).toMatchObject({ document_certificate_sha256: null });
  });

  test("of a cell from before there was a second one says that it has none", async () => {
    expect(await keysOf({ WITNESS_ML_DSA_KEY: "" })).toMatchObject({
      witness_key: cosigner.verifierKey,
      witness_key_ml_dsa_44: null,
    });
  });
});

test("a cell without a second key cosigns with the first alone", async () => {
  const log = newLog();
  const lines = await runInDurableObject(stubOf(log), async (object: WitnessLog) => {
    const inside = object as unknown as { env: CellEnv };
    const { WITNESS_ML_DSA_KEY: _, ...before } = inside.env;
    inside.env = before as CellEnv;
    return object.deps().cosign(log.text(5), 1_795_259_651);
  });
  expect(parseNote(`${log.text(5)}\n${lines}`)?.signatures).toMatchObject([{ keyHash: key.keyHash }]);
});

describe("200", () => {
  test("the answer is one cosignature of this cell over the whole text, with the time", async () => {
    const log = newLog();
    const before = Math.floor(Date.now() / 1000);
    const at = await cosignedAt(await submit(log.body(0, 5)), log.text(5));
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Math.floor(Date.now() / 1000));
    expect(key.name).toBe(`log.test/witness-${jurisdiction}`);
  });

  test("a tree that grew is cosigned from the size before, again and again", async () => {
    const log = newLog();
    for (const [from, to] of [
      [0, 1],
      [1, 2],
      [2, 7],
      [7, 8],
      [8, 300],
      [300, 300],
    ] as const) {
      await cosignedAt(await submit(log.body(from, to)), log.text(to));
    }
  });

  test("an empty tree may come first, and extension lines are cosigned as they are", async () => {
    const log = newLog();
    await cosignedAt(await submit(log.body(0, 0)), log.text(0));
    const text = `${log.text(3)}an extension\n`;
    await cosignedAt(await submit(`old 0\n\n${log.signer.sign(text)}`), text);
  });

  test("signatures of unknown keys are ignored, whatever they are, and any content type is taken", async () => {
    const log = newLog();
    const stranger = noteSigner(log.origin, new Uint8Array(32).fill(9)).sign(log.text(4)).split("\n\n")[1];
    const body = `${log.body(0, 4)}${stranger}\u2014 someone.example/w AAAAAAAA\n`;
    await cosignedAt(await submit(body, { "Content-Type": "application/octet-stream" }), log.text(4));
  });
});

describe("409", () => {
  test("another old size is answered with the size that was cosigned last, as text/x.tlog.size", async () => {
    const log = newLog();
    expect(await conflict(await submit(log.body(3, 5)))).toBe("0\n");
    await submit(log.body(0, 5));
    expect(await conflict(await submit(log.body(0, 9)))).toBe("5\n");
    expect(await conflict(await submit(log.body(4, 9)))).toBe("5\n");
    expect(await conflict(await submit(log.body(6, 9)))).toBe("5\n");
  });

  test("a replayed request gets no cosignature once the log has grown, and changes nothing", async () => {
    const log = newLog();
    const first = log.body(0, 5);
    await submit(first);
    expect(await conflict(await submit(first))).toBe("5\n");
    await submit(log.body(5, 6));
    expect(await conflict(await submit(log.body(5, 6)))).toBe("6\n");
    await cosignedAt(await submit(log.body(6, 6)), log.text(6));
  });

  test("what was cosigned outlives the object's memory", async () => {
    const log = newLog();
    await submit(log.body(0, 5));
    await evictDurableObject(stubOf(log));
    expect(await conflict(await submit(log.body(0, 5)))).toBe("5\n");
  });
});

describe("404 and 403", () => {
  test("an unknown origin is a 404, and leaves no object behind", async () => {
    const log = newLog();
    const before = (await listDurableObjectIds(env.WITNESS_LOG)).length;
    for (const origin of ["nobody.example/log", `${log.origin}/deeper`, "witnessed.test", "witnessed.test/"]) {
      const note = noteSigner(origin, new Uint8Array(32).fill(200)).sign(log.text(3).replace(log.origin, origin));
      await problemOf(await submit(`old 0\n\n${note}`), "witness.origin_unknown");
    }
    expect(await listDurableObjectIds(env.WITNESS_LOG)).toHaveLength(before);
  });

  test.each<[string, (log: WitnessedLog) => string]>([
    ["no signature of a trusted key", (log) => noteSigner(log.origin, new Uint8Array(32).fill(9)).sign(log.text(3))],
    [
      "a trusted key's signature under another log's name",
      (log) => log.signer.named(`${log.origin}x`).sign(log.text(3)),
    ],
    ["a trusted key's signature over another size", (log) => log.note(4).replace("\n4\n", "\n3\n")],
    [
      "a right signature beside a wrong one of the same key",
      (log) => {
        const note = parseNote(log.note(3));
        const [right] = note?.signatures ?? [];
        if (!note || !right) throw new Error("no note");
        return formatNote({ ...note, signatures: [right, { ...right, signature: right.signature.map((b) => b ^ 1) }] });
      },
    ],
  ])("%s is a 403, before anything about sizes is told", async (_, note) => {
    const log = newLog();
    await submit(log.body(0, 2));
    await problemOf(await submit(`old 1\n\n${note(log)}`), "witness.signature_wrong");
  });
});

describe("400", () => {
  const log = newLog();
  const body = log.body(2, 5);
  test.each<[string, BodyInit]>([
    ["an old size larger than the checkpoint's", log.body(5, 5, []).replace("old 5", "old 6")],
    ["no body", ""],
    ["no proof and no empty line", log.note(5)],
    ["no old line", body.replace("old 2\n", "")],
    ["a number with a leading zero", body.replace("old 2", "old 02")],
    ["a number with a sign", body.replace("old 2", "old +2")],
    ["a number beyond 2^53", body.replace("old 2", "old 9223372036854775808")],
    ["no number", body.replace("old 2", "old ")],
    ["two spaces", body.replace("old 2", "old  2")],
    ["carriage returns", body.replaceAll("\n", "\r\n")],
    ["64 hashes", body.replace("old 2\n", `old 2\n${hashLine(7).repeat(64)}`)],
    ["a short hash", body.replace("old 2\n", "old 2\nAAAA\n")],
    ["a hash in another spelling", body.replace("old 2\n", `old 2\n${hashLine(7).replace("=\n", "\n")}`)],
    ["no signature", `old 0\n\n${log.text(5)}`],
    ["a note that is no checkpoint", `old 0\n\n${log.signer.sign("hello\n")}`],
    ["a checkpoint with a size of 007", `old 0\n\n${log.signer.sign(log.text(7).replace("\n7\n", "\n007\n"))}`],
    ["bytes that are no UTF-8", new Uint8Array([0x6f, 0x6c, 0x64, 0x20, 0xff])],
  ])("%s", async (_, rawBody) => {
    await problemOf(await submit(rawBody), "request.malformed");
  });

  test("more bytes than a note and 63 hashes can have is a 413, announced or not", async () => {
    const long = "x".repeat(LIMITS.witnessBodyBytes + 1);
    await problemOf(await submit(long), "request.too_large");
    const stream = new Blob([long]).stream();
    await problemOf(await submit(stream as unknown as BodyInit), "request.too_large");
  });
});

describe("422", () => {
  test.each<[string, (log: WitnessedLog) => string]>([
    [
      "a proof with a wrong hash",
      (log) =>
        log.body(
          5,
          9,
          log.proof(5, 9).map((h, i) => (i === 1 ? h.map((b) => b ^ 1) : h)),
        ),
    ],
    ["no proof", (log) => log.body(5, 9, [])],
    ["a proof that is too long", (log) => log.body(5, 9, [...log.proof(5, 9), new Uint8Array(32)])],
    [
      "the same size with another root",
      (log) => newLog({ at: 2, name: "fork" }, log.origin.split("/")[1]).body(5, 5, []),
    ],
    ["the same size with a proof", (log) => log.body(5, 5, [new Uint8Array(32)])],
    [
      "a fork, with the fork's own proof",
      (log) => newLog({ at: 2, name: "fork" }, log.origin.split("/")[1]).body(5, 9),
    ],
  ])("%s is refused, and the latest head stays", async (_, body) => {
    const log = newLog();
    await submit(log.body(0, 5));
    await problemOf(await submit(body(log)), "witness.inconsistent");
    await cosignedAt(await submit(log.body(5, 5)), log.text(5));
  });

  test("a proof from size 0, and an empty tree with a root", async () => {
    const log = newLog();
    await problemOf(await submit(log.body(0, 5, [new Uint8Array(32)])), "witness.inconsistent");
    const text = log.text(1).replace("\n1\n", "\n0\n");
    await problemOf(await submit(`old 0\n\n${log.signer.sign(text)}`), "witness.inconsistent");
    expect(await conflict(await submit(log.body(1, 5)))).toBe("0\n");
  });
});

describe("two requests at once", () => {
  test("the race of the specification: one of N and N+K wins, the other is told its size; nothing rolls back", async () => {
    const log = newLog();
    await submit(log.body(0, 4));
    const answers = await Promise.all([5, 9, 6, 8, 7].map((size) => submit(log.body(4, size))));
    const cosigned = answers.filter(({ status }) => status === 200);
    expect(cosigned).toHaveLength(1);
    const told = await Promise.all(answers.filter((answer) => answer.status !== 200).map(conflict));
    const [size] = new Set(told);
    expect(new Set(told).size).toBe(1);
    expect(await conflict(await submit(log.body(4, 9)))).toBe(size);
  });

  test("two forks at once: one of them is cosigned, never both", async () => {
    const [log, name] = [newLog(), uuidv7()];
    const forks = ["a", "b"].map((fork) => newLog({ at: 0, name: fork }, name));
    const answers = await Promise.all(forks.map((fork) => submit(fork.body(0, 5))));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    await cosignedAt(await submit(log.body(0, 5)), log.text(5));
  });
});

describe("a store that fails", () => {
  /** Replaces one step of the object's store for the next request. */
  const breaking = (log: WitnessedLog, step: "compareAndStore" | "durable", persisted: boolean) =>
    runInDurableObject(stubOf(log), (object: WitnessLog) => {
      const { deps, store } = object;
      const fault = () => new AppError("storage.unavailable", { internal: `a test broke ${step}` });
      const broken = {
        compareAndStore: (decide: Parameters<typeof store.compareAndStore>[0]) => {
          if (step === "durable" || persisted) store.compareAndStore(decide);
          if (step === "compareAndStore") throw fault();
        },
        durable: async () => {
          if (step === "durable") throw fault();
        },
        publish: store.publish.bind(store),
      };
      object.deps = () => ({
        ...deps(),
        store: broken,
        cosign: () => {
          throw new Error("nothing may be signed before it is durable");
        },
      });
      return () => {
        object.deps = deps;
      };
    });
  const mending = (log: WitnessedLog) => evictDurableObject(stubOf(log));

  test.each([
    ["compareAndStore", false, 5],
    ["compareAndStore", true, 9],
    ["durable", true, 9],
  ] as const)(
    "in %s, persisted: %s: no cosignature is made, and the log goes on from what is there",
    async (step, persisted, size) => {
      const log = newLog();
      await submit(log.body(0, 5));
      await breaking(log, step, persisted);
      await problemOf(await submit(log.body(5, 9)), "storage.unavailable");
      await mending(log);
      expect(await conflict(await submit(log.body(0, 9)))).toBe(`${size}\n`);
      await cosignedAt(await submit(log.body(size, 9)), log.text(9));
    },
  );
});

describe("for monitors", () => {
  const read = (log: WitnessedLog) => call(`/witness/${originHash(sha256, log.origin)}/checkpoint`);

  test("the latest cosigned checkpoint is there, with the log's signature and ours and no other", async () => {
    const log = newLog();
    await submit(`${log.body(0, 5)}\u2014 someone.example/w AAAAAAAA\n`);
    const cosigned = await (await submit(log.body(5, 6))).text();
    expect(await (await read(log)).text()).toBe(log.note(6) + cosigned);
  });

  test("a log that was never cosigned is a 404, however it is asked for, and asking stores nothing", async () => {
    const log = newLog();
    await problemOf(await read(log), "resource.not_found");
    await problemOf(await call("/witness/ABC/checkpoint"), "resource.not_found");
    expect(await conflict(await submit(log.body(1, 2)))).toBe("0\n");
    const tables = await runInDurableObject(stubOf(log), (_, state) =>
      state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT GLOB '_cf_*'").toArray(),
    );
    expect(tables).toEqual([]);
  });
});
