/** Trust policies: what one file says about logs, cells, witnesses and heads, and what is wrong with one that is refused. */
import { describe, expect, test } from "vitest";
import { toBase64, toHex } from "../../src/core/bytes.ts";
import { formatCosignerKey } from "../../src/core/cosignature.ts";
import { formatVerifierKey, noteKeyHash } from "../../src/core/note.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import {
  logOfKey,
  logOfOrigin,
  NO_TRUST,
  parsePolicy,
  policyOfKeys,
  rememberedHead,
  type TrustPolicy,
} from "../../src/verifier/policy.ts";

const publicKey = new Uint8Array(32).fill(7);
const CELL = formatVerifierKey(sha256, "log.example/eu", publicKey);
const ORIGIN = "log.example/dom_eu_01jegc8qvyfgx9tmvc3w70yjrh";
const LOG = formatVerifierKey(sha256, ORIGIN, publicKey);
const WITNESS = formatCosignerKey(sha256, "w.example", publicKey);
const ROOT = toBase64(new Uint8Array(32));
const good = (value: unknown): TrustPolicy => {
  const policy = parsePolicy(sha256, value);
  if (typeof policy === "string") throw new Error(policy);
  return policy;
};

describe("a cell that is trusted by a prefix", () => {
  const policy = good({ logs: [{ origin_prefix: "log.example/", key: CELL }] });

  test("is trusted for each of its logs under that log's own name, the key hash computed anew", () => {
    expect(policy.keysOf(ORIGIN)).toEqual([
      { name: ORIGIN, keyHash: noteKeyHash(sha256, ORIGIN, publicKey), publicKey },
    ]);
    expect(toHex(policy.keysOf(ORIGIN)[0]?.keyHash ?? new Uint8Array())).not.toBe(CELL.split("+")[1]);
  });

  test.each([
    "log.example",
    "log.example/",
    "log.example.evil/dom_eu_x",
    "evil/log.example/dom_eu_x",
    "log.example/a/b",
    "LOG.example/dom_eu_x",
    "",
  ])("is not trusted for %j", (origin) => {
    expect(policy.keysOf(origin)).toEqual([]);
  });

  test("may have two keys while one is replaced by the other", () => {
    const next = formatVerifierKey(sha256, "log.example/eu", new Uint8Array(32).fill(8));
    expect(good({ logs: [{ origin_prefix: "log.example/", keys: [CELL, next] }] }).keysOf(ORIGIN)).toHaveLength(2);
  });
});

test("a log that is trusted by its exact origin is trusted alone", () => {
  const policy = good({ logs: [{ origin: ORIGIN, key: LOG }] });
  expect(policy.keysOf(ORIGIN)).toHaveLength(1);
  expect(policy.keysOf(`${ORIGIN}x`)).toEqual([]);
  expect(policy.keysOf("log.example/eu")).toEqual([]);
});

test("verifier keys alone: a cell's for its host, a log's for that log", () => {
  expect(logOfKey(sha256, CELL)).toEqual({ origin_prefix: "log.example/", key: CELL });
  expect(logOfKey(sha256, LOG)).toEqual({ origin: ORIGIN, key: LOG });
  expect(logOfKey(sha256, "msk_eu_x")).toBeNull();
  const policy = policyOfKeys(sha256, [CELL]) as TrustPolicy;
  expect(policy.keysOf(ORIGIN)).toHaveLength(1);
  expect(policyOfKeys(sha256, [CELL, "nonsense"])).toMatch(/not a verifier key/);
});

test("a cell's key that is given for one origin is written under the name of that log", () => {
  expect(logOfOrigin(sha256, ORIGIN, CELL)).toEqual({ origin: ORIGIN, key: LOG });
  expect(logOfOrigin(sha256, "log.example/", CELL)).toEqual({ origin_prefix: "log.example/", key: CELL });
});

test("nobody is trusted by nothing", () => {
  expect(NO_TRUST.keysOf(ORIGIN)).toEqual([]);
  expect(policyOfKeys(sha256, [])).toMatch(/at least one log/);
});

test("a remembered head is found by its log's origin", () => {
  const head = { origin: ORIGIN, size: 5, root: ROOT };
  const policy = good({ logs: [{ origin: ORIGIN, key: LOG }], remembered: [head] });
  expect(rememberedHead(policy, ORIGIN)).toEqual(head);
  expect(rememberedHead(policy, "log.example/eu")).toBeNull();
});

describe("what is wrong is said with its place", () => {
  const log = { origin: ORIGIN, key: LOG };
  test.each<[string, unknown, string]>([
    ["no object", [], "the policy: must be an object"],
    ["a part that is not known", { logs: [log], Witnesses: [] }, 'the policy: "Witnesses" is not a part of it'],
    ["a log without a name", { logs: [{ key: LOG }] }, "logs[0]: must have either origin or origin_prefix"],
    [
      "a log with two names",
      { logs: [{ ...log, origin_prefix: "x/" }] },
      "logs[0]: must have either origin or origin_prefix",
    ],
    ["a second log without a key", { logs: [log, { origin: ORIGIN }] }, "logs[1]: must have either key or keys"],
    ["an empty list of keys", { logs: [{ origin: ORIGIN, keys: [] }] }, "logs[0]: must have at least one key"],
    [
      "a prefix that ends anywhere",
      { logs: [{ origin_prefix: "log.example", key: CELL }] },
      'logs[0]: origin_prefix must end with "/"',
    ],
    [
      "a prefix of everything",
      { logs: [{ origin_prefix: "/", key: CELL }] },
      'logs[0]: origin_prefix must end with "/"',
    ],
    ["a cell's key for one log", { logs: [{ origin: ORIGIN, key: CELL }] }, "use origin_prefix"],
    [
      "a key with one character changed",
      { logs: [{ origin: ORIGIN, key: LOG.replace("AQcH", "AQcI") }] },
      "is not a verifier key",
    ],
    ["a key that is a number", { logs: [{ origin: ORIGIN, key: 7 }] }, "is not a verifier key"],
    ["a witness without a word about it", { logs: [log], witnesses: [{ key: WITNESS }] }, "witnesses[0]: say whether"],
    ["a log's key as a witness", { logs: [log], witnesses: [{ key: LOG, independent: true }] }, "witnesses[0]"],
    ["1.5 witnesses", { logs: [log], required: 1.5 }, "required: must be a whole number"],
    ["a number as text", { logs: [log], required: "0" }, "required: must be a whole number"],
    ["-1", { logs: [log], required: -1 }, "required: must be a whole number"],
    [
      "more than there are",
      { logs: [log], witnesses: [{ key: WITNESS, independent: false }], required: 1 },
      "required: only 0",
    ],
    [
      "a head with part of a root",
      { logs: [log], remembered: [{ origin: ORIGIN, size: 1, root: "AA==" }] },
      "remembered[0]: root",
    ],
    [
      "a head before the first",
      { logs: [log], remembered: [{ origin: ORIGIN, size: -1, root: ROOT }] },
      "remembered[0]: size",
    ],
    [
      "two heads of one log",
      { logs: [log], remembered: [1, 2].map((size) => ({ origin: ORIGIN, size, root: ROOT })) },
      "is there twice",
    ],
    ["too many logs", { logs: Array(1001).fill(log) }, "logs: may have 1000 entries"],
  ])("%s", (_, value, words) => {
    expect(parsePolicy(sha256, value)).toContain(words);
  });
});
