/**
 * SPEC.md is run, not believed: its shell lines with the real openssl, its table and patterns against the code, its values
 * against the vectors.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { API_KEY_PATTERN, OPERATOR_SECRET_PATTERN } from "../../src/core/api-key.ts";
import { canonicalJson } from "../../src/core/canonical.ts";
import {
  ACTION_PATTERN,
  CAVEAT_PATTERN,
  ENTRY_ID_PATTERN,
  OUTCOMES,
  RESERVED_ACTION_NOUNS,
  SYSTEM_ACTOR_ID,
  TRACEPARENT_PATTERN,
} from "../../src/core/event.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { FIELD_CLASSES } from "../../src/core/payload/fields.ts";
import { KEY_REGISTRY, SLOT_NAMES } from "../../src/crypto/key-registry.ts";
import { SUBJECTS_PER_PAGE } from "../../src/crypto/subject-page.ts";

const SPEC = readFileSync(join(import.meta.dirname, "../../src/core/SPEC.md"), "utf8");
const VECTORS = join(import.meta.dirname, "../vectors");

const blocks = [...SPEC.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block as string);
/** Each command with the value that its output must contain. */
const commands = blocks.flatMap((block) =>
  [...block.matchAll(/(.*?)^# = (\S+)\n/gms)].map(
    ([, command, value]) => [command as string, value as string] as const,
  ),
);

/** Why the shell lines cannot run here; `null` when they can. */
function missingTool(): string | null {
  for (const tool of ["sh", "openssl", "xxd", "gzip"]) {
    const probe = spawnSync("sh", ["-c", `command -v ${tool}`], { encoding: "utf8" });
    if (probe.status !== 0) return `${tool} is not installed`;
  }
  return null;
}

const reason = missingTool();
if (reason) console.warn(`skipped: the shell lines of SPEC.md, because ${reason}`);

test("S0-30 every shell block of SPEC.md states what it must print", () => {
  expect(commands.length).toBeGreaterThanOrEqual(15);
  expect(commands.map(([command, value]) => `${command}# = ${value}\n`).join("")).toBe(blocks.join(""));
  expect(commands.filter(([command]) => command.includes("openssl dgst -sha256")).length).toBeGreaterThanOrEqual(12);
});

test.skipIf(reason !== null).each(commands)("S0-30 run by sh and openssl: %s", (command, value) => {
  const run = spawnSync("sh", ["-ec", command], { encoding: "utf8", timeout: 20_000 });
  expect(run.stderr).toBe("");
  expect(run.stdout.toLowerCase()).toMatch(new RegExp(`(?:^|[^0-9a-f])${value}`));
});

test("S0-30 the values of SPEC.md are those of the vectors", () => {
  const printed = new Set(commands.map(([, value]) => value));
  const vector = (name: string) => JSON.parse(readFileSync(join(VECTORS, `${name}.json`), "utf8"));
  const chain = vector("chain");
  const [sealed] = vector("sealed").values;
  const page = vector("subject-page");
  const published = [
    ...chain.entries.map((entry: { entry_hash: string }) => entry.entry_hash),
    vector("keys").genesis,
    vector("keys").pepper,
    vector("keys").chain_secret,
    vector("keys").pseudonym,
    vector("commitment").commitment,
    vector("api-key").mac,
    vector("note").key_id,
    vector("segment").metadata.sha256,
    vector("sealed-page").sha256,
    vector("private-values").sha256,
    vector("disclosure").disclosure.entries[0].entry_hash,
    chain.entries[1].id.replaceAll("-", ""),
    sealed.prk,
    sealed.key,
    sealed.ciphertext,
    page.prk,
    page.key,
    page.ciphertext,
  ];
  expect(published.filter((value) => !printed.has(value))).toEqual([]);
  for (const { payload } of chain.entries) expect(SPEC).toContain(payload);
  expect(SPEC).toContain(vector("api-key").api_key);
  expect(SPEC).toContain(vector("note").verifier_key);
  expect(SPEC).toContain(`\`${sealed.sealed}\``);
});

test("every vector file says what it is and where it is specified", () => {
  const files = readdirSync(VECTORS).filter((name) => name.endsWith(".json"));
  expect(files.length).toBeGreaterThanOrEqual(7);
  for (const name of files) {
    const { about } = JSON.parse(readFileSync(join(VECTORS, name), "utf8"));
    const section = /SPEC\.md (§\d+)/.exec(about)?.[1] ?? "";
    expect(SPEC, name).toContain(`## ${section.slice(1)}. `);
  }
});

test("the table of field classes in SPEC.md is the one the code goes by, row for row", () => {
  const rows = [...SPEC.matchAll(/^\| `([^`]+)` +\| (clear|pseudonym|private|refused) +\| (.*?) *\|$/gm)];
  expect(rows.map(([, field, fieldClass, when]) => ({ field, class: fieldClass, ...(when ? { when } : {}) }))).toEqual(
    FIELD_CLASSES,
  );
});

test.each(
  Object.entries({
    ACTION_PATTERN,
    ENTRY_ID_PATTERN,
    CAVEAT_PATTERN,
    TRACEPARENT_PATTERN,
    API_KEY_PATTERN,
    OPERATOR_SECRET_PATTERN,
  }),
)("SPEC.md publishes %s as it is", (_name, pattern) => {
  expect(SPEC.split("\n").some((line) => line === pattern.source || line.endsWith(` ${pattern.source}`))).toBe(true);
});

test("the words and limits of SPEC.md are those of the code", () => {
  for (const word of [...RESERVED_ACTION_NOUNS, ...OUTCOMES, SYSTEM_ACTOR_ID]) expect(SPEC).toContain(`\`${word}\``);
  expect(SPEC).toContain(`more than ${LIMITS.jsonDepth} levels`);
  expect(SPEC).toContain(`at most ${LIMITS.payloadBytes / 1024} KiB`);
  expect(SPEC).toContain(`1 to ${LIMITS.segmentEntriesMax.toLocaleString("en")} consecutive entries`);
  expect(SPEC).toContain(`at most ${SUBJECTS_PER_PAGE.toLocaleString("en")} keys`);
});

test("SPEC.md says of every sealed column how its row is named and what is in it", () => {
  for (const column of SLOT_NAMES.flatMap((slot) => KEY_REGISTRY[slot].columns)) {
    expect(SPEC).toMatch(new RegExp(`^\\| \`${column.split(".")[0]}\` +\\| \\S`, "m"));
  }
});

test("the example of canonical JSON is one", () => {
  const [, input] = /Canonical JSON of `([^`]+)`/.exec(SPEC) as unknown as [string, string];
  expect(SPEC).toContain(`printf '%s' '${canonicalJson(JSON.parse(input))}' | openssl`);
});
