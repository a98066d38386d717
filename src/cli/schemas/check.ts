/**
 * `schemas check`: events against schemas, on this machine. Says what the server would say about them as far as schemas go; shape and
 * guard of personal data are the server's.
 */
import type { FieldError } from "../../core/errors.ts";
import { type SchemaJson, schemaFaults } from "../../core/event-schema/vet.ts";
import { LIMITS } from "../../core/limits.ts";
import { type JsonValue, parseStrictJson } from "../../core/strict-json.ts";
import type { ConnectionFlags } from "../connection.ts";
import { readEvents } from "../events-input.ts";
import { inputOf } from "../input.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { connectToTenant, type TenantFlags } from "../tenant.ts";
import { count, line, safeText } from "../text.ts";
import { readJsonFile } from "./json-file.ts";
import { type Judge, judgeOf } from "./judge.ts";

type CheckFlags = TenantFlags & ConnectionFlags & { schema?: string };
type Event = { [field: string]: JsonValue };
/** The judge of an action; null: it has no schema; "withdrawn": its events are refused. */
type JudgeOf = (event: Event) => Promise<Judge | null | "withdrawn">;

const MOST_FAULTS = 5;

/** The exit code: 0 when every event fits, 1 when one does not. */
export async function checkFile(io: Io, options: CheckFlags, name: string): Promise<number> {
  const judge = options.schema === undefined ? await tenantJudges(io, options) : await fileJudge(io, options.schema);
  let checked = 0;
  let bad = 0;
  let without = 0;
  for await (const { place, event } of eventsIn(io, name)) {
    checked++;
    const found = event === null ? null : await judge(event);
    if (event !== null && found === null) without++;
    const faults = event === null ? [NO_EVENT] : found === "withdrawn" ? [WITHDRAWN] : (found?.(event) ?? []);
    if (faults.length === 0) continue;
    bad++;
    for (const { pointer, detail } of faults.slice(0, MOST_FAULTS))
      line(io.stdout, safeText(`${place}: ${pointer || "(event)"}: ${detail}`));
    if (faults.length > MOST_FAULTS) line(io.stdout, `${place}: and ${faults.length - MOST_FAULTS} more`);
  }
  const free = without > 0 ? `; ${count(without, "event")} of actions without a schema` : "";
  line(io.stderr, `${count(checked, "event")} checked, ${bad === 0 ? "none" : bad} refused${free}`);
  return bad > 0 ? CODE.failed : CODE.ok;
}

const NO_EVENT: FieldError = { pointer: "", detail: "is no JSON object" };
const WITHDRAWN: FieldError = { pointer: "/action", detail: "the type was withdrawn" };

async function fileJudge(io: Io, name: string): Promise<JudgeOf> {
  const { action, metadata_schema, event_schema = null } = await readJsonFile(io, name);
  const isSchema = (value: JsonValue | undefined) =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isSchema(metadata_schema)) throw new CliError(`${safeText(name)} must have a metadata_schema`);
  const faults = [
    ...schemaFaults(metadata_schema as SchemaJson, "metadata").map(at("/metadata_schema")),
    ...(event_schema === null ? [] : schemaFaults(event_schema, "event").map(at("/event_schema"))),
  ];
  if (faults.length > 0) {
    const said = faults.slice(0, MOST_FAULTS).map(({ pointer, detail }) => `${pointer}: ${detail}`);
    throw new CliError(`${safeText(name)} holds no usable schema: ${said.join("; ")}`);
  }
  const judge = judgeOf(metadata_schema as SchemaJson, event_schema as SchemaJson | null);
  return async (event) => (action === undefined || event.action === action ? judge : null);
}

const at = (prefix: string) => (error: FieldError) => ({ ...error, pointer: prefix + error.pointer });

/** Each action is asked for once. */
async function tenantJudges(io: Io, options: CheckFlags): Promise<JudgeOf> {
  const { client, tenantId } = await connectToTenant(io, options);
  const call = { signal: io.signal };
  const { event_types } = await client.eventTypes.list(tenantId, {}, call);
  const types = new Map(event_types.map((type) => [type.action, type]));
  const judges = new Map<string, Promise<Judge>>();
  return async ({ action, schema_version }) => {
    const type = typeof action === "string" ? types.get(action) : undefined;
    if (!type) return null;
    if (type.withdrawn_at) return "withdrawn";
    const version = typeof schema_version === "number" ? schema_version : type.newest;
    const key = `${type.action} ${version}`;
    const known =
      judges.get(key) ??
      client.eventTypes
        .version(tenantId, type.action, version, call)
        .then((read) => judgeOf(read.metadata_schema, read.event_schema));
    judges.set(key, known);
    return known;
  };
}

async function* eventsIn(io: Io, name: string): AsyncGenerator<{ place: string; event: Event | null }> {
  const input = await readEvents(inputOf(io, name));
  if (input.kind === "lines") {
    for await (const { number, json } of input.lines) {
      if (json.trim() !== "") yield { place: `line ${number}`, event: eventOf(json) };
    }
    return;
  }
  const parsed = parseStrictJson(input.json, LIMITS.jsonDepth);
  const value = parsed.ok ? parsed.value : null;
  for (const [i, each] of (Array.isArray(value) ? value : [value]).entries()) {
    yield { place: `event ${i}`, event: isObject(each) ? each : null };
  }
}

function eventOf(json: string): Event | null {
  const parsed = parseStrictJson(json, LIMITS.jsonDepth);
  return parsed.ok && isObject(parsed.value) ? parsed.value : null;
}

const isObject = (value: JsonValue | undefined): value is Event =>
  typeof value === "object" && value !== null && !Array.isArray(value);
