/**
 * The arrows of STYLE rule 1 and DESIGN §6, twice: Biome's rules are shown to bite on one snippet for every pair of layers,
 * and the imports of the repository itself are read again here, with what Biome cannot say (type-only arrows).
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix, relative } from "node:path";
import { afterAll, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");

/** A file of each layer, and what the layer may import besides itself. `type` and `only` narrow an arrow. */
interface Layer {
  file: string;
  may: string[];
  /** Single files of a layer that is closed otherwise. */
  only?: string[];
  /** Reached by `import type` alone. */
  type?: string[];
  packages?: { allowed: string[]; refused: string[] };
}

const LAYERS: Record<string, Layer> = {
  core: {
    file: "src/core/x.ts",
    may: [],
    packages: {
      allowed: ["canonicalize", "typeid-js"],
      refused: ["node:crypto", "cloudflare:workers", "zod", "drizzle-orm", "hono", "uuid"],
    },
  },
  crypto: {
    file: "src/crypto/x.ts",
    may: ["core"],
    packages: { allowed: ["node:crypto"], refused: ["cloudflare:workers", "hono"] },
  },
  services: {
    file: "src/services/x.ts",
    // ports.ts speaks of the verifier's rows; the verifier imports nothing of services.
    may: ["core", "crypto", "verifier"],
    packages: {
      allowed: [],
      refused: ["cloudflare:workers", "drizzle-orm", "drizzle-orm/d1", "hono", "@hono/zod-openapi", "zod"],
    },
  },
  storage: {
    file: "src/storage/x.ts",
    may: ["core", "crypto"],
    only: ["src/services/ports.ts", "src/services/permissions.ts"],
    packages: { allowed: ["drizzle-orm"], refused: [] },
  },
  sinks: { file: "src/sinks/x.ts", may: ["core", "crypto"], only: ["src/services/ports.ts"] },
  http: {
    file: "src/http/x.ts",
    may: ["services", "core", "crypto"],
    packages: { allowed: ["hono", "@hono/zod-openapi"], refused: ["drizzle-orm", "cloudflare:workers"] },
  },
  // Cron wakes objects.
  jobs: { file: "src/jobs/x.ts", may: ["services", "core", "crypto", "durable-objects", "env"] },
  gateway: {
    file: "src/gateway/index.ts",
    may: ["http", "core", "env"],
    packages: { allowed: ["hono"], refused: ["drizzle-orm", "cloudflare:workers"] },
  },
  verifier: {
    file: "src/verifier/x.ts",
    may: ["core"],
    only: ["src/crypto/verify.ts", "src/crypto/sha256.ts"],
    packages: { allowed: [], refused: ["node:crypto", "cloudflare:workers", "hono"] },
  },
  client: {
    file: "src/client/x.ts",
    may: ["core"],
    type: ["src/http/schemas/x.ts"],
    packages: { allowed: [], refused: ["node:fs", "cloudflare:workers", "hono"] },
  },
  cli: {
    file: "src/cli/x.ts",
    may: ["client", "verifier", "core"],
    only: ["src/crypto/verify.ts", "src/crypto/verify-ml-dsa.ts", "src/crypto/sha256.ts"],
    packages: { allowed: ["node:fs", "commander"], refused: ["cloudflare:workers"] },
  },
  console: { file: "src/console/x.ts", may: ["client", "verifier", "core"] },
  "durable-objects": { file: "durable-objects/x.ts", may: ["services", "core", "crypto", "storage", "sinks", "env"] },
  "durable-objects/part": { file: "durable-objects/part/x.ts", may: ["services", "core", "crypto", "env"] },
  env: { file: "src/env.ts", may: ["services", "core"], type: ["durable-objects/x.ts"] },
  cell: {
    file: "src/cell.ts",
    may: ["http", "jobs", "durable-objects", "services", "storage", "sinks", "crypto", "core", "env"],
  },
  // Tools of the operator: may use all of it, nothing uses them.
  ops: {
    file: "src/ops/x.ts",
    may: ["core", "crypto", "services", "storage", "sinks", "http", "gateway", "verifier", "client", "console", "env"],
  },
};

/** The layer of a path in the repository. `durable-objects/*.ts` and `stores.ts` wire; what lies deeper does not. */
function layerOf(path: string): string {
  const parts = path.split("/");
  if (parts[0] === "durable-objects") {
    return parts.length > 2 && parts.at(-1) !== "stores.ts" ? "durable-objects/part" : "durable-objects";
  }
  return (parts[1] ?? "").replace(/\.ts$/, "");
}

function mayImport(from: string, to: string, typeOnly: boolean): boolean {
  const [layer, target] = [layerOf(from), layerOf(to)];
  const { may, only = [], type = [] } = LAYERS[layer] as Layer;
  const whole = target.replace("/part", "");
  return (
    layer.replace("/part", "") === whole ||
    may.includes(whole) ||
    only.includes(to) ||
    (typeOnly && type.some((allowed) => to.startsWith(`${posix.dirname(allowed)}/`)))
  );
}

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

const IMPORTS = [
  /^import\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?"([^"]+)"/gm,
  /^export\s+(type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[\w\s,$]*\})\s+from\s+"([^"]+)"/gm,
  /\bimport\(()\s*"([^"]+)"/g,
];

const files = ["src", "durable-objects"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => posix.join(folder, name.replaceAll("\\", "/"))),
);

const imports: Import[] = files.flatMap((from) => {
  const source = readFileSync(join(ROOT, from), "utf8");
  return IMPORTS.flatMap((pattern) =>
    [...source.matchAll(pattern)].map(([, type, specifier]) => ({
      from,
      to: specifier?.startsWith(".") ? posix.join(posix.dirname(from), specifier) : (specifier as string),
      typeOnly: Boolean(type),
    })),
  );
});
const isOurs = ({ to }: Import) => to.startsWith("src/") || to.startsWith("durable-objects/");

test("every source file belongs to a layer of the table", () => {
  expect([...new Set(files.map(layerOf))].filter((layer) => !(layer in LAYERS))).toEqual([]);
});

test("STYLE rule 1: no import of the repository goes against an arrow", () => {
  expect(imports.length).toBeGreaterThan(50);
  const wrong = imports.filter((edge) => isOurs(edge) && !mayImport(edge.from, edge.to, edge.typeOnly));
  expect(wrong.map(({ from, to, typeOnly }) => `${from} → ${to}${typeOnly ? " (type)" : ""}`)).toEqual([]);
});

test("the client uses zod for its types alone, so that it stays free of it at run time", () => {
  const zod = imports.filter(({ from, to, typeOnly }) => layerOf(from) === "client" && to === "zod" && !typeOnly);
  expect(zod).toEqual([]);
});

test("nothing imports the command line or the operator's tools", () => {
  const wrong = imports.filter(
    (edge) => isOurs(edge) && ["cli", "ops"].includes(layerOf(edge.to)) && layerOf(edge.from) !== layerOf(edge.to),
  );
  expect(wrong).toEqual([]);
});

test("an import cycle fails CI: the repository has none", () => {
  const next = new Map<string, string[]>();
  for (const { from, to, typeOnly } of imports.filter(isOurs)) {
    if (!typeOnly) next.set(from, [...(next.get(from) ?? []), to]);
  }
  expect(findCycle(next)).toBeNull();
  expect(
    findCycle(
      new Map([
        ["a", ["b"]],
        ["b", ["c"]],
        ["c", ["b"]],
      ]),
    ),
  ).toEqual(["b", "c", "b"]);
});

function findCycle(next: Map<string, string[]>): string[] | null {
  const done = new Set<string>();
  const visit = (file: string, path: string[]): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const target of next.get(file) ?? []) {
      const cycle = visit(target, [...path, file]);
      if (cycle) return cycle;
    }
    done.add(file);
    return null;
  };
  return [...next.keys()].map((file) => visit(file, [])).find((cycle) => cycle !== null) ?? null;
}

/** A scratch repository with our biome.json and nothing of ours. */
const scratch = mkdtempSync(join(tmpdir(), "moonseal-arrows-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const ARROW = "lint/style/noRestrictedImports";

interface Diagnostic {
  path: string;
  line: number;
  category: string;
}

function lint(sources: Record<string, string>): Diagnostic[] {
  const folder = mkdtempSync(join(scratch, "case-"));
  for (const name of ["biome.json", ".gitignore"]) cpSync(join(ROOT, name), join(folder, name));
  for (const [path, source] of Object.entries(sources)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), source);
  }
  const biome = join(ROOT, "node_modules/@biomejs/biome/bin/biome");
  const args = [biome, "lint", "--reporter=json", "--max-diagnostics=none", "."];
  const run = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  const report = JSON.parse(run.stdout) as {
    diagnostics: { category: string; location: { path: string; start: { line: number } } }[];
  };
  return report.diagnostics.map(({ category, location }) => ({
    category,
    path: location.path.replaceAll("\\", "/"),
    line: location.start.line,
  }));
}

/** What each layer's file tries to import, one a line, and whether it may. */
const attempts = Object.values(LAYERS).map(({ file, type = [], packages }) => {
  const targets = new Set([
    ...Object.values(LAYERS).map((layer) => layer.file),
    ...Object.values(LAYERS).flatMap((layer) => [...(layer.only ?? []), ...(layer.type ?? [])]),
    "src/services/log/deep/x.ts",
  ]);
  const specifier = (to: string) => {
    const path = relative(dirname(file), to).replaceAll("\\", "/");
    return path.startsWith(".") ? path : `./${path}`;
  };
  const lines = [...targets]
    .filter((to) => to !== file)
    // Biome does not tell types from values: an arrow for types is open to it, and closed by the test above.
    .map((to) => ({ import: specifier(to), allowed: mayImport(file, to, true) || type.includes(to) }));
  for (const name of packages?.allowed ?? []) lines.push({ import: name, allowed: true });
  for (const name of packages?.refused ?? []) lines.push({ import: name, allowed: false });
  return { file, lines };
});

test("Biome refuses every arrow that the table does not have, and no other", () => {
  const linted = attempts.filter(({ file }) => file !== "src/ops/x.ts");
  const report = lint(
    Object.fromEntries(
      linted.map(({ file, lines }) => [file, lines.map((line) => `import "${line.import}";\n`).join("")]),
    ),
  );
  const refused = new Set(
    report.filter(({ category }) => category === ARROW).map(({ path, line }) => `${path}:${line}`),
  );
  const wrong = linted.flatMap(({ file, lines }) =>
    lines.flatMap((line, i) => {
      const isRefused = refused.has(`${file}:${i + 1}`);
      return isRefused === line.allowed ? [`${file} → ${line.import}: ${isRefused ? "refused" : "let through"}`] : [];
    }),
  );
  expect(wrong).toEqual([]);
  expect(refused.size).toBe(linted.flatMap(({ lines }) => lines).filter((line) => !line.allowed).length);
});

test.each([
  'import type { X } from "../services/ports.ts";',
  'import { type X } from "../services/ports.ts";',
  'export * from "../services/ports.ts";',
  'export { x } from "../services/ports.ts";',
  'const x = await import("../services/ports.ts");',
])("Biome sees an arrow however it is written: %s", (source) => {
  expect(lint({ "src/core/x.ts": `${source}\n` })).toEqual([{ path: "src/core/x.ts", line: 1, category: ARROW }]);
});

test("Biome refuses an import cycle, of two files and of three in different folders", () => {
  const cycle = lint({
    "src/core/a.ts": 'import { b } from "./b.ts";\nexport const a = () => b;\n',
    "src/core/b.ts": 'import { c } from "./payload/c.ts";\nexport const b = () => c;\n',
    "src/core/payload/c.ts": 'import { a } from "../a.ts";\nexport const c = () => a;\n',
    "src/core/free.ts": 'import { a } from "./a.ts";\nexport const free = a;\n',
  });
  expect(cycle.map(({ path, category }) => `${path} ${category}`).sort()).toEqual([
    "src/core/a.ts lint/suspicious/noImportCycles",
    "src/core/b.ts lint/suspicious/noImportCycles",
    "src/core/payload/c.ts lint/suspicious/noImportCycles",
  ]);
});
