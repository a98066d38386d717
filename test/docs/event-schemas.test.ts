/** docs/event-schemas.md is run: its examples by the code that judges events, its list and its numbers against the code. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { AuditEvent } from "../../src/core/event.ts";
import { KEYWORDS } from "../../src/core/event-schema/keywords.ts";
import { schemaFaults } from "../../src/core/event-schema/vet.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { eventSchema } from "../../src/http/schemas/event.ts";
import { addEventTypeSchema } from "../../src/http/schemas/event-types.ts";
import { CompiledVersion } from "../../src/services/intake/schema-check.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/event-schemas.md"), "utf8");

function example(name: string) {
  const json = new RegExp(`<!-- example: ${name} -->\\n\\n\`\`\`json\\n(.*?)\`\`\``, "s").exec(page)?.[1];
  return JSON.parse(json ?? "null");
}

const type = addEventTypeSchema.parse(example("type"));
const { metadata_schema: metadataSchema, event_schema: eventSchemaOf, ...words } = type;
const version = new CompiledVersion({
  ...words,
  metadataSchema,
  eventSchema: eventSchemaOf,
  tenantId: "",
  version: 1,
  createdAt: "",
});
const faultsOf = (name: string) => version.faults(eventSchema.parse(example(name)) as AuditEvent);

test("the example of a type is taken", () => {
  expect(schemaFaults(metadataSchema, "metadata")).toEqual([]);
  expect(schemaFaults(eventSchemaOf ?? {}, "event")).toEqual([]);
  expect(version.clear).toEqual(["amount", "currency"]);
});

test("the event that fits does, the other is refused with the errors that stand below it", () => {
  expect(faultsOf("fits")).toEqual([]);
  expect(faultsOf("refused")).toEqual(example("errors"));
});

test("the keywords of the page are those that are taken", () => {
  const list = /<!-- keywords -->(.*?)<!-- end of keywords -->/s.exec(page)?.[1] ?? "";
  expect([...list.matchAll(/`([^`]+)`/g)].map(([, keyword]) => keyword)).toEqual(Object.keys(KEYWORDS));
});

test.each([
  ["types and versions", `${LIMITS.eventTypesPerTenant} types a tenant, ${LIMITS.eventTypeVersions} versions a type`],
  ["bytes", `${LIMITS.eventSchemaBytes / 1024} KiB a schema, ${LIMITS.eventSchemasBytes / 1024 ** 2} MiB all`],
  ["nodes", `${LIMITS.eventSchemaNodes} schemas in one, with every \`$ref\` followed, ${LIMITS.eventSchemaDepth} deep`],
  ["kinds", `past ${LIMITS.rejectedKindsWaiting} kinds between two writes`],
  ["kinds kept", `keeps the ${LIMITS.rejectedKinds} kinds`],
])("the page tells of %s what the code does", (_, text) => {
  expect(page.replaceAll(/\s+/g, " ")).toContain(text);
});
