/** Whatever JSON comes, in whatever format: an event that is accepted, or a refusal with places. Nothing throws. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonValue } from "../../../src/core/strict-json.ts";
import { shapeErrors } from "../../../src/http/intake/check.ts";
import { cloudEvents, DATA_IS_EVENT } from "../../../src/services/intake/cloudevents.ts";
import { guardCheck } from "../../../src/services/intake/guard.ts";
import type { Mapping } from "../../../src/services/intake/mapping.ts";
import { ocsf } from "../../../src/services/intake/ocsf/map.ts";
import { isRefused } from "../../../src/services/intake/offered.ts";
import { readerOf } from "../../../src/services/intake/read.ts";

/** Names that every object has, and those that the formats read. */
const NAMES = [
  "constructor",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "length",
  "type",
  "id",
  "uid",
  "name",
  "user",
  "actor",
];
const FIELDS = [
  ...NAMES,
  ...["data", "data_base64", "source", "subject", "time", "authtype", "authid", "dataschema", "action", "targets"],
  ...[
    "metadata",
    "clear_metadata",
    "context",
    "changes",
    "caveats",
    "subjects",
    "on_behalf_of",
    "occurred_at",
    "outcome",
  ],
  ...[
    "class_uid",
    "activity_id",
    "type_uid",
    "status_id",
    "type_id",
    "api",
    "operation",
    "service",
    "session",
    "resources",
  ],
];
const leaf = fc.oneof(
  fc.constantFrom<JsonValue>(null, true, -3.68e-77, 6003, 3002, 1, "", "app_user", ...NAMES),
  fc.string(),
);
const values = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...FIELDS), tie("value"), { maxKeys: 8, noNullPrototype: true }),
  ),
})).value;
const envelope = fc.tuple(values, fc.constantFrom(DATA_IS_EVENT, undefined)).map(([fields, dataschema]) => ({
  ...(fields !== null && typeof fields === "object" && !Array.isArray(fields) ? fields : { data: fields }),
  ...{ specversion: "1.0", id: "1", source: "/s", type: "a.b" },
  ...(dataschema === undefined ? {} : { dataschema }),
}));
const event = values.map((fields) => ({
  ...{ action: "a.b", actor: { type: "service", id: "ci" }, outcome: "success", occurred_at: "2026-11-01T00:00:00Z" },
  metadata: { fields },
  clear_metadata: ["fields"],
}));
const FORMATS: [string, Mapping | null][] = [
  ["events", null],
  ["CloudEvents", cloudEvents(null)],
  ["CloudEvents with OCSF in them", cloudEvents(ocsf)],
  ["OCSF", ocsf],
];

describe("any JSON value", () => {
  test.each(FORMATS)("as %s is accepted or refused, and never a fault", async (_, mapping) => {
    const check = await guardCheck("redact");
    const read = readerOf({ mapping, shapeErrors, check });
    const logon = values.map((fields) => ({ ...(fields as object), class_uid: 3002, activity_id: 1 }));
    fc.assert(
      fc.property(fc.oneof(values, envelope, event, logon), (value) => {
        const result = read(value as JsonValue);
        if (isRefused(result)) expect(result.errors.length).toBeGreaterThan(0);
        else expect(shapeErrors(result.event as unknown as JsonValue)).toEqual([]);
      }),
      { numRuns: 1500 },
    );
  });
});
