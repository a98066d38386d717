/** How the stores over R2 ask their bucket: a failure is always `storage.unavailable`, and lists are read to their end. */
import { AppError } from "../core/errors.ts";

export type Asking = <T>(ask: () => Promise<T>) => Promise<T>;

/** `store` names the store in the error's internal words. */
export function asking(store: string): Asking {
  return async (ask) => {
    try {
      return await ask();
    } catch (error) {
      throw new AppError("storage.unavailable", { internal: `${store}: no answer`, cause: error });
    }
  };
}

/** Objects that R2 lists, and deletes, at most at once. */
const PAGE_OBJECTS = 1000;

/** The names of all objects that begin with `prefix`, in the order of their UTF-8 bytes. One call for each 1,000. */
export async function namesUnder(bucket: R2Bucket, prefix: string, ask: Asking): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const startAfter = names.at(-1);
    const after = startAfter === undefined ? {} : { startAfter };
    const page = await ask(() => bucket.list({ prefix, limit: PAGE_OBJECTS, ...after }));
    names.push(...page.objects.map(({ key }) => key));
    if (!page.truncated || page.objects.length === 0) return names;
  }
}

/**
 * Deletes everything that begins with `prefix`, also what is put while this runs; how many objects there were. Idempotent;
 * after a failure ask again.
 */
export async function deleteUnder(bucket: R2Bucket, prefix: string, ask: Asking): Promise<number> {
  for (let deleted = 0; ; ) {
    const { objects } = await ask(() => bucket.list({ prefix, limit: PAGE_OBJECTS }));
    if (objects.length === 0) return deleted;
    await ask(() => bucket.delete(objects.map(({ key }) => key)));
    deleted += objects.length;
  }
}

/** The condition of a `put` that never replaces anything. */
export const unlessThere = () => ({ onlyIf: new Headers({ "If-None-Match": "*" }) });
