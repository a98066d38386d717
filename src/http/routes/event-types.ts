/** Action types of a tenant's own. `GET /v1/event-types`, the registry of every deployment, is in catalogue.ts. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { actionTypes } from "../../core/actions/index.ts";
import { AppError, type FieldError } from "../../core/errors.ts";
import { schemaFaults } from "../../core/event-schema/vet.ts";
import { findInClearText } from "../../core/payload/guard.ts";
import type { EventTypeView } from "../../services/event-types/changes.ts";
import { versionHash, versionJson } from "../../services/event-types/jobs.ts";
import type { EventTypeRecord, EventTypeVersion, EventTypeWords } from "../../services/ports.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { demandMatch, ifMatchHeaders } from "../etag.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import {
  actionParam,
  addEventTypeSchema,
  addVersionSchema,
  eventTypeVersionSchema,
  ownEventTypeSchema,
  ownEventTypesSchema,
  versionParam,
} from "../schemas/event-types.ts";
import { tenantIdSchema } from "../schemas/resources.ts";
import { invalid } from "../validation.ts";

const TAG = "Event types";
const params = z.object({ tenantId: tenantIdSchema });
const oneType = z.object({ tenantId: tenantIdSchema, action: actionParam });
const typeAnswer = { "application/json": { schema: ownEventTypeSchema } };
const ifMatch = ifMatchHeaders("The `ETag` of the type as it was read.");
const BODY_PROBLEMS = ["request.malformed", "request.unsupported_media_type", "request.too_large"] as const;
const MATCH_PROBLEMS = ["precondition.required", "precondition.failed"] as const;
const NO_STORE = { "Cache-Control": "no-store" };

const listEventTypes = declareRoute({
  method: "get",
  path: "/v1/tenants/{tenantId}/event-types",
  operationId: "listEventTypes",
  summary: "List the tenant's own action types",
  tag: TAG,
  permission: "event_schema.read",
  problems: ["storage.unavailable"],
  request: {
    params,
    query: z.strictObject({
      all: z.enum(["true"]).optional().openapi({ description: "Also what every deployment knows" }),
    }),
  },
  responses: {
    200: { description: "By action", content: { "application/json": { schema: ownEventTypesSchema } } },
  },
});

const addEventType = declareRoute({
  method: "post",
  path: "/v1/tenants/{tenantId}/event-types",
  operationId: "addEventType",
  summary: "Add an action type with the schema of its events",
  description:
    "From then on every event of the action, in every domain of the tenant, has to fit the newest version or the one that it names; felt everywhere within ten seconds. Neither a type nor a version is ever edited or deleted. The change and its entry in the tenant's log are one.",
  tag: TAG,
  permission: "event_schema.manage",
  problems: [...BODY_PROBLEMS, "event_type.exists", "limit.reached", "storage.unavailable"],
  before: [strictJsonBody],
  request: { params, body: { required: true, content: { "application/json": { schema: addEventTypeSchema } } } },
  responses: { 201: { description: "Added", content: typeAnswer } },
});

const readEventType = declareRoute({
  method: "get",
  path: "/v1/tenants/{tenantId}/event-types/{action}",
  operationId: "readEventType",
  summary: "Read one of the tenant's own action types",
  description: "Send the `ETag` of the answer as `If-Match` to add a version, or to withdraw it.",
  tag: TAG,
  permission: "event_schema.read",
  problems: ["storage.unavailable"],
  request: { params: oneType },
  responses: { 200: { description: "The type with its newest version", content: typeAnswer } },
});

const addEventTypeVersion = declareRoute({
  method: "post",
  path: "/v1/tenants/{tenantId}/event-types/{action}/versions",
  operationId: "addEventTypeVersion",
  summary: "Add a version to an action type",
  description:
    "Events that name an older version are checked against that one. A type that was withdrawn is in use again.",
  tag: TAG,
  permission: "event_schema.manage",
  problems: [...BODY_PROBLEMS, ...MATCH_PROBLEMS, "limit.reached", "storage.unavailable"],
  before: [strictJsonBody],
  request: {
    params: oneType,
    headers: ifMatch,
    body: { required: true, content: { "application/json": { schema: addVersionSchema } } },
  },
  responses: { 201: { description: "Added", content: typeAnswer } },
});

const readEventTypeVersion = declareRoute({
  method: "get",
  path: "/v1/tenants/{tenantId}/event-types/{action}/versions/{version}",
  operationId: "readEventTypeVersion",
  summary: "Read one version of an action type, which never changes",
  description: "The `ETag` is the SHA-256 that the entry of the version in the tenant's log names.",
  tag: TAG,
  permission: "event_schema.read",
  problems: ["storage.unavailable"],
  request: { params: oneType.extend({ version: versionParam }) },
  responses: {
    200: { description: "The version", content: { "application/json": { schema: eventTypeVersionSchema } } },
  },
});

const withdrawEventType = declareRoute({
  method: "post",
  path: "/v1/tenants/{tenantId}/event-types/{action}/withdraw",
  operationId: "withdrawEventType",
  summary: "Have the events of an action type refused from now on",
  description: "In every domain of the tenant, within ten seconds. Entries stay what they are.",
  tag: TAG,
  permission: "event_schema.manage",
  problems: [...MATCH_PROBLEMS, "storage.unavailable"],
  request: { params: oneType, headers: ifMatch },
  responses: { 200: { description: "The type as it is now", content: typeAnswer } },
});

export function eventTypeRoutes(app: CellApp): void {
  mount(app, listEventTypes, async (c) => {
    const { eventTypes } = c.get("services");
    const { tenantId } = c.req.valid("param");
    await demandTenant(c, tenantId);
    const [types, newest] = await Promise.all([eventTypes.types(tenantId), eventTypes.newest(tenantId)]);
    const words = new Map(newest.map((version) => [version.action, version]));
    const event_types = types.flatMap((type) => {
      const version = words.get(type.action);
      return version ? [{ ...typeJson(type), ...describedJson(version) }] : [];
    });
    const all = c.req.valid("query").all === "true";
    return c.json(all ? { event_types, known: known() } : { event_types }, 200, NO_STORE);
  });

  mount(app, addEventType, async (c) => {
    const { tenantId } = c.req.valid("param");
    await demandTenant(c, tenantId);
    const { action, ...body } = c.req.valid("json");
    const words = demandWords(body);
    const view = await c
      .get("services")
      .desk(tenantId)
      .changeEventType({ kind: "add", action, words, by: askedBy(c) });
    c.header("Location", `/v1/tenants/${tenantId}/event-types/${action}`);
    return c.json(await viewJson(c, view), 201, { ETag: etagOf(view.type), ...NO_STORE });
  });

  mount(app, readEventType, async (c) => {
    const { eventTypes } = c.get("services");
    const { tenantId, action } = c.req.valid("param");
    const type = await demandType(c, tenantId, action);
    const version = await eventTypes.version(tenantId, action, type.newest);
    if (!version) throw new AppError("resource.not_found");
    return c.json(await viewJson(c, { type, version }), 200, { ETag: etagOf(type), ...NO_STORE });
  });

  mount(app, addEventTypeVersion, async (c) => {
    const { tenantId, action } = c.req.valid("param");
    const of = await demandType(c, tenantId, action);
    demandMatch(c.req.header("If-Match"), etagOf(of));
    const words = demandWords(c.req.valid("json"));
    const desk = c.get("services").desk(tenantId);
    const view = await desk.changeEventType({ kind: "version", action, words, of, by: askedBy(c) });
    return c.json(await viewJson(c, view), 201, { ETag: etagOf(view.type), ...NO_STORE });
  });

  mount(app, readEventTypeVersion, async (c) => {
    const { tenantId, action, version: number } = c.req.valid("param");
    const version = await c.get("services").eventTypes.version(tenantId, action, Number(number));
    if (!version) throw new AppError("resource.not_found");
    const cache = { "Cache-Control": "private, max-age=86400, immutable" };
    return c.json(versionJson(version), 200, { ETag: `"${versionHash(version)}"`, ...cache });
  });

  mount(app, withdrawEventType, async (c) => {
    const { tenantId, action } = c.req.valid("param");
    const of = await demandType(c, tenantId, action);
    demandMatch(c.req.header("If-Match"), etagOf(of));
    const desk = c.get("services").desk(tenantId);
    const view = await desk.changeEventType({ kind: "withdraw", action, of, by: askedBy(c) });
    return c.json(await viewJson(c, view), 200, { ETag: etagOf(view.type), ...NO_STORE });
  });
}

async function demandTenant(c: Context<HttpEnv>, tenantId: string): Promise<void> {
  if (!(await c.get("services").control.tenant(tenantId))) throw new AppError("resource.not_found");
}

async function demandType(c: Context<HttpEnv>, tenantId: string, action: string): Promise<EventTypeRecord> {
  const type = await c.get("services").eventTypes.type(tenantId, action);
  if (!type) throw new AppError("resource.not_found");
  return type;
}

type Body = Omit<z.infer<typeof addVersionSchema>, "people"> & { people: EventTypeWords["people"] };

/** Throws `request.invalid`, naming every place of a schema that is none. */
function demandWords({ metadata_schema, event_schema, people, ...described }: Body): EventTypeWords {
  const at = (prefix: string) => (error: FieldError) => ({ ...error, pointer: prefix + error.pointer });
  const errors = schemaFaults(metadata_schema, "metadata").map(at("/metadata_schema"));
  if (event_schema) errors.push(...schemaFaults(event_schema, "event").map(at("/event_schema")));
  if (findInClearText(described.description)) {
    errors.push({ pointer: "/description", detail: "must not hold personal data or a secret" });
  }
  if (errors.length > 0) throw invalid(errors);
  const once = [...new Set(people)];
  return { ...described, people: once, metadataSchema: metadata_schema, eventSchema: event_schema };
}

/** Of what a type may become: a version more, withdrawn. */
const etagOf = ({ newest, withdrawnAt }: EventTypeRecord) => `"${newest}${withdrawnAt === null ? "" : "-withdrawn"}"`;

const typeJson = ({ action, newest, createdAt, withdrawnAt }: EventTypeRecord) => ({
  action,
  newest,
  created_at: createdAt,
  withdrawn_at: withdrawnAt,
});

const describedJson = ({ description, category, does, sensitivity, people }: EventTypeVersion) => ({
  description,
  category,
  does,
  sensitivity,
  people: [...people],
});

async function viewJson(c: Context<HttpEnv>, { type, version }: EventTypeView) {
  const all = await c.get("services").eventTypes.versions(type.tenantId, type.action);
  const versions = all.map((each) => ({
    version: each.version,
    created_at: each.createdAt,
    sha256: versionHash(each),
  }));
  return { ...typeJson(type), current: versionJson(version), versions };
}

const known = () =>
  actionTypes({}).map(({ name, says, category, does, sensitivity, people, writtenBy }) => ({
    action: name,
    description: says,
    category,
    does,
    sensitivity,
    people: [...people],
    written_by: writtenBy,
  }));
