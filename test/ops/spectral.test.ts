/** `npm run check:spectral`: each of our own rules of .spectral.yaml finds what it is there for, in a description that lacks it. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApiDocument, DocumentedOperation } from "../../src/http/document/schema.ts";

const REPOSITORY = path.join(import.meta.dirname, "../..");
const RULES = path.join(REPOSITORY, ".spectral.yaml");
const COMMAND = path.join(REPOSITORY, "node_modules/@stoplight/spectral-cli/dist/index.js");

interface Finding {
  code: string;
  path: string[];
}

let folder: string;
let found: Map<string, string[]>;

/** One operation for each rule that is broken in it, so that one run shows all. */
const BROKEN: Record<string, [operation: string, (operation: DocumentedOperation) => void]> = {
  "moonseal-operation-id": ["listDomains", (operation) => Object.assign(operation, { operationId: "list_domains" })],
  "moonseal-permission": ["readDomain", (operation) => Object.assign(operation, { "x-permission": "everybody" })],
  "moonseal-permission-present": ["readHead", (operation) => Object.assign(operation, { "x-permission": undefined })],
  "moonseal-problems": [
    "readTenant",
    (operation) => Object.assign(operation.responses[404] ?? {}, { content: { "application/json": { schema: {} } } }),
  ],
  "moonseal-problem-examples": [
    "createDomain",
    (operation) =>
      Object.assign(operation.responses[404]?.content?.["application/problem+json"] ?? {}, { examples: undefined }),
  ],
  "moonseal-no-personal-data-in-addresses": [
    "listMembers",
    (operation) =>
      operation.parameters?.push({ name: "email", in: "query", description: "E-mail", schema: { type: "string" } }),
  ],
  "moonseal-examples": [
    "readUsage",
    (operation) => Object.assign(operation.responses[200]?.content?.["application/json"] ?? {}, { example: undefined }),
  ],
};

async function lint(document: ApiDocument): Promise<Finding[]> {
  const file = path.join(folder, "openapi.json");
  await writeFile(file, JSON.stringify(document));
  const args = [COMMAND, "lint", file, "--ruleset", RULES, "--format", "json", "--quiet"];
  const env = { ...process.env, SCARF_ANALYTICS: "false" };
  const output = await new Promise<string>((resolve) =>
    execFile(process.execPath, args, { env, maxBuffer: 2 ** 26 }, (_, stdout) => resolve(stdout)),
  );
  return JSON.parse(output) as Finding[];
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "spectral-"));
  const document = JSON.parse(await readFile(path.join(REPOSITORY, "docs/openapi.json"), "utf8")) as ApiDocument;
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  for (const [rule, [name, breakIt]] of Object.entries(BROKEN)) {
    const operation = operations.find(({ operationId }) => operationId === name);
    if (!operation) throw new Error(`${rule}: no operation ${name}`);
    breakIt(operation);
  }
  const findings = Map.groupBy(await lint(document), ({ code }) => code);
  found = new Map([...findings].map(([code, each]) => [code, each.map((one) => one.path.join(" "))]));
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

test.each(Object.keys(BROKEN))("%s is broken once, and found once", (rule) => {
  // Another specification's answer, which the committed file is excused for by its place (`overrides`).
  const places = (found.get(rule) ?? []).filter((place) => !place.includes("/witness/add-checkpoint"));
  expect(places).toHaveLength(1);
});

test("every rule of ours is tried", async () => {
  const rules = [...(await readFile(RULES, "utf8")).matchAll(/^ {2}(moonseal-[a-z-]+):/gm)].map(
    ([, name]) => name as string,
  );
  // test/http has those of the names that never have values.
  const elsewhere = rules.filter((name) => name.startsWith("moonseal-names-only"));
  expect(rules.filter((name) => !elsewhere.includes(name)).sort()).toEqual(Object.keys(BROKEN).sort());
});
