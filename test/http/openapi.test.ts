/** The API description: every route is in it, with what a client must know, and it holds together. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { ERRORS } from "../../src/core/errors.ts";
import { cellApp } from "../../src/http/app.ts";
import { componentOf, eachObject } from "../../src/http/document/schema.ts";
import { TAGS } from "../../src/http/document/tags.ts";
import { openApiDocument } from "../../src/http/openapi.ts";
import { PERMISSION_NAMES } from "../../src/services/permissions.ts";

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security?: { bearer: [] }[];
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema: object }[];
  requestBody?: { required?: boolean; content: Record<string, unknown> };
  responses: Record<string, { description: string; content?: Record<string, { schema: unknown }> }>;
  "x-permission": string;
}
interface Document {
  openapi: string;
  info: { title: string; version: string; description: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown>; securitySchemes: Record<string, unknown> };
}

const document = JSON.parse(JSON.stringify(openApiDocument())) as Document;
const operations = Object.entries(document.paths).flatMap(([address, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ address, method, operation })),
);
const named = operations.map((entry) => [entry.operation.operationId, entry] as const);

describe("the description", () => {
  test("is the committed one (npm run openapi writes it)", () => {
    const committed = readFileSync(path.join(import.meta.dirname, "../../docs/openapi.json"), "utf8");
    expect(document).toEqual(JSON.parse(committed));
  });

  test("holds every route of the app and no other", () => {
    const app = cellApp(() => {
      throw new Error("no request is made");
    });
    // A handler that is mounted for all methods is middleware.
    const mounted = app.routes.filter(({ method }) => method !== "ALL");
    const routes = new Set(mounted.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`));
    expect(routes).toEqual(new Set(operations.map(({ method, address }) => `${method.toUpperCase()} ${address}`)));
    expect(routes.size).toBeGreaterThan(15);
  });

  test("is OpenAPI 3.1 with a bearer scheme, and every reference in it resolves", () => {
    expect(document.openapi).toBe("3.1.0");
    expect(document.components.securitySchemes).toMatchObject({ bearer: { type: "http", scheme: "bearer" } });
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref as string);
    expect(refs.length).toBeGreaterThan(10);
    for (const ref of refs) {
      const target = ref
        .split("/")
        .slice(1)
        .reduce<unknown>((at, token) => (at as Record<string, unknown> | undefined)?.[token], document);
      expect(ref.startsWith("#/") && target, ref).toBeTypeOf("object");
    }
  });

  test("has patterns that readers can use: without the flags of a language", () => {
    const patterns: string[] = [];
    eachObject(document, ({ pattern }) => typeof pattern === "string" && patterns.push(pattern));
    expect(patterns.length).toBeGreaterThan(20);
    for (const pattern of patterns) {
      expect(() => new RegExp(pattern, "u"), pattern).not.toThrow();
      expect(pattern).not.toMatch(/\/[a-z]+$|\\p\{/);
    }
  });

  test("explains each tag, and has none that nobody uses", () => {
    const used = new Set(operations.flatMap(({ operation }) => operation.tags));
    expect(new Set(document.tags.map(({ name }) => name))).toEqual(used);
    expect(new Set(TAGS.map(({ name }) => name)).size).toBe(TAGS.length);
    for (const { description } of document.tags) expect(description).toMatch(/\S.+\.$/);
  });

  test("has no component that nobody refers to", () => {
    const used = new Set<string | null>();
    eachObject(document, (object) => used.add(componentOf(object)));
    expect(Object.keys(document.components.schemas).filter((name) => !used.has(name))).toEqual([]);
  });

  test("has no keyword that 3.1 dropped", () => {
    expect(JSON.stringify(document)).not.toMatch(/"nullable":|"exclusiveMinimum":true|"exclusiveMaximum":true/);
  });

  test("names each operation once", () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("explains each permission", () => {
    for (const permission of PERMISSION_NAMES) expect(document.info.description).toContain(`\`${permission}\``);
  });
});

describe("S2-9 each operation", () => {
  test.each(named)("%s has a name, a summary, a tag, and declares its permission", (_, { operation }) => {
    expect(operation.operationId).toMatch(/^[a-z][A-Za-z]+$/);
    expect(operation.summary).toMatch(/\S/);
    expect(operation.tags).toHaveLength(1);
    expect([...PERMISSION_NAMES, "public", "any_credential"]).toContain(operation["x-permission"]);
  });

  test.each(named)("%s asks for a credential unless it is public, and says what is answered without", (_, entry) => {
    const { operation } = entry;
    if (operation["x-permission"] === "public") {
      expect(operation.security).toBeUndefined();
      return;
    }
    expect(operation.security).toEqual([{ bearer: [] }]);
    const expected = operation["x-permission"] === "any_credential" ? ["401"] : ["401", "403", "404"];
    for (const status of expected) expect(Object.keys(operation.responses)).toContain(status);
  });

  test.each(named)("%s declares its parameters, and its problems as problem documents", (_, { address, operation }) => {
    const inPath = [...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
    expect(declared.map(({ name }) => name)).toEqual(inPath);
    for (const { required } of declared) expect(required).toBe(true);
    // Words for a name stand in src/http/document/parameters.ts.
    for (const { name, description } of operation.parameters ?? []) expect(description, name).toMatch(/\S/);
    const statuses = Object.keys(operation.responses).map(Number);
    // A page may do nothing but send the browser on.
    expect(statuses.some((status) => status < 400)).toBe(true);
    // Another specification gives this one answer its type (C2SP tlog-witness).
    const isOwn = (status: number) => status !== 409 || operation.operationId !== "addCheckpoint";
    for (const status of statuses.filter((candidate) => candidate >= 400).filter(isOwn)) {
      const { content, description } = operation.responses[status] ?? { description: "" };
      const codes = [...description.matchAll(/`([a-z_.]+)`: /g)].map(([, code]) => code as keyof typeof ERRORS);
      const examples = Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
      // Pages and their forms answer what went wrong with a page, or before they are reached with a problem document.
      const isPage = /^\/v1\/auth\//.test(address) && "text/html" in (content ?? {});
      expect(content, `${status}`).toEqual({
        ...(isPage ? { "text/html": { schema: { type: "string" } } } : {}),
        "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" }, examples },
      });
      expect(codes.length).toBeGreaterThan(0);
      for (const code of codes) expect(ERRORS[code].status).toBe(status);
    }
  });

  test.each(named.filter(([, { operation }]) => operation.requestBody))(
    "%s demands its body, and says what is answered to a bad one",
    (_, { operation }) => {
      expect(operation.requestBody?.required).toBe(true);
      // C2SP tlog-witness names no content type, so any is taken.
      const byType = "text/plain" in (operation.requestBody?.content ?? {}) ? [] : ["415"];
      for (const status of ["400", "413", "422", ...byType]) expect(Object.keys(operation.responses)).toContain(status);
    },
  );
});

describe("T6 what a client may send", () => {
  test.each(["CreateTenant", "CreateDomain", "CreateApiKey", "AuditEvent"])("%s takes no unknown field", (name) => {
    expect(document.components.schemas[name]).toMatchObject({ additionalProperties: false });
  });

  test("has no field for what the log decides", () => {
    const event = document.components.schemas.AuditEvent as { properties: object };
    for (const field of ["seq", "prev_hash", "entry_hash", "domain", "domain_id", "recorded_at", "salt", "private"]) {
      expect(event.properties).not.toHaveProperty(field);
    }
  });
});
