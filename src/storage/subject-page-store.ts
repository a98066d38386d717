/**
 * Pages of subject keys in R2 KEYS: `subject-keys/<scope>/<page, 8 digits>`. Every write is conditional on what was read, so
 * of two writers one learns that it was too late. R2 has no point-in-time restore: an older page cannot come back.
 */
import { AppError } from "../core/errors.ts";
import type { SubjectPageStore } from "../services/ports.ts";
import { asking, deleteUnder, namesUnder, unlessThere } from "./r2-asking.ts";

const MAX_PAGE = 99_999_999;
const ask = asking("keys");

export class R2SubjectPageStore implements SubjectPageStore {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async get(scope: string, page: number): Promise<{ bytes: Uint8Array; etag: string } | null> {
    const name = nameOf(scope, page);
    const object = await ask(() => this.#bucket.get(name));
    if (!object) return null;
    return { bytes: new Uint8Array(await ask(() => object.arrayBuffer())), etag: object.etag };
  }

  async put(scope: string, page: number, bytes: Uint8Array, etag: string | null): Promise<string | null> {
    const name = nameOf(scope, page);
    const condition = etag === null ? unlessThere() : { onlyIf: { etagMatches: etag } };
    const stored = await ask(() => this.#bucket.put(name, bytes, condition));
    return stored?.etag ?? null;
  }

  async list(scope: string): Promise<number[]> {
    const prefix = prefixOf(scope);
    return (await namesUnder(this.#bucket, prefix, ask)).map((name) => {
      const digits = name.slice(prefix.length);
      if (!/^\d{8}$/.test(digits)) throw new AppError("internal", { internal: `keys: ${name} is no page` });
      return Number(digits);
    });
  }

  async destroy(scope: string): Promise<void> {
    await deleteUnder(this.#bucket, prefixOf(scope), ask);
  }
}

const prefixOf = (scope: string) => `subject-keys/${scope}/`;

function nameOf(scope: string, page: number): string {
  if (!Number.isInteger(page) || page < 0 || page > MAX_PAGE) throw new RangeError(`a page is 0 to ${MAX_PAGE}`);
  return prefixOf(scope) + String(page).padStart(8, "0");
}
