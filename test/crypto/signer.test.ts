/** The log key and its replacement: what was signed stays valid for whoever pinned either key. */
import { describe, expect, test } from "vitest";
import { parseNote } from "../../src/core/note.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import { verifyNote } from "../../src/crypto/verify.ts";

const OLD = new Uint8Array(32).fill(1);
const NEW = new Uint8Array(32).fill(2);
const NAME = "log.example.com/eu";
const TEXT = "log.example.com/dom_x\n1\nAAAA\n";

describe("a log key that is being replaced", () => {
  const before = noteSigner(NAME, OLD);
  const during = noteSigner(NAME, NEW, OLD);
  const after = noteSigner(NAME, NEW);

  test("signs beside the new one: whoever pinned either verifies what is signed now", () => {
    const note = during.sign(TEXT);
    expect(verifyNote(note, before.verifierKey)).toMatchObject({ ok: true });
    expect(verifyNote(note, after.verifierKey)).toMatchObject({ ok: true });
    expect(during.verifierKeys).toEqual([after.verifierKey, before.verifierKey]);
    expect(during.keyId).toBe(after.keyId);
  });

  test("has signed what it signed before, also by the side of the new one, which has not", () => {
    const note = parseNote(before.sign(TEXT));
    if (!note) throw new Error("no note");
    expect(during.hasSigned(note)).toBe(true);
    expect(after.hasSigned(note)).toBe(false);
    expect(verifyNote(before.sign(TEXT), before.verifierKey)).toMatchObject({ ok: true });
  });

  test("has not signed a note with another text under its signature", () => {
    const note = parseNote(before.sign(TEXT));
    if (!note) throw new Error("no note");
    expect(before.hasSigned({ ...note, text: TEXT.replace("\n1\n", "\n2\n") })).toBe(false);
  });

  test("is another key under each name", () => {
    const [a, b] = [during.named("log.example.com/a"), during.named("log.example.com/b")];
    expect(new Set([...a.verifierKeys, ...b.verifierKeys, ...during.verifierKeys]).size).toBe(6);
    expect(verifyNote(a.sign(TEXT), b.verifierKey)).toMatchObject({ ok: false });
  });
});
