/** Who did it and what it was done to, of an OCSF event. */

import { LIMITS } from "../../../core/limits.ts";
import type { JsonValue } from "../../../core/strict-json.ts";
import { identityId, lineOf, typeName } from "../converters.ts";
import { type Draft, isObject, type JsonObject, valueAt } from "../mapping.ts";
import type { OcsfClass } from "./classes.ts";
import { personFields, SERVICE_ID } from "./fields.ts";

/** `user.type_id`: accounts of machines. Everybody else is a person, whose id becomes a pseudonym. */
const MACHINES: Readonly<Record<number, "system" | "service">> = { 3: "system", 4: "service" };
/** Resources and entities whose type says so are people: their ids never stand in clear. */
const PERSON = /(?:^|_)(?:users?|person|people|accounts?|principals?|identity|identities|employee|customer)(?:_|$)/;
const name = lineOf(LIMITS.nameChars);

/**
 * The user of `actor`; where there is none, the `user` of an authentication; else the application or the service that called;
 * else nobody that is known.
 */
export function takeActor(draft: Draft, ocsfClass: OcsfClass): void {
  const places = ocsfClass.userActs ? ["/actor/user", "/user"] : ["/actor/user"];
  for (const place of places) {
    const user = valueAt(draft.rest, place);
    if (!isObject(user)) continue;
    const machine = typeof user.type_id === "number" ? MACHINES[user.type_id] : undefined;
    draft.take(personFields(place).slice(0, machine === undefined ? undefined : 1));
    if (valueAt(draft.event, "/actor/id") === undefined) continue;
    draft.put("/actor/type", machine ?? "user", `${place}/type_id`);
    takeCredential(draft, place);
    return;
  }
  draft.take([{ from: SERVICE_ID, to: "/actor/id", as: identityId }]);
  const known = valueAt(draft.event, "/actor/id") !== undefined;
  draft.put("/actor/type", known ? "service" : "anonymous", "/actor");
}

function takeCredential(draft: Draft, user: string): void {
  draft.take([
    { from: [`${user}/credential_uid`, "/actor/session/credential_uid"], to: "/actor/via/id", as: identityId },
  ]);
  if (valueAt(draft.event, "/actor/via/id") !== undefined) draft.put("/actor/via/type", "credential", user);
}

/** Whatever has a `uid`; a name alone is private and stays where it was. */
export function takeTargets(draft: Draft): void {
  const targets: JsonObject[] = [];
  const add = (place: string, type: string) => {
    const found = valueAt(draft.rest, place);
    if (!isObject(found) || targets.length >= LIMITS.targets) return;
    const id = identityId(found.uid ?? null);
    if (id === undefined) return;
    const at = `/targets/${targets.length}`;
    const called = name(found.name ?? null);
    targets.push({ type, id, ...(called === undefined ? {} : { name: called }) });
    draft.origin.set(at, draft.base + place);
    draft.origin.set(`${at}/id`, `${draft.base + place}/uid`);
    if (called !== undefined) draft.origin.set(`${at}/name`, `${draft.base + place}/name`);
    draft.remove(`${place}/uid`);
    if (called !== undefined) draft.remove(`${place}/name`);
  };
  // Not the user that acts: what identified it is taken by now, and without a uid nothing is a target.
  add("/user", "user");
  add("/group", "group");
  add("/subgroup", "group");
  add("/entity", targetType(valueAt(draft.rest, "/entity/type"), "entity"));
  add("/resource", targetType(valueAt(draft.rest, "/resource/type"), "resource"));
  for (const list of ["users", "resources"]) {
    const elements = valueAt(draft.rest, `/${list}`);
    if (!Array.isArray(elements)) continue;
    elements.forEach((element, i) => {
      const type = isObject(element) ? targetType(element.type, "resource") : "resource";
      add(`/${list}/${i}`, list === "users" ? "user" : type);
    });
  }
  if (targets.length > 0) draft.event.targets = targets;
}

function targetType(type: JsonValue | undefined, otherwise: string): string {
  const snake = type === undefined ? undefined : (typeName(type) as string | undefined);
  if (snake === undefined) return otherwise;
  return PERSON.test(snake) ? "user" : snake;
}
