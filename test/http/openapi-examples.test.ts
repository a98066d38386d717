/** The examples of the API description: every body, answer and problem has one, and its schema accepts it. */
import { Validator } from "@cfworker/json-schema";
import { describe, expect, test } from "vitest";
import { ERROR_CODES, ERRORS } from "../../src/core/errors.ts";
import { addExamples, WITHOUT_EXAMPLE } from "../../src/http/document/examples.ts";
import type { ApiDocument, Schema } from "../../src/http/document/schema.ts";
import { operationsOf } from "../../src/http/document/schema.ts";
import { describedApi } from "../../src/http/openapi.ts";

const { document, missing } = describedApi();

function faults(value: unknown, schema: Schema): string[] {
  const { valid, errors } = new Validator({ components: document.components, ...schema } as object, "2020-12").validate(
    value,
  );
  return valid ? [] : errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}

const contents = operationsOf(document).flatMap(({ operation }) => [
  ...Object.entries(operation.requestBody?.content ?? {}).map(([type, media]) => ({
    name: `${operation.operationId} request ${type}`,
    type,
    media,
  })),
  ...Object.entries(operation.responses).flatMap(([status, { content }]) =>
    Object.entries(content ?? {}).map(([type, media]) => ({
      name: `${operation.operationId} ${status} ${type}`,
      type,
      media,
    })),
  ),
]);
const own = contents.filter(({ type }) => type !== "application/problem+json");

describe("examples", () => {
  test("no field is without a word: give it `.openapi({ example })`, or a word in src/http/document/example-values.ts", () => {
    expect(missing).toEqual([]);
  });

  test.each(own.map((each) => [each.name, each] as const))("%s", (_, { type, media }) => {
    if (WITHOUT_EXAMPLE.test(type)) return expect(media.example).toBeUndefined();
    const values = media.examples
      ? Object.values(media.examples).map((each) => (each as { value: unknown }).value)
      : [media.example];
    expect(values.length).toBeGreaterThan(0);
    for (const value of values) {
      expect(value).toBeDefined();
      expect(faults(value, media.schema)).toEqual([]);
    }
  });

  test("a value that is not the schema's is found", () => {
    const schema = { $ref: "#/components/schemas/AuditEvent" };
    expect(faults({ action: "invoice.exported", actor: { type: "user", id: "usr_42" } }, schema)).toEqual([]);
    expect(faults({ action: "Invoice Exported", actor: { type: "user", id: "usr_42" } }, schema)).not.toEqual([]);
    expect(faults({ action: "invoice.exported", actor: { type: "robot" } }, schema)).not.toEqual([]);
  });

  test("a field without a word is named with its operation, which then has no example", () => {
    const schema = { type: "object", required: ["mystery"], properties: { mystery: { type: "string" } } };
    const media = { schema };
    const operation = { operationId: "x", requestBody: { content: { "application/json": media } }, responses: {} };
    const small = { components: document.components, paths: { "/x": { post: operation } } } as unknown as ApiDocument;
    expect(addExamples(small)).toEqual([{ operationId: "x", at: "request/mystery (application/json)" }]);
    expect(media).toEqual({ schema });
  });
});

describe("problems", () => {
  test("there is no code that no operation answers", () => {
    const answered = new Set(contents.flatMap(({ media }) => Object.keys(media.examples ?? {})));
    expect(ERROR_CODES.filter((code) => !answered.has(code))).toEqual([]);
  });

  test.each(ERROR_CODES)("%s has an example that is a problem document of its status", (code) => {
    const example = document.components.examples[code];
    expect(example?.summary).toBe(ERRORS[code].title);
    expect(example?.value).toMatchObject({ code, status: ERRORS[code].status, title: ERRORS[code].title });
    expect((example?.value as { type: string }).type).toMatch(new RegExp(`^https://[a-z.]+/problems/${code}$`));
    expect(faults(example?.value, { $ref: "#/components/schemas/Problem" })).toEqual([]);
  });
});
