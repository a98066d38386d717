/** OCSF 1.x as events: who, what, on what, how it went; nothing about people in clear, nothing dropped. */
import { describe, expect, test } from "vitest";
import { RESERVED_ACTION_NOUNS } from "../../../src/core/event.ts";
import { eventSchema } from "../../../src/http/schemas/event.ts";
import { type JsonObject, pointerOfOrigin, valueAt } from "../../../src/services/intake/mapping.ts";
import { OCSF_CLASSES } from "../../../src/services/intake/ocsf/classes.ts";
import { ocsf } from "../../../src/services/intake/ocsf/map.ts";

const API_CALL: JsonObject = {
  class_uid: 6003,
  category_uid: 6,
  activity_id: 1,
  type_uid: 600301,
  severity_id: 1,
  status_id: 1,
  time: 1_795_253_643_221,
  metadata: { version: "1.9.0", uid: "11-22", product: { name: "CloudTrail", vendor_name: "AWS" } },
  actor: {
    user: {
      uid: "arn:aws:iam::1:user/alice",
      name: "alice",
      email_addr: "alice@example.com",
      type_id: 1,
      credential_uid: "AKIA1",
    },
    session: { uid: "sess-1", is_mfa: true },
  },
  api: { operation: "CreateUser", service: { name: "iam.amazonaws.com" }, request: { uid: "req-1" } },
  src_endpoint: { ip: "192.0.2.1", location: { country: "DE" }, port: 443 },
  http_request: { user_agent: "aws-cli/2" },
  resources: [
    { uid: "arn:aws:iam::1:user/bob", type: "AWS::IAM::User", name: "bob" },
    { uid: "vpc-1", type: "AWS::EC2::VPC" },
    { name: "no uid" },
  ],
  unmapped: { x: { y: 1 } },
};

function mapped(sent: JsonObject) {
  const result = ocsf(sent);
  if ("errors" in result) throw new Error(JSON.stringify(result.errors));
  const parsed = eventSchema.safeParse(result.event);
  expect(parsed.error?.issues ?? []).toEqual([]);
  return result;
}

describe("an OCSF event becomes an event that is accepted", () => {
  test("API Activity, whole: what is not mapped is private, what is in clear says nothing about people", () => {
    expect(mapped(API_CALL).event).toEqual({
      id: expect.stringMatching(/^ocsf-[0-9a-f]{32}$/),
      action: "iam.create_user",
      occurred_at: new Date(1_795_253_643_221).toISOString(),
      actor: {
        type: "user",
        id: "arn:aws:iam::1:user/alice",
        name: "alice",
        email: "alice@example.com",
        via: { type: "credential", id: "AKIA1" },
      },
      outcome: "success",
      targets: [
        { type: "user", id: "arn:aws:iam::1:user/bob", name: "bob" },
        { type: "aws_ec2_vpc", id: "vpc-1" },
      ],
      context: {
        ip: "192.0.2.1",
        location: { country: "DE" },
        user_agent: "aws-cli/2",
        session: "sess-1",
        request_id: "req-1",
      },
      metadata: {
        ocsf: { category_uid: 6, class_uid: 6003, activity_id: 1, type_uid: 600301, severity_id: 1, status_id: 1 },
        ocsf_unmapped: {
          metadata: API_CALL.metadata,
          actor: { user: { type_id: 1 }, session: { is_mfa: true } },
          api: { operation: "CreateUser", service: { name: "iam.amazonaws.com" } },
          src_endpoint: { port: 443 },
          resources: [{ type: "AWS::IAM::User" }, { type: "AWS::EC2::VPC" }, { name: "no uid" }],
          unmapped: { x: { y: 1 } },
        },
      },
      clear_metadata: ["ocsf"],
    });
  });

  test("the id is of the product and its uid: of another product it is another event", () => {
    const idOf = (metadata: JsonObject) => mapped({ ...API_CALL, metadata }).event.id;
    const product = { name: "CloudTrail", vendor_name: "AWS" };
    // Frozen: an id that changed would store events twice.
    expect(idOf({ uid: "11-22", product })).toBe("ocsf-c7c09c08cb80620807afc24ce9b2371a");
    expect(idOf({ uid: "x", original_event_uid: "11-22", product })).toBe(idOf({ uid: "11-22", product }));
    expect(idOf({ uid: "11-22", product: { name: "CloudTrail" } })).not.toBe(idOf({ uid: "11-22", product }));
    expect(idOf({ product })).toBeUndefined();
  });

  test("every value of what was sent stands in the event, whatever it is", () => {
    const leaves = (value: unknown): string[] =>
      value !== null && typeof value === "object" ? Object.values(value).flatMap(leaves) : [String(value)];
    const time = (text: string) =>
      text === String(API_CALL.time) ? new Date(API_CALL.time as number).toISOString() : text;
    const kept = new Set(leaves(mapped(API_CALL).event));
    for (const leaf of leaves(API_CALL).map(time)) expect(kept).toContain(leaf);
  });

  test.each<[string, JsonObject, string, string]>([
    ["a logon", { activity_id: 1, status_id: 1 }, "session.opened", "success"],
    ["a logon that failed", { activity_id: 1, status_id: 2 }, "session.refused", "failure"],
    ["a logon that was stopped", { activity_id: 1, status_id: 1, disposition_id: 2 }, "session.refused", "denied"],
    ["a logoff", { activity_id: 2, status_id: 1 }, "session.ended", "success"],
    ["by its type alone", { type_uid: 300_202 }, "session.ended", "unknown"],
    ["unknown", { activity_id: 0 }, "authentication.other", "unknown"],
    ["of a later version", { activity_id: 55, status_id: 99 }, "authentication.other", "unknown"],
  ])("Authentication: %s", (_, fields, action, outcome) => {
    const { event } = mapped({ class_uid: 3002, user: { uid: "u-1", name: "Ann" }, ...fields });
    expect(event).toMatchObject({ action, outcome, actor: { type: "user", id: "u-1", name: "Ann" } });
    expect(event.targets).toBeUndefined();
  });

  test("who asked and who it is about are two: the user of an account change is its target", () => {
    const { event } = mapped({
      class_uid: 3001,
      activity_id: 6,
      actor: { user: { uid: "admin" } },
      user: { uid: "bob", name: "Bob", email_addr: "bob@example.com" },
    });
    expect(event).toMatchObject({
      action: "user.deleted",
      actor: { type: "user", id: "admin" },
      targets: [{ type: "user", id: "bob", name: "Bob" }],
      metadata: { ocsf_unmapped: { user: { email_addr: "bob@example.com" } } },
    });
  });

  test.each<[string, JsonObject, JsonObject]>([
    ["a service account", { user: { uid: "svc", type_id: 4 } }, { type: "service", id: "svc" }],
    ["the system", { user: { uid: "SYSTEM", type_id: 3 } }, { type: "system", id: "SYSTEM" }],
    ["an application", { app_uid: "app-1" }, { type: "service", id: "app-1" }],
    ["a user without an id, by name", { user: { name: "root" } }, { type: "user", id: "root" }],
    ["nobody", {}, { type: "anonymous" }],
  ])("the actor is %s", (_, actor, expected) => {
    expect(mapped({ class_uid: 6003, activity_id: 2, actor }).event.actor).toEqual(expected);
  });

  test("a name of a machine account never stands in clear", () => {
    const { event } = mapped({ class_uid: 6003, actor: { user: { uid: "svc", name: "Ann's bot", type_id: 4 } } });
    expect(event.actor).toEqual({ type: "service", id: "svc" });
    expect(valueAt(event, "/metadata/ocsf_unmapped/actor/user/name")).toBe("Ann's bot");
  });

  test.each<[string, JsonObject, string]>([
    ["a reserved noun", { operation: "Create", service: { name: "key" } }, "ocsf_key.create"],
    ["no service", { operation: "2Fast" }, "api.call_2_fast"],
    ["no operation", { service: { name: "s3" } }, "api.read"],
    ["an operation of 10,000 capitals", { operation: "A".repeat(10_000) }, "api.read"],
  ])("an API call with %s", (_, api, action) => {
    const { event } = mapped({ class_uid: 6003, activity_id: 2, api });
    expect(event.action).toBe(action);
  });
});

test("every activity of every class has an action that a client may write", () => {
  for (const [classUid, { activities, noun }] of Object.entries(OCSF_CLASSES)) {
    for (const action of [...Object.values(activities), `${noun}.other`]) {
      expect(RESERVED_ACTION_NOUNS, `${classUid} ${action}`).not.toContain(action.split(".")[0]);
      expect(eventSchema.safeParse({ action, actor: { type: "anonymous" } }).success, action).toBe(true);
    }
  }
});

describe("what is not mapped is refused, by its place", () => {
  test.each<[unknown, string]>([
    [[], ""],
    ["x", ""],
    [{}, "/class_uid"],
    [{ class_uid: "6003" }, "/class_uid"],
    [{ class_uid: 1001 }, "/class_uid"],
    [{ class_uid: "constructor" }, "/class_uid"],
  ])("%j", (sent, pointer) => {
    expect(ocsf(sent as JsonObject)).toMatchObject({ errors: [{ pointer }] });
  });

  test("what is left over is too large: the event is refused, nothing of it is cut", () => {
    const { event, origin } = ocsf({ class_uid: 3002, raw_data: "x".repeat(20_000) }) as Exclude<
      ReturnType<typeof ocsf>,
      { errors: unknown }
    >;
    const issue = eventSchema.safeParse(event).error?.issues[0];
    expect(pointerOfOrigin(origin, `/${issue?.path.join("/")}`)).toBe("");
  });
});
