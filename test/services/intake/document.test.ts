/** docs/ingesting.md says of the mappings what the mappings are, and its examples are accepted. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { eventSchema } from "../../../src/http/schemas/event.ts";
import { CLOUDEVENTS_FIELDS, cloudEvents, DATA_IS_EVENT } from "../../../src/services/intake/cloudevents.ts";
import type { FieldMapping, JsonObject, Mapping } from "../../../src/services/intake/mapping.ts";
import { OCSF_CLASSES, OTHER_ACTIVITY } from "../../../src/services/intake/ocsf/classes.ts";
import { OCSF_FIELDS } from "../../../src/services/intake/ocsf/fields.ts";
import { OCSF_CLEAR, ocsf } from "../../../src/services/intake/ocsf/map.ts";

const text = readFileSync(path.join(import.meta.dirname, "../../../docs/ingesting.md"), "utf8");

/** The rows of the table behind a marker. */
function table(marker: string): string[] {
  const from = text.indexOf(`<!-- ${marker}: compared`);
  expect(from, marker).toBeGreaterThan(0);
  return text.slice(from, text.indexOf("<!-- end -->", from)).split("\n").slice(3).filter(Boolean);
}

const code = (value: string) => `\`${value}\``;
const row = ({ from, to }: FieldMapping) => `| ${from.map(code).join(", ")} | ${code(to)} |`;

describe("docs/ingesting.md", () => {
  test("has every mapped field, and no other", () => {
    expect(table("cloudevents")).toEqual(CLOUDEVENTS_FIELDS.map(row));
    expect(table("ocsf fields")).toEqual(OCSF_FIELDS.map(row));
  });

  test("has every class with the action of each of its activities", () => {
    const rows = Object.entries(OCSF_CLASSES).map(([uid, { name, noun, activities }]) => {
      const actions = Object.entries(activities).map(([id, action]) => `${id} ${code(action)}`);
      return `| ${uid} ${name} | ${actions.join(", ")}, else ${code(`${noun}.${OTHER_ACTIVITY}`)} |`;
    });
    expect(table("ocsf classes")).toEqual(rows);
  });

  test("names the numbers and words that hold", () => {
    expect(text).toContain(DATA_IS_EVENT);
    for (const name of OCSF_CLEAR) expect(text).toContain(code(name));
    expect(LIMITS).toMatchObject({
      appendEvents: 1000,
      appendBodyBytes: 4 * 2 ** 20,
      ingestStreamBytes: 2 ** 30,
      ingestLineBytes: 2 ** 20,
      ingestGroupBytes: 2 ** 20,
      ingestPauseMs: 500,
      ingestEmptyLines: 100_000,
      inflatedFreeBytes: 16 * 2 ** 20,
      inflatedRatio: 200,
      zstdWindowLog: 23,
      metadataBytes: 16 * 1024,
    });
  });

  test.each<[string, string, Mapping]>([
    ["CloudEvents", "specversion", cloudEvents(null)],
    ["OCSF", "class_uid", ocsf],
  ])("the example of %s is accepted", (_, field, mapping) => {
    const examples = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(([, example]) => example ?? "");
    const sent = JSON.parse(examples.find((example) => example.includes(`{ "${field}"`)) ?? "null") as JsonObject;
    const result = mapping(sent);
    expect(eventSchema.safeParse("event" in result ? result.event : null).success).toBe(true);
  });
});
