/** The two settings about witnesses: what they mean, and that whatever is not understood names the setting. */
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { noteKeyHash } from "../../../src/core/note.ts";
import { cosigner } from "../../../src/crypto/cosigner.ts";
import { mlDsaVerifierKey } from "../../../src/crypto/ml-dsa-cosigner.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { noteSigner } from "../../../src/crypto/signer.ts";
import {
  parseRequired,
  parseWitnessedLogs,
  parseWitnesses,
  witnessesOf,
} from "../../../src/services/witness/config.ts";

const seed = (fill: number) => new Uint8Array(32).fill(fill);
const cellKey = noteSigner("log.example/us", seed(1)).verifierKey;
const key = cosigner("w.example/w1", seed(2)).verifierKey;
const other = cosigner("w.example/w2", seed(3)).verifierKey;
const witnesses = (value: unknown) => parseWitnesses(sha256, JSON.stringify(value), "log.example");
const logs = (value: unknown) => parseWitnessedLogs(sha256, JSON.stringify(value));

describe("WITNESSED_LOGS", () => {
  test("empty: every origin is unknown", () => {
    for (const setting of ["", "[]"]) expect(parseWitnessedLogs(sha256, setting)("log.example/dom")).toEqual([]);
  });

  test("a prefix goes by the public key: the name and the hash are those of the origin", () => {
    const keysOf = logs([{ origin_prefix: "log.example/", key: cellKey }]);
    const origin = "log.example/dom_us_1";
    const [trusted] = keysOf(origin);
    expect(keysOf(origin)).toHaveLength(1);
    expect(trusted).toMatchObject({
      name: origin,
      keyHash: noteKeyHash(sha256, origin, trusted?.publicKey ?? seed(0)),
    });
    for (const unknown of ["log.example/", "log.example", "log.example/dom/x", "log.example.evil/dom", ""]) {
      expect(keysOf(unknown)).toEqual([]);
    }
  });

  test("an exact origin is that one, and several rules for one origin are several keys", () => {
    const log = noteSigner("other.example/log", seed(4)).verifierKey;
    const keysOf = logs([
      { origin: "other.example/log", key: log },
      { origin_prefix: "other.example/", key: cellKey },
    ]);
    expect(keysOf("other.example/log")).toHaveLength(2);
    expect(keysOf("other.example/log2")).toHaveLength(1);
  });

  test.each<[string, string]>([
    ["no JSON", "log.example"],
    ["no list", "{}"],
    ["a string", '"x"'],
    ["a key twice", '[{"origin_prefix":"a/","origin_prefix":"b/","key":"x"}]'],
    ["no key", '[{"origin_prefix":"log.example/"}]'],
    ["a key that is none", '[{"origin_prefix":"log.example/","key":"x"}]'],
    ["a witness's key", JSON.stringify([{ origin_prefix: "log.example/", key }])],
    ["neither origin nor prefix", JSON.stringify([{ key: cellKey }])],
    ["both", JSON.stringify([{ origin: "a", origin_prefix: "a/", key: cellKey }])],
    ["a prefix without its slash", JSON.stringify([{ origin_prefix: "log.example", key: cellKey }])],
    ["an unknown member", JSON.stringify([{ origin_prefix: "log.example/", key: cellKey, size: 1 }])],
  ])("%s is refused by the name of the setting", (_, setting) => {
    expect(() => parseWitnessedLogs(sha256, setting)).toThrow(/^WITNESSED_LOGS: /);
  });
});

describe("WITNESSES_REQUIRED", () => {
  const parsed = witnesses([
    { url: "https://w.example", key, independent: true },
    { url: "https://w2.example", key: other, independent: false },
  ]);
  test("counts the independent ones, and is 0 when it is left out", () => {
    expect(["", "0", "1"].map((setting) => parseRequired(setting, parsed))).toEqual([0, 0, 1]);
  });
  test.each(["2", "-1", "01", "1.0", "one"])("%s is refused by its name", (setting) => {
    expect(() => parseRequired(setting, parsed)).toThrow(/^WITNESSES_REQUIRED: .* from 0 to 1/);
  });
});

describe("WITNESSES", () => {
  const right = { url: "https://w.example/sub", key, independent: true };

  test("empty: nobody is asked", () => {
    for (const setting of ["", "[]"]) expect(parseWitnesses(sha256, setting, "log.example")).toEqual([]);
  });

  test("each is asked about all logs, or about those that are named", () => {
    const parsed = witnesses([
      right,
      {
        url: "https://w2.example",
        key: other,
        independent: false,
        monitoring_url: "https://m.example/x",
        origins: ["log.example/p"],
      },
    ]);
    expect(parsed).toMatchObject([
      {
        name: "w.example/w1",
        verifierKey: key,
        url: "https://w.example/sub",
        monitoringUrl: "https://w.example/sub",
        independent: true,
      },
      { name: "w.example/w2", monitoringUrl: "https://m.example/x", independent: false },
    ]);
    expect(witnessesOf(parsed, "log.example/p")).toHaveLength(2);
    expect(witnessesOf(parsed, "log.example/q")).toHaveLength(1);
  });

  test("http is for loopback alone", () => {
    for (const host of ["127.0.0.1:8787", "localhost", "witness.localhost:1", "[::1]"]) {
      expect(witnesses([{ ...right, url: `http://${host}/witness/us` }])).toHaveLength(1);
    }
  });

  const ours = cosigner("log.example/witness-us", seed(9)).verifierKey;
  test.each<[string, unknown]>([
    ["no object", ["https://w.example"]],
    ["no url", [{ key, independent: true }]],
    ["http", [{ ...right, url: "http://w.example" }]],
    ["another scheme", [{ ...right, url: "ftp://w.example" }]],
    ["a url with a final slash", [{ ...right, url: "https://w.example/" }]],
    ["a url with a query", [{ ...right, url: "https://w.example/x?y=1" }]],
    ["a url with a fragment", [{ ...right, url: "https://w.example/x#y" }]],
    ["a url with a password", [{ ...right, url: "https://a:b@w.example" }]],
    ["a url in another spelling", [{ ...right, url: "HTTPS://w.example" }]],
    ["a url that goes up", [{ ...right, url: "https://w.example/a/../b" }]],
    ["a monitoring url that is none", [{ ...right, monitoring_url: "m.example" }]],
    ["no key", [{ url: right.url, independent: true }]],
    ["a log's key", [{ ...right, key: cellKey }]],
    ["a key with another hash", [{ ...right, key: key.replace(/\+[0-9a-f]{8}\+/, "+00000000+") }]],
    ["no word about independence", [{ url: right.url, key }]],
    ["independence in words", [{ ...right, independent: "yes" }]],
    ["a cell of this deployment as independent", [{ ...right, key: ours }]],
    ["no origins", [{ ...right, origins: [] }]],
    ["origins that are no text", [{ ...right, origins: [1] }]],
    ["an unknown member", [{ ...right, k: 2 }]],
    ["the same witness twice", [right, { ...right, url: "https://x.example" }]],
    ["one public key under two names", [right, { ...right, key: cosigner("w.example/again", seed(2)).verifierKey }]],
    [
      "too many",
      Array.from({ length: LIMITS.witnessKeys + 1 }, (_, i) => ({
        ...right,
        key: cosigner("w", seed(20 + i)).verifierKey,
      })),
    ],
  ])("%s is refused by the name of the setting", (_, value) => {
    expect(() => witnesses(value)).toThrow(/^WITNESSES: /);
  });

  test("as many as there may be leave room for the log's own signature among the 16 that every reader takes", () => {
    const most = Array.from({ length: LIMITS.witnessKeys }, (_, i) => ({
      ...right,
      key: cosigner("w", seed(20 + i)).verifierKey,
    }));
    expect(witnesses(most)).toHaveLength(15);
    expect(witnesses([{ ...right, key: ours, independent: false }])).toHaveLength(1);
  });
});

describe("WITNESSES with two keys", () => {
  const mlDsa = mlDsaVerifierKey("w.example/w1", seed(4));
  const right = { url: "https://w.example", keys: [mlDsa, key], independent: true };

  test("a witness is known by its Ed25519 key, wherever it stands, so that adding a second key forgets nothing", () => {
    for (const keys of [
      [mlDsa, key],
      [key, mlDsa],
    ]) {
      expect(witnesses([{ ...right, keys }])).toMatchObject([
        { name: "w.example/w1", verifierKey: key, verifierKeys: keys },
      ]);
    }
    expect(witnesses([{ ...right, keys: [key] }])).toEqual(witnesses([{ ...right, keys: undefined, key }]));
  });

  test("a witness may have a key of type 6 alone", () => {
    expect(witnesses([{ ...right, keys: undefined, key: mlDsa }])).toMatchObject([{ verifierKey: mlDsa }]);
  });

  test.each<[string, object]>([
    ["key and keys", { key }],
    ["no key", { keys: undefined }],
    ["an empty list", { keys: [] }],
    ["a number in the list", { keys: [key, 7] }],
    ["two keys of one type", { keys: [key, other] }],
    ["a key that cannot be read", { keys: [key, `${mlDsa}A`] }],
    [
      "a cell of this deployment behind the second key",
      { keys: [key, mlDsaVerifierKey("log.example/witness-us", seed(4))] },
    ],
  ])("%s: refused", (_, change) => {
    expect(() => witnesses([{ ...right, ...change }])).toThrow(RangeError);
  });

  test("the second key of one witness is not another witness", () => {
    expect(() => witnesses([right, { ...right, keys: [mlDsa, other], url: "https://w2.example" }])).toThrow(
      /there twice/,
    );
  });
});
