/** `types`: what actions there are, and what each means. */
import { type Command, Option } from "commander";
import { ACTION_CATEGORIES } from "../../core/actions/action.ts";
import { command, handle, type Session } from "../action.ts";
import { connectToTenant, type TenantFlags } from "../tenant.ts";
import { count, line, safeJson, table } from "../text.ts";

interface TypesFlags extends TenantFlags {
  category?: (typeof ACTION_CATEGORIES)[number];
  own?: boolean;
  json?: boolean;
}

export function typesCommand(session: Session): Command {
  const target = command("types", "List the action types: the tenant's own, and those that every deployment knows", [
    "moonseal types --category credential",
    "moonseal types --own",
  ])
    .addOption(new Option("--category <category>", "only of this category").choices([...ACTION_CATEGORIES]))
    .option("--own", "only the tenant's own")
    .option("--tenant <id>", "of this tenant (default: the key's)")
    .option("--json", "as JSON");
  return handle<TypesFlags>(target, session, async (io, options) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const all = options.own ? undefined : true;
    const { event_types, known = [] } = await client.eventTypes.list(tenantId, { all }, { signal: io.signal });
    const wanted = ({ category }: { category: string }) =>
      options.category === undefined || category === options.category;
    const own = event_types.filter(wanted);
    const others = known.filter(wanted);
    if (options.json) return line(io.stdout, safeJson({ event_types: own, ...(all && { known: others }) }, 2));
    if (own.length + others.length === 0) return line(io.stderr, "there is no such type");
    table(io.stdout, [
      ...own.map(({ action, category, newest, withdrawn_at, description }) => [
        ...[action, category, withdrawn_at ? "withdrawn" : `version ${newest}`, description],
      ]),
      ...others.map(({ action, category, written_by, description }) => [
        ...[action, category, written_by === "product" ? "of the product" : "", description],
      ]),
    ]);
    if (io.stderr.isTTY)
      line(io.stderr, `${count(own.length, "type")} of the tenant's own, ${others.length} known everywhere`);
  });
}
