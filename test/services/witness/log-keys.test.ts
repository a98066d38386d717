/** Which notes are the log's own: those under its present key, the one that it replaces, and those that it had. */
import { describe, expect, test } from "vitest";
import { fromBase64 } from "../../../src/core/bytes.ts";
import { formatCheckpoint } from "../../../src/core/checkpoint.ts";
import { type Note, parseNote } from "../../../src/core/note.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { noteSigner } from "../../../src/crypto/signer.ts";
import { logKeysOf, signedByLog } from "../../../src/services/witness/log-keys.ts";

const ORIGIN = "log.test/dom_eu_01jegc8qvyfgx9tmvc3w70yjrh";
const seed = (fill: number) => new Uint8Array(32).fill(fill);
const text = (size = 3) => formatCheckpoint({ origin: ORIGIN, size, root: seed(9) });
const noteOf = (signed: string) => parseNote(signed) as Note;
/** Of a verifier key, the 32 bytes after its algorithm. */
const publicKey = (fill: number) =>
  (fromBase64(noteSigner(ORIGIN, seed(fill)).verifierKey.split("+").slice(2).join("+")) as Uint8Array).slice(1);

const KEYS = logKeysOf(sha256, noteSigner(ORIGIN, seed(1), seed(2)), [publicKey(3)]);

describe("a note is the log's own", () => {
  for (const [what, fill] of [
    ["present", 1],
    ["previous", 2],
    ["retired", 3],
  ] as const) {
    test(`under its ${what} key`, () => {
      expect(signedByLog(noteOf(noteSigner(ORIGIN, seed(fill)).sign(text())), KEYS)).toBe(true);
    });
  }

  test("under no other key, no key of another name, and with no signature of another note", () => {
    const own = noteSigner(ORIGIN, seed(1)).sign(text(4));
    for (const signed of [
      noteSigner(ORIGIN, seed(4)).sign(text()),
      noteSigner("log.test/other", seed(1)).sign(text()),
      own.replace(text(4), text()),
    ]) {
      expect(signedByLog(noteOf(signed), KEYS)).toBe(false);
    }
    expect(signedByLog(noteOf(own), [])).toBe(false);
  });
});
