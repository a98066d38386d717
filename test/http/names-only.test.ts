/**
 * S4-37: that a caveat, and a claim of an identity provider, is a name and never a value holds at three layers. Here the second
 * and the third, each taken away: the mark in the API description, and the rule of the linter that demands it. The first is the
 * trigger in D1 (test/storage/guards.test.ts).
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { openApiDocument } from "../../src/http/openapi.ts";

const ROOT = path.join(import.meta.dirname, "../..");
const MARK = "x-names-only";

interface Schema {
  type?: unknown;
  items?: { type?: unknown; pattern?: string };
  properties?: Record<string, Schema>;
  [MARK]?: true;
}
interface Document {
  openapi: string;
  info: object;
  components: { schemas: Record<string, Schema> };
}

const whole = () => JSON.parse(JSON.stringify(openApiDocument())) as Document;
const isNamesOnly = (name: string) => name === "caveats" || name === "idp_claim_names";

/** Lists of names anywhere in the description, with where they are. */
function lists(value: unknown, at: string[] = []): [string, Schema][] {
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    at.at(-1) === "properties" && isNamesOnly(key)
      ? [[[...at, key].join("."), inner as Schema] as [string, Schema]]
      : lists(inner, [...at, key]),
  );
}

/** What the linter says about each of the descriptions, which keep nothing but the schemas that matter here. */
function complaints(documents: readonly Document[], rules = path.join(ROOT, ".spectral.yaml")): string[][] {
  const folder = mkdtempSync(path.join(tmpdir(), "names-only-"));
  try {
    const files = documents.map(({ openapi, info, components }, i) => {
      const file = path.join(folder, `${i}.json`);
      const kept = Object.entries(components.schemas).filter(
        ([name, { properties }]) => KEPT.includes(name) || Object.keys(properties ?? {}).some(isNamesOnly),
      );
      writeFileSync(
        file,
        JSON.stringify({ openapi, info, paths: {}, components: { schemas: Object.fromEntries(kept) } }),
      );
      return file;
    });
    const args = ["lint", ...files, "--ruleset", rules, "--format", "json", "--fail-severity", "error"];
    const found = JSON.parse(spectral(args)) as { code: string; path: string[]; source: string }[];
    const ours = found.filter(({ code }) => code.startsWith("moonseal-names-only"));
    return files.map((file) =>
      ours
        .filter(({ source }) => path.basename(source) === path.basename(file))
        .map(({ code, path: at }) => `${code} ${at.join(".")}`),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function spectral(args: string[]): string {
  const env = { ...process.env, SCARF_ANALYTICS: "false" };
  try {
    return execFileSync(path.join(ROOT, "node_modules/.bin/spectral"), args, {
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    // It ends with 1 when it found something; anything else is no verdict.
    const { status, stdout } = error as { status: number; stdout: string };
    if (status !== 1) throw error;
    return stdout;
  }
}

const EVENT_CAVEATS = "components.schemas.AuditEvent.properties.caveats";
const ACTOR_CLAIMS = "components.schemas.Actor.properties.idp_claim_names";
const KEPT = ["AuditEvent", "Actor"];

describe("S4-37 the mark in the API description", () => {
  test("stands on every list of caveats and of claims, and each holds strings and nothing else", () => {
    const found = lists(whole());
    const places = found.map(([place]) => place);
    expect(places).toContain(EVENT_CAVEATS);
    expect(places).toContain(ACTOR_CLAIMS);
    for (const [place, schema] of found)
      expect(schema, place).toMatchObject({ [MARK]: true, items: { type: "string" } });
  });

  test("is in the committed file, which a client reads", () => {
    const committed = JSON.parse(readFileSync(path.join(ROOT, "docs/openapi.json"), "utf8")) as Document;
    expect(lists(committed).map(([place, schema]) => [place, schema[MARK]])).toEqual(
      lists(whole()).map(([place]) => [place, true]),
    );
  });
});

describe("S4-37 the rule of the linter", () => {
  const changed = (change: (document: Document) => void): Document => {
    const document = whole();
    change(document);
    return document;
  };
  const caveatsOf = (document: Document) => document.components.schemas.AuditEvent?.properties?.caveats as Schema;
  const marked = lists(whole()).flatMap(([place]) =>
    /^components\.schemas\.[^.]+\.properties/.test(place) ? [place] : [],
  );
  const unmarked = marked.map((place) =>
    changed((document) => delete lists(document).find(([at]) => at === place)?.[1][MARK]),
  );
  const OTHERS: [string, Document, complaint: string][] = [
    ["the mark says false", changed((it) => Object.assign(caveatsOf(it), { [MARK]: false })), "moonseal-names-only "],
    [
      "the names have values",
      changed((it) => Object.assign(caveatsOf(it), { items: { type: "object" } })),
      "moonseal-names-only ",
    ],
    ["the list is a map", changed((it) => Object.assign(caveatsOf(it), { type: "object" })), "moonseal-names-only "],
    [
      "an event has lost its caveats, so that there would be nothing to look at",
      changed((it) => delete it.components.schemas.AuditEvent?.properties?.caveats),
      "moonseal-names-only-present ",
    ],
    [
      "an actor has lost its claims",
      changed((it) => delete it.components.schemas.Actor?.properties?.idp_claim_names),
      "moonseal-names-only-present ",
    ],
  ];
  let verdicts: string[][] = [];
  beforeAll(() => {
    verdicts = complaints([whole(), ...unmarked, ...OTHERS.map(([, document]) => document)]);
  });

  test("is content with the description as it is", () => {
    expect(verdicts[0]).toEqual([]);
  });

  test.each(marked)("fails when the mark is taken from %s", (place) => {
    expect(verdicts[1 + marked.indexOf(place)]).toEqual([`moonseal-names-only ${place}`]);
  });

  test.each(OTHERS.map(([what, , complaint], i) => [what, complaint, i] as const))(
    "fails when %s",
    (_, complaint, i) => {
      expect(verdicts[1 + marked.length + i]?.join()).toContain(complaint);
    },
  );

  test("it is that rule that fails: without it the unmarked description passes", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "names-only-"));
    const rules = path.join(folder, "without.yaml");
    const text = readFileSync(path.join(ROOT, ".spectral.yaml"), "utf8");
    const without = text.replace(/^ {2}moonseal-names-only:\n(?: {4}.*\n| *\n)+/m, "");
    expect(without).not.toBe(text);
    writeFileSync(rules, without);
    try {
      expect(complaints(unmarked, rules)).toEqual(unmarked.map(() => []));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
