import { describe, expect, it } from "vitest";
import { toBase64 } from "../../src/core/bytes.ts";
import { sealedPageKey } from "../../src/core/sealed-page.ts";
import { KEY_REGISTRY, type SlotName } from "../../src/crypto/key-registry.ts";
import { R2SealedPageStore } from "../../src/storage/sealed-page-store.ts";
import { env } from "../support/cell.ts";
import { newId } from "./sql.ts";

const SUBJECT = "a".repeat(64);

const sealed = (slot: SlotName) =>
  toBase64(Uint8Array.from([1, KEY_REGISTRY[slot].number, 0, 1, 0, 0, 0, 1, ...new Uint8Array(40)]));
const privateLine = (value: unknown) => `${JSON.stringify(["private", 7, SUBJECT, value])}\n`;
const subjectLine = (...values: unknown[]) => `${JSON.stringify(["subject", 7, SUBJECT, ...values])}\n`;
const whole = privateLine(sealed("private_values"));

describe("a page of sealed rows that is damaged", () => {
  it.each([
    ["no rows", "hello\n"],
    ["a value that is not base64", privateLine("%%")],
    ["a value that is cut off", privateLine(sealed("private_values").slice(0, 16))],
    ["a value with another version in front", privateLine(toBase64(new Uint8Array(48).fill(9)))],
    ["a value of another column", privateLine(sealed("contact"))],
    ["a person's name of another column", subjectLine(sealed("contact"), null, null, null)],
    ["a person's address of another column", subjectLine(sealed("subject_identity"), null, sealed("contact"), null)],
    ["a number in place of a value", privateLine(7)],
  ])("that holds %s is a store that does not answer, whole lines beside it or not", async (_, line) => {
    const domainId = newId("domain");
    await env.LOG.put(sealedPageKey(domainId, 256), whole + line);
    const store = new R2SealedPageStore(env.LOG, domainId);
    const fault = { code: "storage.unavailable", internal: "archive: sealed page 256 is damaged" };
    await expect(store.get(256)).rejects.toMatchObject(fault);
    await expect(store.rewrite(256, (rows) => rows)).rejects.toMatchObject(fault);
    expect(await (await env.LOG.get(sealedPageKey(domainId, 256)))?.text()).toBe(whole + line);
  });

  it("says nothing of its bytes to a caller", async () => {
    const domainId = newId("domain");
    await env.LOG.put(sealedPageKey(domainId, 0), privateLine(sealed("contact")));
    const error = await new R2SealedPageStore(env.LOG, domainId).get(0).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ detail: undefined, internal: "archive: sealed page 0 is damaged" });
  });

  it("is read again as soon as it is repaired", async () => {
    const domainId = newId("domain");
    await env.LOG.put(sealedPageKey(domainId, 0), privateLine(sealed("contact")));
    const store = new R2SealedPageStore(env.LOG, domainId);
    await expect(store.get(0)).rejects.toMatchObject({ code: "storage.unavailable" });
    await env.LOG.put(sealedPageKey(domainId, 0), whole);
    expect((await store.get(0)).privates).toHaveLength(1);
  });
});
