/** CloudEvents 1.0 as events: every field of the envelope has a place, and what is wrong is named where the client finds it. */
import { describe, expect, test } from "vitest";
import { eventSchema } from "../../../src/http/schemas/event.ts";
import { actionOf, cloudEvents, DATA_IS_EVENT } from "../../../src/services/intake/cloudevents.ts";
import { type JsonObject, pointerOfOrigin } from "../../../src/services/intake/mapping.ts";
import { ocsf } from "../../../src/services/intake/ocsf/map.ts";

const envelope = (fields: JsonObject = {}): JsonObject => ({
  specversion: "1.0",
  id: "A234-1234-1234",
  source: "/mycontext/4",
  type: "com.example.someevent",
  ...fields,
});

function mapped(sent: JsonObject, inner = null as typeof ocsf | null) {
  const result = cloudEvents(inner)(sent);
  if ("errors" in result) throw new Error(JSON.stringify(result.errors));
  return result;
}

function refusedAt(sent: JsonObject): string[] {
  const result = cloudEvents(null)(sent);
  return "errors" in result ? result.errors.map(({ pointer }) => pointer) : [];
}

describe("an envelope becomes an event that is accepted", () => {
  test("the example of the specification, with extensions and data: nothing is lost", () => {
    const sent = envelope({
      subject: "larger-context",
      time: "2018-04-05T17:31:00Z",
      comexampleextension1: "value",
      comexampleothervalue: 5,
      datacontenttype: "application/json",
      data: { appinfoA: "abc", appinfoB: 123, appinfoC: true },
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    });
    const { event } = mapped(sent);
    expect(event).toEqual({
      id: expect.stringMatching(/^ce-[0-9a-f]{32}$/),
      action: "com.example.someevent",
      occurred_at: "2018-04-05T17:31:00Z",
      actor: { type: "service", id: "/mycontext/4" },
      targets: [{ type: "subject", id: "larger-context" }],
      context: { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" },
      metadata: {
        data: { appinfoA: "abc", appinfoB: 123, appinfoC: true },
        cloudevents: {
          specversion: "1.0",
          id: "A234-1234-1234",
          source: "/mycontext/4",
          type: "com.example.someevent",
          comexampleextension1: "value",
          comexampleothervalue: 5,
          datacontenttype: "application/json",
        },
      },
    });
    expect(eventSchema.safeParse(event).success).toBe(true);
    // All metadata is private: no key of it is declared clear.
    expect(event.clear_metadata).toBeUndefined();
  });

  test("an id is unique for a source: the same id of another source is another event, and the same of both the same", () => {
    const idOf = (fields: JsonObject) => mapped(envelope(fields)).event.id;
    expect(idOf({})).toBe(idOf({ type: "com.example.other" }));
    expect(idOf({ source: "/mycontext" })).not.toBe(idOf({}));
    expect(idOf({ source: "ab", id: "c" })).not.toBe(idOf({ source: "a", id: "bc" }));
    // Frozen: an id that changed would store events twice.
    expect(idOf({})).toBe("ce-48741cea13e30be8f6bcfade8017a5bc");
  });

  test.each([
    ["app_user", "user"],
    ["user", "user"],
    ["service_account", "service"],
    ["api_key", "service"],
    ["system", "system"],
  ])("the Auth Context extension names the actor: %s", (authtype, type) => {
    const { event } = mapped(envelope({ authtype, authid: "id-1" }));
    expect(event.actor).toEqual({ type, id: "id-1" });
    expect(eventSchema.safeParse(event).success).toBe(true);
  });

  test("nobody is made up: unauthenticated is anonymous, and without an id or with an unknown type it is the source", () => {
    expect(mapped(envelope({ authtype: "unauthenticated" })).event.actor).toEqual({ type: "anonymous" });
    expect(mapped(envelope({ authtype: "user" })).event.actor).toEqual({ type: "service", id: "/mycontext/4" });
    const unknown = mapped(envelope({ authtype: "unknown", authid: "x" })).event;
    expect(unknown.actor).toEqual({ type: "service", id: "/mycontext/4" });
    expect(unknown.metadata).toMatchObject({ cloudevents: { authtype: "unknown", authid: "x" } });
  });

  test.each([
    ["com.example.invoice.Exported", "com.example.invoice.exported"],
    ["google.cloud.storage.object.v1.finalized", "cloud.storage.object.v1.finalized"],
    ["UserCreated", "event.user_created"],
    ["key.created", "ce_key.created"],
    ["com.example.2fa.on", "com.example.n2fa.on"],
    ["a..b", "a.b"],
  ])("type %s is action %s", (type, action) => {
    expect(actionOf(type)).toBe(action);
    expect(eventSchema.safeParse(mapped(envelope({ type })).event).success).toBe(true);
  });

  test("data that is an event of ours is that event; the envelope says what it does not", () => {
    const data = { action: "invoice.exported", actor: { type: "user", id: "usr_42" }, metadata: { format: "csv" } };
    const { event, origin } = mapped(envelope({ dataschema: DATA_IS_EVENT, time: "2026-11-01T00:00:00Z", data }));
    expect(event).toMatchObject({
      ...data,
      occurred_at: "2026-11-01T00:00:00Z",
      metadata: { format: "csv", cloudevents: { source: "/mycontext/4" } },
    });
    expect(eventSchema.safeParse(event).success).toBe(true);
    expect(pointerOfOrigin(origin, "/actor/id")).toBe("/data/actor/id");
    expect(pointerOfOrigin(origin, "/id")).toBe("/id");
    const unknown = mapped(envelope({ dataschema: DATA_IS_EVENT, data: { ...data, colour: "red" } }));
    expect(eventSchema.safeParse(unknown.event).success).toBe(false);
    expect(pointerOfOrigin(unknown.origin, "/colour")).toBe("/data/colour");
  });

  test("an authtype that is a name every object has is an unknown one", () => {
    for (const authtype of ["constructor", "valueOf", "toString", "hasOwnProperty"]) {
      const { event } = mapped(envelope({ authtype, authid: "usr_1" }));
      expect(event.actor).toEqual({ type: "service", id: "/mycontext/4" });
    }
  });

  test("S0-29: an event that uses or shows the place of the envelope is refused: nothing is lost, nothing private gets clear", () => {
    const errors = (fields: JsonObject) =>
      refusedAt(envelope({ dataschema: DATA_IS_EVENT, data: { action: "a.b", ...fields } }));
    expect(errors({ metadata: { cloudevents: 1 } })).toEqual(["/data/metadata/cloudevents"]);
    expect(errors({ metadata: { a: 1 }, clear_metadata: ["a", "cloudevents"] })).toEqual(["/data/clear_metadata/1"]);
    expect(errors({ metadata: { a: 1 }, clear_metadata: ["a"] })).toEqual([]);
  });

  test("data that is an OCSF event, as audit logs of others send it", () => {
    const data = { class_uid: 3002, activity_id: 1, status_id: 1, user: { uid: "u-1" } };
    const { event } = mapped(envelope({ data }), ocsf);
    expect(event).toMatchObject({ action: "session.opened", actor: { type: "user", id: "u-1" } });
    expect(event.id).toMatch(/^ce-/);
    const wrong = cloudEvents(ocsf)(envelope({ data: { class_uid: 1 } }));
    expect(wrong).toMatchObject({ errors: [{ pointer: "/data/class_uid" }] });
  });
});

describe("what is no CloudEvent is refused, by its place", () => {
  test.each<[string, JsonObject, string[]]>([
    ["another version", { specversion: "0.3" }, ["/specversion"]],
    ["no id", { id: "" }, ["/id"]],
    ["an id of control characters", { id: "a\n" }, ["/id"]],
    ["a source that is no text", { source: 5 }, ["/source"]],
    ["no type", { type: "" }, ["/type"]],
    ["a type without letters", { type: "..." }, ["/type"]],
    ["data twice", { data: 1, data_base64: "AA==" }, ["/data_base64"]],
    ["an attribute in capitals", { myExtension: "a" }, ["/myExtension"]],
    ["an attribute that is an object", { ext: { a: 1 } }, ["/ext"]],
    ["values of claims", { authclaims: '{"sub":"x"}' }, ["/authclaims"]],
  ])("%s", (_, fields, pointers) => {
    expect(refusedAt(envelope(fields))).toEqual(pointers);
  });

  test("what the event cannot hold is named where it stood", () => {
    const { event, origin } = mapped(envelope({ time: "yesterday", data: "x".repeat(20_000) }));
    const result = eventSchema.safeParse(event);
    const pointers = result.error?.issues.map(({ path }) => pointerOfOrigin(origin, `/${path.join("/")}`));
    expect(pointers?.sort()).toEqual(["/data", "/time"].sort());
  });
});
