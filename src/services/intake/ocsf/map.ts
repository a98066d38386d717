/**
 * OCSF 1.x: API Activity, Authentication and the other classes of the IAM category become events. The rest of the event, whole,
 * is one private value; numbers of the classification stand in clear.
 */
import { MAX_ACTION_CHARS } from "../../../core/event.ts";
import type { JsonValue } from "../../../core/strict-json.ts";
import { derivedId, foreignAction, segment } from "../converters.ts";
import { Draft, isObject, type JsonObject, type Mapped, type Mapping, valueAt } from "../mapping.ts";
import { API_ACTIVITY, AUTHENTICATION, OCSF_CLASSES, type OcsfClass, OTHER_ACTIVITY } from "./classes.ts";
import { OCSF_FIELDS } from "./fields.ts";
import { takeActor, takeTargets } from "./people.ts";

/** In clear, under `/metadata/ocsf`, where they are whole numbers. */
export const OCSF_CLEAR = ["category_uid", "class_uid", "activity_id", "type_uid", "severity_id", "status_id"] as const;

const AWS_SUFFIX = /\.amazonaws\.com(?:\.cn)?$/;
const LOGON = 1;

export const ocsf: Mapping = (value) => {
  if (!isObject(value)) return { errors: [{ pointer: "", detail: "must be an OCSF event" }] };
  const classUid = value.class_uid;
  const ocsfClass = typeof classUid === "number" ? OCSF_CLASSES[classUid] : undefined;
  if (typeof classUid !== "number" || !ocsfClass) {
    const known = Object.keys(OCSF_CLASSES).join(", ");
    return { errors: [{ pointer: "/class_uid", detail: `must be a class that is mapped: ${known}` }] };
  }
  return mapped(value, classUid, ocsfClass);
};

function mapped(sent: JsonObject, classUid: number, ocsfClass: OcsfClass): Mapped {
  const draft = new Draft(sent);
  const activity = activityOf(sent, classUid);
  putId(draft, sent);
  draft.take(OCSF_FIELDS);
  // Whatever does not say how it went may have gone either way.
  if (draft.event.outcome === undefined) draft.put("/outcome", "unknown", "/status_id");
  const action = actionOf(draft, classUid, ocsfClass, activity);
  draft.put("/action", action, classUid === API_ACTIVITY ? "/api/operation" : "/activity_id");
  takeActor(draft, ocsfClass);
  takeTargets(draft);
  takeClear(draft);
  draft.keepRest("ocsf_unmapped");
  return { event: draft.event, origin: draft.origin };
}

/** `type_uid` holds both (`class_uid` times 100 and the activity), for those who send only it. */
function activityOf({ activity_id, type_uid }: JsonObject, classUid: number): number {
  if (typeof activity_id === "number") return activity_id;
  return typeof type_uid === "number" && Math.floor(type_uid / 100) === classUid ? type_uid % 100 : 0;
}

function actionOf(draft: Draft, classUid: number, { noun, activities }: OcsfClass, activity: number): string {
  const known = Object.hasOwn(activities, activity) ? activities[activity] : undefined;
  const refused = draft.event.outcome === "failure" || draft.event.outcome === "denied";
  if (classUid === AUTHENTICATION && activity === LOGON && refused) return "session.refused";
  if (classUid === API_ACTIVITY) {
    const called = apiAction(draft.rest);
    if (called) return called;
  }
  return known ?? `${noun}.${OTHER_ACTIVITY}`;
}

/** `<service>.<operation>`, both in lower snake case; null without an operation. */
function apiAction(rest: JsonObject): string | null {
  const operation = segment(valueAt(rest, "/api/operation"), "call_");
  if (operation === undefined) return null;
  const names = ["/api/service/name", "/api/service/uid", "/metadata/product/name"].map((place) =>
    valueAt(rest, place),
  );
  const named = names.find((name) => typeof name === "string" && name !== "") as string | undefined;
  const service = segment(named?.slice(0, 256).replace(AWS_SUFFIX, ""), "service_") ?? "api";
  const action = foreignAction(`${service}.${operation}`, "ocsf");
  return action.length <= MAX_ACTION_CHARS ? action : `api.${operation}`.slice(0, MAX_ACTION_CHARS);
}

/** An id is unique for the product that gave it, so the product is part of it; the id itself stays in the private rest. */
function putId(draft: Draft, sent: JsonObject): void {
  const place = ["/metadata/original_event_uid", "/metadata/uid"].find((at) => nonEmpty(valueAt(sent, at)));
  if (place === undefined) return;
  const words = ["/metadata/product/vendor_name", "/metadata/product/uid", "/metadata/product/name", place];
  const texts = words.map((at) => valueAt(sent, at)).map((word) => (typeof word === "string" ? word : ""));
  draft.put("/id", derivedId("ocsf", ...texts), place);
}

const nonEmpty = (value: JsonValue | undefined) => typeof value === "string" && value !== "";

function takeClear(draft: Draft): void {
  for (const key of OCSF_CLEAR) {
    const value = draft.rest[key];
    if (typeof value !== "number" || !Number.isSafeInteger(value)) continue;
    draft.put(`/metadata/ocsf/${key}`, value, `/${key}`);
    draft.remove(`/${key}`);
  }
  draft.event.clear_metadata = ["ocsf"];
}
