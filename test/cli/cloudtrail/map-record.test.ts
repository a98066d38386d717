import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mapRecord, outcomeOf } from "../../../src/cli/cloudtrail/map-record.ts";
import type { CloudTrailRecord } from "../../../src/cli/cloudtrail/parse-record.ts";
import { classifyEvent } from "../../../src/core/payload/classify.ts";
import type { JsonValue } from "../../../src/core/strict-json.ts";
import { eventSchema } from "../../../src/http/schemas/event.ts";
import { allKinds, cloudTrailRecord, recordOf } from "../support/cloudtrail-records.ts";

function eventOf(record: CloudTrailRecord) {
  const mapped = mapRecord(record);
  if (!mapped.ok) throw new Error(mapped.why);
  return mapped.event;
}

describe("identities", () => {
  const session = "arn:aws:sts::111122223333:assumed-role/Deploy/mara-session";
  test.each([
    ["Root", "user", "arn:aws:iam::111122223333:root"],
    ["IAMUser", "user", "arn:aws:iam::111122223333:user/mara"],
    ["AssumedRole", "user", session],
    ["FederatedUser", "user", "arn:aws:sts::111122223333:federated-user/jo"],
    ["SAMLUser", "user", "SampleUkh1i4+ExamplexL/jEvs=:jo"],
    ["WebIdentityUser", "user", "accounts.google.com:jo"],
    ["IdentityCenterUser", "user", "544894e8-80c1-707f-60e3-3ba6510dfac1"],
    ["Directory", "user", "d-90670c5d32"],
    ["AWSAccount", "user", "AIDAOTHER"],
    ["AWSService", "service", "autoscaling.amazonaws.com"],
    ["Unknown", "user", "AROAUNKNOWN"],
    ["Anonymous", "anonymous", undefined],
    ["Hidden", "anonymous", undefined],
    ["ServiceEvent", "service", "secretsmanager.amazonaws.com"],
    ["None", "anonymous", undefined],
  ])("%s is an actor of type %s", (identity, type, id) => {
    const { actor } = eventOf(recordOf(identity));
    expect([actor.type, actor.id]).toEqual([type, id]);
  });

  test("people are subjects, with those who stand behind a session; services are not", () => {
    expect(eventOf(recordOf("AssumedRole")).subjects).toEqual([
      { type: "user", id: session, role: "actor" },
      { type: "user", id: "mara.k", role: "source_identity" },
    ]);
    expect(eventOf(recordOf("FederatedUser")).subjects?.map(({ role }) => role)).toEqual(["actor", "session_issuer"]);
    expect(eventOf(recordOf("AWSService")).subjects).toBeUndefined();
  });

  test("an access key is the credential, a hidden user name is no name", () => {
    expect(eventOf(recordOf("IAMUser")).actor.via).toEqual({ type: "aws_access_key", id: "AKIAEXAMPLE" });
    expect(eventOf(recordOf("Hidden")).actor.name).toBeUndefined();
  });

  test("an id that is too long is stood in for by its hash, always the same", () => {
    const long = cloudTrailRecord({ userIdentity: { type: "SAMLUser", principalId: "x".repeat(300) } });
    expect(eventOf(long).actor.id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(eventOf(long)).toEqual(eventOf(long));
  });

  test("a service that is no host name has no id, since it would stand in clear", () => {
    const record = cloudTrailRecord({ userIdentity: { type: "AWSService", invokedBy: "mara@example.com" } });
    expect(eventOf(record).actor.id).toBe("s3.amazonaws.com");
  });
});

describe("outcome", () => {
  test.each([
    [{}, "success"],
    [{ errorCode: "AccessDenied" }, "denied"],
    [{ errorCode: "AccessDeniedException" }, "denied"],
    [{ errorCode: "Client.UnauthorizedOperation" }, "denied"],
    [{ errorCode: "UnauthorizedOperation" }, "denied"],
    [{ errorCode: "ThrottlingException" }, "failure"],
    [{ errorCode: "NoSuchBucketPolicy" }, "failure"],
    [{ responseElements: { ConsoleLogin: "Failure" } }, "failure"],
    [{ responseElements: { ConsoleLogin: "Success" } }, "success"],
  ] as [CloudTrailRecord, string][])("%j is %s", (changes, outcome) => {
    expect(outcomeOf(cloudTrailRecord(changes))).toBe(outcome);
  });
});

describe("what stands in clear", () => {
  test("is the listed fields and nothing that AWS wrote about people", () => {
    const record = cloudTrailRecord({ errorMessage: "User mara is not allowed", errorCode: "AccessDenied" });
    const { fields } = classifyEvent(eventOf(record), () => "f00d");
    const clear = JSON.stringify(fields);
    expect(Object.keys(fields.metadata ?? {}).sort()).toEqual([
      "aws_region",
      "error_code",
      "event_category",
      "event_name",
      "event_source",
      "event_type",
      "event_version",
      "management_event",
      "read_only",
    ]);
    for (const canary of ["mara", "203.0.113.7", "aws-cli", "AKIAEXAMPLE", "reports", "111122223333"]) {
      expect(clear).not.toContain(canary);
    }
  });

  test("never is what the guard would refuse: such a field becomes private", () => {
    const event = eventOf(cloudTrailRecord({ errorCode: "jo@example.com" }));
    expect(event.clear_metadata).not.toContain("error_code");
    expect(event.metadata).toMatchObject({ error_code: "jo@example.com" });
  });

  test("a service's host name as the source address is no IP address", () => {
    const event = eventOf(cloudTrailRecord({ sourceIPAddress: "cloudtrail.amazonaws.com" }));
    expect(event.context?.ip).toBeUndefined();
    expect(event.metadata).toMatchObject({ source_host: "cloudtrail.amazonaws.com" });
  });
});

describe("limits", () => {
  const nested = (depth: number): JsonValue => (depth === 0 ? "leaf" : { a: nested(depth - 1) });

  test("a value that is too large or too deep is left out and named, the record is kept", () => {
    const mapped = mapRecord(
      cloudTrailRecord({ requestParameters: { a: "x".repeat(20_000) }, responseElements: nested(8) }),
    );
    expect(mapped).toMatchObject({ ok: true, leftOut: ["/requestParameters", "/responseElements"] });
  });

  test("a value at the depth limit is kept", () => {
    expect(mapRecord(cloudTrailRecord({ responseElements: nested(7) }))).toMatchObject({ leftOut: [] });
  });

  test("many values share the room in a fixed order", () => {
    const half = { a: "x".repeat(9000) };
    const mapped = mapRecord(cloudTrailRecord({ responseElements: half, requestParameters: half }));
    expect(mapped).toMatchObject({ leftOut: ["/responseElements"] });
  });
});

describe("bad records", () => {
  test.each([
    [{ eventID: null }, /eventID is missing/],
    [{ eventID: "a b" }, /eventID is no usable id/],
    [{ eventTime: "yesterday" }, /eventTime/],
    [{ eventTime: null }, /eventTime/],
    [{ eventSource: 7 }, /eventSource/],
    [{ eventName: null }, /eventName/],
  ] as [CloudTrailRecord, RegExp][])("%j are reported", (changes, why) => {
    expect(mapRecord(cloudTrailRecord(changes))).toMatchObject({ ok: false, why: expect.stringMatching(why) });
  });
});

test("every kind of record gives an event that the API's own schema accepts", () => {
  for (const record of allKinds()) expect(eventSchema.safeParse(eventOf(record)).error).toBeUndefined();
});

test("whatever a record's fields hold, it becomes an acceptable event or is reported", () => {
  const fields = Object.keys(cloudTrailRecord({ errorCode: "x", errorMessage: "y" }));
  const value = fc.jsonValue({ maxDepth: 9, noUnicodeString: false }) as fc.Arbitrary<JsonValue>;
  const changes = fc.dictionary(fc.oneof(fc.constantFrom(...fields), fc.string()), value, { maxKeys: 8 });
  fc.assert(
    fc.property(changes, (changed) => {
      const mapped = mapRecord(cloudTrailRecord(changed, "1f3c0000-0000-4000-8000-000000000000"));
      if (mapped.ok) expect(eventSchema.safeParse(mapped.event).error).toBeUndefined();
      else expect(mapped.why).not.toBe("");
    }),
    { numRuns: 500 },
  );
});
