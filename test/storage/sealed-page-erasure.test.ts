import { describe, expect, it } from "vitest";
import { encodeSealedPage, pageWithoutSubject, sealedPageKey } from "../../src/core/sealed-page.ts";
import { KEY_REGISTRY, type SlotName } from "../../src/crypto/key-registry.ts";
import { asSealed } from "../../src/crypto/sealed.ts";
import type { SealedRows } from "../../src/services/ports.ts";
import { R2SealedPageStore } from "../../src/storage/sealed-page-store.ts";
import { env } from "../support/cell.ts";

const DOMAIN = "dom_eu_01jegc8qvyfgx9tmvc3w70yjrh";
const [GONE, KEPT] = ["a".repeat(64), "b".repeat(64)];

const sealed = <S extends SlotName>(slot: S) =>
  asSealed(slot, Uint8Array.from([1, KEY_REGISTRY[slot].number, 0, 1, 0, 0, 0, 1, ...new Uint8Array(40).fill(0x61)]));

function rowsOf(...people: string[]): SealedRows {
  return {
    privates: people.map((subject, seq) => ({ seq, subject, sealed: seq % 2 ? null : sealed("private_values") })),
    subjects: people.map((pseudonym, seq) => ({
      pseudonym,
      seq,
      subjectPlaintext: sealed("subject_identity"),
      emailClaim: null,
      sourceIp: null,
      idpClaimNames: null,
    })),
  };
}

/** The store over a bucket in which somebody else puts the page while it is being rewritten. */
function disturbed(times: number, put: () => Promise<unknown>) {
  let left = times;
  const bucket = new Proxy(env.LOG, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        if (name === "put" && left-- > 0) await put();
        return value.apply(target, args);
      };
    },
  });
  return new R2SealedPageStore(bucket, DOMAIN);
}

describe("taking a person out of a page of the archive", () => {
  const store = new R2SealedPageStore(env.LOG, DOMAIN);

  it("leaves the bytes of all other rows as they were", async () => {
    const rows = rowsOf(GONE, KEPT, GONE, KEPT);
    rows.privates.push({ seq: 9, subject: "", sealed: sealed("private_values") });
    await store.put(0, rows);
    await store.removeSubject(0, GONE);
    expect(await store.get(0)).toEqual({
      privates: rows.privates.filter(({ subject }) => subject !== GONE),
      subjects: rows.subjects.filter(({ pseudonym }) => pseudonym !== GONE),
    });
  });

  it("of a page without them, and of none, writes nothing", async () => {
    await store.put(256, rowsOf(KEPT));
    const before = (await env.LOG.head(sealedPageKey(DOMAIN, 256)))?.uploaded;
    const quiet = disturbed(Number.POSITIVE_INFINITY, () => Promise.reject(new Error("nothing may be put")));
    await quiet.removeSubject(256, GONE);
    await quiet.removeSubject(512, GONE);
    expect((await env.LOG.head(sealedPageKey(DOMAIN, 256)))?.uploaded).toEqual(before);
    expect(await env.LOG.head(sealedPageKey(DOMAIN, 512))).toBeNull();
  });

  it("that somebody else puts meanwhile begins again from what is there then", async () => {
    await store.put(1024, rowsOf(GONE));
    const late = rowsOf(KEPT, GONE, KEPT);
    await disturbed(1, () => store.put(1024, late)).removeSubject(1024, GONE);
    expect((await store.get(1024)).privates.map(({ subject }) => subject)).toEqual([KEPT, KEPT]);
  });

  it("that is changed all the time fails, and the person is still there to be taken out", async () => {
    await store.put(2048, rowsOf(GONE));
    // An etag is a digest of the contents: only other contents are another state.
    let seq = 0;
    const changed = () => ({ ...rowsOf(GONE), privates: [{ seq: seq++, subject: GONE, sealed: null }] });
    const busy = disturbed(Number.POSITIVE_INFINITY, () => store.put(2048, changed()));
    await expect(busy.removeSubject(2048, GONE)).rejects.toMatchObject({ code: "storage.unavailable" });
  });

  it("works where other rows are damaged: a person must not wait for a repair", () => {
    const text = `${encodeSealedPage(rowsOf(GONE, KEPT))}["private",7,broken\n`;
    const after = pageWithoutSubject(text, GONE) ?? "";
    expect(after).toContain("broken");
    expect(after).toContain(KEPT);
    expect(after).not.toContain(GONE);
    expect(pageWithoutSubject(after, GONE)).toBeNull();
  });

  it("lists pages in order, from a seq on", async () => {
    expect(await store.list(1, 3)).toEqual([256, 1024, 2048]);
    expect(await store.list(0, 2)).toEqual([0, 256]);
    expect(await store.list(2049, 5)).toEqual([]);
  });
});
