/** What the Workers of a deployment hold once they are bundled: no statement that changes an entry, and no host of a third party. */
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { REPOSITORY } from "../../src/ops/paths.ts";
import { readSources } from "../../src/ops/query-scopes.ts";

const ENTRIES = ["src/cell.ts", "src/gateway/index.ts"];
const built = new Map<string, string>();

beforeAll(async () => {
  for (const entry of ENTRIES) {
    const { outputFiles } = await build({
      entryPoints: [entry],
      absWorkingDir: REPOSITORY,
      bundle: true,
      write: false,
      platform: "neutral",
      mainFields: ["module", "main"],
      conditions: ["workerd", "worker", "browser"],
      external: ["cloudflare:*", "node:*", "buffer", "crypto"],
      format: "esm",
      target: "es2024",
      charset: "utf8",
      legalComments: "none",
      minifyWhitespace: true,
    });
    built.set(entry, outputFiles[0]?.text ?? "");
  }
});

const found = (pattern: RegExp) =>
  ENTRIES.flatMap((entry) => [...(built.get(entry) ?? "").matchAll(pattern)].map((match) => match[0]));
const flat = (text: string) => text.replaceAll(/\\n|\s+/g, " ").replaceAll(/ +/g, " ");

describe("S1-4 the built Workers", () => {
  test("S4-12 hold no UPDATE and no REPLACE of audit_log", () => {
    expect(found(/UPDATE\s+(?:OR\s+\w+\s+)?["`]?audit_log["`]?\s+SET/gi)).toEqual([]);
    expect(found(/(?:INSERT\s+OR\s+)?REPLACE\s+INTO\s+["`]?audit_log\b/gi)).toEqual([]);
    expect(found(/\.(?:update|delete)\(auditLog\w*\)/g)).toEqual([]);
  });

  test("S1-4, S4-2 hold two DELETEs of its rows, which the guards let through by a release alone: the sweep of a tenant that is deleted, and the prune", () => {
    expect(found(/DELETE\s+FROM\s+["`]?audit_log\b[^"'`]*/gi).map(flat)).toEqual([
      "DELETE FROM audit_log WHERE domain_id = ?1 AND seq < (SELECT min(seq) FROM audit_log WHERE domain_id = ?1) + ${rows}",
      "DELETE FROM audit_log WHERE domain_id = ?1 AND seq BETWEEN ?2 AND ?3 AND ${THERE}",
    ]);
  });

  test("do append to it: the search looks at what is there", () => {
    expect(found(/INSERT\s+INTO\s+["`]?audit_log\b/gi).length).toBeGreaterThan(0);
  });
});

/** Every host that is written into a Worker, and why nothing of a tenant goes there. */
const HOSTS: Readonly<Record<string, string>> = {
  "api.example.org": "an example of the API description",
  "app.example.org": "an example of the API description",
  "keys.acme.example": "an example of the API description",
  "login.example.org": "an example of the API description",
  "github.com": "words of a package, in an error",
  "json-schema.org": "the name of a dialect",
  keeper: "no host: one object asks another of the same cell",
  "kms.": "AWS KMS in the region that a tenant names, when it keeps its key there",
  localhost: "examples, and what addresses of tenants may not be",
  "mds.fidoalliance.org": "a list of authenticators in a package; nothing here asks for it",
  "paulmillr.com": "words of a package",
  "schemas.openid.net": "the name of a claim of OpenID",
  "simplewebauthn.dev": "words of a package",
  "w3c.github.io": "words of a package",
  "www.apache.org": "the licence of the API description",
  "www.w3.org": "words of a package",
};

/** Each place that sends a request out of a cell, and whose address it is. */
const DOORS: Readonly<Record<string, string>> = {
  "durable-objects/domain-log/witness-exchange.ts":
    "witnesses: hashes only, to addresses of the operator's configuration",
  "durable-objects/tenant-desk/sso.ts": "a tenant's own identity provider, at the tenant's address",
  "src/services/access/factors/breaches.ts":
    "five characters of a password's hash, to the address of the operator's configuration",
  "src/services/access/sso/ask.ts": "a tenant's own identity provider, at the tenant's address",
  "src/services/monitoring/post.ts":
    "alerts and signs of life of jobs, in codes, to addresses of the operator's configuration",
  "src/storage/key-services/exchange.ts": "a tenant's own key service, at the tenant's address",
};

describe("S2-29 S2-41 S3-45 nothing of a tenant leaves for third parties: no analytics, no collector of errors, no model", () => {
  test("every host that is written into a Worker is known", () => {
    const hosts = found(/https?:\/\/[A-Za-z0-9.-]+/g).map((url) => url.replace(/^https?:\/\//, ""));
    expect([...new Set(hosts)].sort()).toEqual(Object.keys(HOSTS).sort());
  });

  test("every place that sends a request out is known, and what it asks is configured by the operator or the tenant", () => {
    const senders = readSources().filter(({ text }) => /(?<![.\w])fetch\(|=\s*fetch\b/.test(text));
    const outside = senders.filter(({ file }) => !NO_DOORS.has(file)).map(({ file }) => file);
    expect(outside.filter((file) => !(file in DOORS))).toEqual([]);
    expect(outside).toContain("src/storage/key-services/exchange.ts");
  });

  test("the package's list of authenticators is asked for by nothing", () => {
    expect(readSources().filter(({ text }) => /MetadataService/.test(text))).toEqual([]);
  });
});

/** Declare a handler of that name, or ask an object of the same cell. */
const NO_DOORS = new Set(["durable-objects/domain-keeper.ts"]);
