/** `schemas`: the tenant's own action types with the schemas of their events (docs/event-schemas.md). */
import type { Command } from "commander";
import type { AddEventType, AddEventTypeVersion, OwnEventType } from "../../client/index.ts";
import { command, handle, integer, type Session } from "../action.ts";
import { type ConnectionFlags } from "../connection.ts";
import { CliError, type Io } from "../io.ts";
import { checkFile } from "../schemas/check.ts";
import { readJsonFile } from "../schemas/json-file.ts";
import { connectToTenant, type TenantFlags } from "../tenant.ts";
import { line, pairs, safeJson, safeText, table } from "../text.ts";

interface SchemaFlags extends TenantFlags {
  json?: boolean;
}

const tenantOption = (target: Command): Command =>
  target.option("--tenant <id>", "of this tenant (default: the key's)").option("--json", "as JSON");

export function schemasCommand(session: Session): Command {
  const parent = command("schemas", "Keep the shape of the tenant's own events", [
    "moonseal schemas list",
    "moonseal schemas add order.approved.json",
    "moonseal schemas check events.ndjson --schema order.approved.json",
  ]);
  return parent
    .addCommand(listCommand(session), { isDefault: true })
    .addCommand(showCommand(session))
    .addCommand(addCommand(session))
    .addCommand(versionCommand(session))
    .addCommand(withdrawCommand(session))
    .addCommand(checkCommand(session));
}

function listCommand(session: Session): Command {
  const target = tenantOption(command("list", "List the types, withdrawn ones too", ["moonseal schemas list --json"]));
  return handle<SchemaFlags>(target, session, async (io, options) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const { event_types } = await client.eventTypes.list(tenantId, {}, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson({ event_types }, 2));
    if (event_types.length === 0) return line(io.stderr, "the tenant has no types of its own");
    table(
      io.stdout,
      event_types.map(({ action, newest, withdrawn_at, created_at }) => [
        ...[action, `version ${newest}`, withdrawn_at ? `withdrawn ${withdrawn_at}` : "in use", created_at],
      ]),
    );
  });
}

function showCommand(session: Session): Command {
  const target = tenantOption(
    command("show", "Show a type with its schemas, in the form that `add` and `version` take", [
      "moonseal schemas show order.approved",
      "moonseal schemas show order.approved --version 1",
    ])
      .argument("<action>", "such as order.approved")
      .option("--version <n>", "this version (default: the newest)", integer(1, 999)),
  );
  return handle<SchemaFlags & { version?: number }, [string]>(target, session, async (io, options, action) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const call = { signal: io.signal };
    if (options.version !== undefined) {
      return line(io.stdout, safeJson(await client.eventTypes.version(tenantId, action, options.version, call), 2));
    }
    const { value } = await client.eventTypes.read(tenantId, action, call);
    if (options.json) return line(io.stdout, safeJson(value, 2));
    const { version: _version, created_at: _at, ...type } = value.current;
    line(io.stdout, safeJson(type, 2));
    pairs(io.stderr, [
      ["state", value.withdrawn_at ? `withdrawn ${value.withdrawn_at}` : "in use"],
      ...value.versions.map(({ version, created_at, sha256 }): [string, string] => [
        ...([`version ${version}`, `${created_at}  sha256 ${sha256}`] as const),
      ]),
    ]);
  });
}

function addCommand(session: Session): Command {
  const target = tenantOption(
    command("add", "Add a type: from then on its events have to fit", [
      "moonseal schemas add order.approved.json",
    ]).argument("<file>", "action, description, category, schemas, as JSON; - for standard input"),
  );
  return handle<SchemaFlags, [string]>(target, session, async (io, options, file) => {
    const type = (await readJsonFile(io, file)) as AddEventType;
    const { client, tenantId } = await connectToTenant(io, options);
    said(io, await client.eventTypes.add(tenantId, type, { signal: io.signal }), options);
  });
}

function versionCommand(session: Session): Command {
  const target = tenantOption(
    command("version", "Add a version to a type; a withdrawn one is in use again", [
      "moonseal schemas version order.approved order.approved.json",
    ])
      .argument("<action>", "such as order.approved")
      .argument("<file>", "description, category, schemas, as JSON; - for standard input"),
  );
  return handle<SchemaFlags, [string, string]>(target, session, async (io, options, action, file) => {
    const { action: named, ...version } = await readJsonFile(io, file);
    if (named !== undefined && named !== action)
      throw new CliError(`the file is of another type than ${safeText(action)}`);
    const { client, tenantId } = await connectToTenant(io, options);
    const call = { signal: io.signal };
    const { etag } = await client.eventTypes.read(tenantId, action, call);
    const wanted = version as unknown as AddEventTypeVersion;
    said(io, (await client.eventTypes.addVersion(tenantId, action, wanted, etag, call)).value, options);
  });
}

function withdrawCommand(session: Session): Command {
  const target = tenantOption(
    command("withdraw", "Have the events of a type refused from now on", [
      "moonseal schemas withdraw order.approved",
    ]).argument("<action>", "such as order.approved"),
  );
  return handle<SchemaFlags, [string]>(target, session, async (io, options, action) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const call = { signal: io.signal };
    const { etag } = await client.eventTypes.read(tenantId, action, call);
    said(io, (await client.eventTypes.withdraw(tenantId, action, etag, call)).value, options);
  });
}

function checkCommand(session: Session): Command {
  const target = command(
    "check",
    "Check a file of events against a schema, here: nothing is sent but the reading of the schema",
    ["moonseal schemas check events.ndjson", "moonseal schemas check events.ndjson --schema order.approved.json"],
  )
    .argument("<file>", "events: one, an array, or NDJSON; - for standard input")
    .option(
      "--schema <file>",
      "of this type, as `schemas add` takes it; without a server (default: the tenant's types)",
    )
    .option("--tenant <id>", "of this tenant (default: the key's)");
  return handle<TenantFlags & ConnectionFlags & { schema?: string }, [string]>(target, session, checkFile);
}

function said(io: Io, type: OwnEventType, { json }: SchemaFlags): void {
  if (json) return line(io.stdout, safeJson(type, 2));
  const state = type.withdrawn_at ? "withdrawn: its events are refused" : `version ${type.newest} is in use`;
  line(io.stdout, safeText(`${type.action}: ${state}, everywhere within ten seconds`));
}
