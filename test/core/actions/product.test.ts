/**
 * What the product writes about itself and what the registry says that it writes are the same. That it writes nothing else is
 * the compiler's to prove (`npm run check:types`); that everything in the registry is written is read from the sources.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, expectTypeOf, test } from "vitest";
import { actionTypes } from "../../../src/core/actions/index.ts";
import type { ProductAction, ProductEvent } from "../../../src/core/actions/product.ts";
import { ERRORS } from "../../../src/core/errors.ts";
import type { AuditEvent } from "../../../src/core/event.ts";
import { RESERVED_ACTION_NOUNS } from "../../../src/core/event.ts";
import { PERMISSIONS } from "../../../src/services/permissions.ts";
import { clear } from "../../../src/services/tenancy/clear-entry.ts";
import type { EntryJob, LogGate } from "../../../src/services/tenancy/jobs.ts";

const ROOT = join(import.meta.dirname, "../../..");
const SYSTEM = { type: "system", id: "system:moonseal" } as const;

/** Never run. */
function _proofs(gate: LogGate, event: AuditEvent, known: ProductEvent) {
  // @ts-expect-error an action that is not in the registry does not compile
  clear("tenant.exploded", SYSTEM, { type: "tenant", id: "tnt" }, {});
  // @ts-expect-error nor one of a tenant's
  clear("invoice.sent", SYSTEM, { type: "tenant", id: "tnt" }, {});
  // @ts-expect-error nor an event whose action is any string, where the product tells its logs
  void gate.record("dom", event, "once");
  void gate.record("dom", known, "once");
  // @ts-expect-error nor one that waits to be told
  const _waiting: EntryJob = { kind: "entry", domainId: "dom", event, once: "once" };
}

test("a product's action is one of the registry's names and not any string", () => {
  expectTypeOf<ProductAction>().not.toEqualTypeOf<string>();
  expectTypeOf<"api_key.rotated">().toExtend<ProductAction>();
  expect(clear("api_key.rotated", SYSTEM, { type: "api_key", id: "key" }, {}).action).toBe("api_key.rotated");
});

interface Source {
  file: string;
  text: string;
}

/** Where the product writes entries: without comments, and without the generated copies of the verifier. */
const SOURCES: Source[] = ["src/services", "durable-objects", "src/storage", "src/http"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.startsWith("bundle/"))
    .map((name) => ({
      file: join(folder, name),
      text: withoutComments(readFileSync(join(ROOT, folder, name), "utf8")),
    })),
);

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*.*?\*\//gs, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

/** Words in quotes that are no code of an error. */
const quoted = (text: string) =>
  new Set(
    [...text.matchAll(/(?<!AppError\(|code [!=]== )"([a-z_]+(?:\.[a-z_]+)?)"/g)].map(([, word]) => word as string),
  );

/** Actions that are put together: the part that is written out, and the folder whose words the other part comes from. */
const templates = SOURCES.flatMap(({ file, text }) =>
  [...text.matchAll(/action(?: =|:) `([a-z_]+\.(?:[a-z]+_)?)\$\{/g)].map(([, start]) => ({
    start: start as string,
    folder: dirname(file),
  })),
);
/** Where it is told of people; the file that lists all words which may be told is no proof that one is. */
const LISTED = "src/services/access/people/events.ts";
const wordsUnder = (folder: string) =>
  new Set(
    SOURCES.filter(({ file }) => file !== LISTED && file.startsWith(`${folder}/`)).flatMap(({ text }) => [
      ...quoted(text),
    ]),
  );
const PEOPLE = wordsUnder("src/services/access");
const LITERAL = new Set([...wordsUnder("src/services"), ...wordsUnder("durable-objects")]);
const COMPOSED = templates.map(({ start, folder }) => ({ start, words: wordsUnder(folder) }));

function isWritten(action: string): boolean {
  if (LITERAL.has(action)) return true;
  const isComposed = COMPOSED.some(
    ({ start, words }) => action.startsWith(start) && words.has(action.slice(start.length)),
  );
  const [noun = "", verb = ""] = action.split(".");
  return isComposed || (["tenant", "staff"].includes(noun) && PEOPLE.has(verb));
}

describe("what the registry says that the product writes", () => {
  test.each(actionTypes({ writtenBy: "product" }))("$name is written somewhere", ({ name }) => {
    expect(isWritten(name)).toBe(true);
  });

  test.each(["tenant.exploded", "hold.forgotten", "staff.promoted", "api_key.found"])(
    "(%s, which is not, would be missed)",
    (action) => {
      expect(isWritten(action)).toBe(false);
    },
  );

  test("is all that stands in its sources as an action with a noun of its own", () => {
    const names = new Set(actionTypes({ writtenBy: "product" }).map(({ name }) => name));
    // What the list of words about people could be made into, and is not: neither members nor staff have all of it.
    const found = SOURCES.filter(({ file }) => file !== LISTED).flatMap(({ file, text }) =>
      [...quoted(text)]
        .filter((word) => RESERVED_ACTION_NOUNS.includes(word.split(".")[0] ?? "") && word.includes("."))
        .filter((word) => !names.has(word) && !(word in ERRORS) && !(word in PERMISSIONS))
        .map((word) => `${file}: ${word}`),
    );
    expect(found).toEqual([]);
  });

  test("puts names together in these places alone, of which each is looked through", () => {
    expect(templates.map(({ start }) => start).toSorted()).toEqual([
      "cell.alert_",
      "hold.",
      "tenant.access_",
      "tenant.recovery_",
    ]);
  });
});
