import { describe, expect, it } from "vitest";
import { R2SubjectPageStore } from "../../src/storage/subject-page-store.ts";
import { env } from "../support/cell.ts";
import { newId } from "./sql.ts";
import { brokenBucket } from "./support/broken-bucket.ts";

const store = new R2SubjectPageStore(env.KEYS);
const page = (fill: number) => new Uint8Array(100).fill(fill);
const namesOf = async (scope: string) =>
  (await env.KEYS.list({ prefix: `subject-keys/${scope}` })).objects.map(({ key }) => key);

describe("pages of subject keys", () => {
  it("are read back as they were put, under subject-keys/<scope>/<page>, and null where nothing is", async () => {
    const scope = newId("domain");
    expect(await store.get(scope, 0)).toBeNull();
    const etag = await store.put(scope, 0, page(1), null);
    expect(etag).toMatch(/\S/);
    expect(await store.get(scope, 0)).toEqual({ bytes: page(1), etag });
    expect(await store.get(scope, 1)).toBeNull();
    await store.put(scope, 99_999_999, new Uint8Array(), null);
    expect(await namesOf(scope)).toEqual([`subject-keys/${scope}/00000000`, `subject-keys/${scope}/99999999`]);
    expect((await env.LOG.list()).objects.filter(({ key }) => key.includes(scope))).toEqual([]);
  });

  it("are made only where there is none", async () => {
    const scope = newId("domain");
    await store.put(scope, 3, page(1), null);
    expect(await store.put(scope, 3, page(2), null)).toBeNull();
    expect((await store.get(scope, 3))?.bytes).toEqual(page(1));
  });

  it("are replaced only by whoever read the newest one", async () => {
    const scope = newId("domain");
    const first = await store.put(scope, 0, page(1), null);
    const second = await store.put(scope, 0, page(2), first);
    expect(second).not.toBeNull();
    expect(second).not.toBe(first);
    expect(await store.put(scope, 0, page(3), first)).toBeNull();
    expect(await store.get(scope, 0)).toEqual({ bytes: page(2), etag: second });
    expect(await store.put(scope, 0, page(3), second)).not.toBeNull();
  });

  it("are not brought back: a page that is gone is not there to be replaced", async () => {
    const scope = newId("domain");
    const etag = await store.put(scope, 0, page(1), null);
    await store.destroy(scope);
    expect(await store.put(scope, 0, page(2), etag)).toBeNull();
    expect(await store.get(scope, 0)).toBeNull();
  });

  it("of 5 that are written at once exactly one is stored, and its writer alone learns so", async () => {
    for (let round = 0; round < 5; round++) {
      const scope = newId("domain");
      for (const etag of [null, "first"]) {
        const over = etag === null ? null : ((await store.get(scope, 0))?.etag ?? "");
        const fills = [1, 2, 3, 4, 5].map((fill) => fill + (etag === null ? 0 : 10));
        const written = await Promise.all(
          fills.map((fill) => new R2SubjectPageStore(env.KEYS).put(scope, 0, page(fill), over)),
        );
        const winner = written.findIndex((outcome) => outcome !== null);
        expect(written.filter((outcome) => outcome !== null)).toHaveLength(1);
        expect(await store.get(scope, 0)).toEqual({ bytes: page(fills[winner] ?? 0), etag: written[winner] });
      }
    }
  });

  it("are listed by number, those of this scope alone", async () => {
    const scope = newId("domain");
    expect(await store.list(scope)).toEqual([]);
    for (const number of [12, 0, 3, 99_999_999]) await store.put(scope, number, page(1), null);
    await store.put(`${scope}x`, 7, page(1), null);
    expect(await store.list(scope)).toEqual([0, 3, 12, 99_999_999]);
  });

  it("are listed and destroyed to the last one, also when R2 does so in several answers", async () => {
    const scope = newId("domain");
    const few = new Proxy(env.KEYS, {
      get: (target, name) => {
        const method = Reflect.get(target, name) as (...of: unknown[]) => unknown;
        if (name !== "list") return method.bind(target);
        return (options: R2ListOptions) => target.list({ ...options, limit: Math.min(3, options.limit ?? 3) });
      },
    });
    const paged = new R2SubjectPageStore(few);
    for (let number = 0; number < 10; number++) await paged.put(scope, number, page(1), null);
    await paged.put(`${scope}x`, 0, page(1), null);
    expect(await paged.list(scope)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (let again = 0; again < 2; again++) {
      await paged.destroy(scope);
      expect(await namesOf(`${scope}/`)).toEqual([]);
    }
    expect(await paged.list(`${scope}x`)).toEqual([0]);
  });

  it("something else under their name stops the listing: nobody guesses which pages there are", async () => {
    const scope = newId("domain");
    await env.KEYS.put(`subject-keys/${scope}/0`, "");
    await expect(store.list(scope)).rejects.toMatchObject({ code: "internal" });
  });

  it.each([-1, 100_000_000, 1.5, Number.NaN])("there is no page %d", async (number) => {
    await expect(store.get(newId("domain"), number)).rejects.toThrow(RangeError);
    await expect(store.put(newId("domain"), number, page(1), null)).rejects.toThrow(RangeError);
  });
});

it("a bucket that does not answer is a store that does not, whatever is asked", async () => {
  const broken = new R2SubjectPageStore(brokenBucket(env.KEYS));
  for (const ask of [
    () => broken.get("dom", 0),
    () => broken.put("dom", 0, page(1), null),
    () => broken.put("dom", 0, page(1), "etag"),
    () => broken.list("dom"),
    () => broken.destroy("dom"),
  ]) {
    await expect(ask()).rejects.toMatchObject({ code: "storage.unavailable", internal: "keys: no answer" });
  }
});
