/** `domains`: the logs of the key's tenant. */
import type { Command } from "commander";
import { command, handle, type Session } from "../action.ts";
import { connectToTenant, type TenantFlags } from "../tenant.ts";
import { line, safeJson, safeText } from "../text.ts";
import { settingsCommand } from "./domain-settings.ts";

interface DomainsFlags extends TenantFlags {
  json?: boolean;
}

export function domainsCommand(session: Session): Command {
  const parent = command("domains", "List, create or set up the logs of a tenant", [
    "moonseal domains list",
    "moonseal domains create production",
    "moonseal domains settings --set require_schema=true",
  ]);
  const list = command("list", "List the domains", ["moonseal domains list --json"])
    .option("--tenant <id>", "of this tenant (default: the key's)")
    .option("--json", "as JSON");
  handle<DomainsFlags>(list, session, async (io, options) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const domains = await client.domains(tenantId, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson({ domains }));
    for (const { id, kind, name } of domains)
      line(io.stdout, [id, kind.padEnd(8), name].map((s) => safeText(s)).join("  "));
  });
  const create = command("create", "Create a domain", ["moonseal domains create production"])
    .argument("<name>", "a label; no place for personal data")
    .option("--tenant <id>", "of this tenant (default: the key's)")
    .option("--json", "as JSON");
  handle<DomainsFlags, [string]>(create, session, async (io, options, name) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const domain = await client.createDomain(tenantId, { name }, { signal: io.signal });
    line(io.stdout, options.json ? safeJson(domain) : safeText(domain.id));
  });
  return parent.addCommand(list, { isDefault: true }).addCommand(create).addCommand(settingsCommand(session));
}
