/** `service-accounts`: machines of a tenant that keys are made for. */
import type { Command } from "commander";
import { command, handle, type Session } from "../action.ts";
import { connectToTenant, type TenantFlags } from "../tenant.ts";
import { line, safeJson, safeText, table } from "../text.ts";

interface AccountFlags extends TenantFlags {
  json?: boolean;
}

const common = (target: Command) =>
  target.option("--tenant <id>", "of this tenant (default: the credential's)").option("--json", "as JSON");

export function serviceAccountsCommand(session: Session): Command {
  const list = common(command("list", "List them, removed ones included", ["moonseal service-accounts list"]));
  handle<AccountFlags>(list, session, async (io, options) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const accounts = await client.serviceAccounts.list(tenantId, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson({ service_accounts: accounts }));
    if (accounts.length === 0) {
      return line(io.stdout, "no service accounts yet; make one: moonseal service-accounts create NAME");
    }
    const state = (removed: string | null) => (removed === null ? "works" : `removed ${removed}`);
    table(
      io.stdout,
      accounts.map(({ id, name, description, removed_at }) => [id, state(removed_at), name, description ?? ""]),
    );
  });
  const show = common(command("show", "Show one with its keys", ["moonseal service-accounts show svc_eu_…"]));
  handle<AccountFlags, [string]>(show.argument("<id>"), session, async (io, options, id) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const account = await client.serviceAccounts.read(tenantId, id, { signal: io.signal });
    line(io.stdout, safeJson(account, options.json ? undefined : 2));
  });
  const create = common(
    command("create", "Create one; then: moonseal keys create NAME --service-account ID --permission …", [
      'moonseal service-accounts create "billing export"',
    ]),
  )
    .argument("<name>", "a label; no place for personal data")
    .option("--description <text>", "for your colleagues");
  handle<AccountFlags & { description?: string }, [string]>(create, session, async (io, options, name) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const { description } = options;
    const wanted = { name, ...(description === undefined ? {} : { description }) };
    const account = await client.serviceAccounts.create(tenantId, wanted, { signal: io.signal });
    line(io.stdout, options.json ? safeJson(account) : safeText(account.id));
  });
  const remove = common(
    command("remove", "Remove one and revoke its keys", ["moonseal service-accounts remove svc_eu_…"]),
  ).argument("<id>");
  handle<AccountFlags, [string]>(remove, session, async (io, options, id) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const removed = await client.serviceAccounts.remove(tenantId, id, { signal: io.signal });
    line(io.stdout, options.json ? safeJson(removed) : safeText(`removed ${removed.id} (${removed.name})`));
  });
  return command("service-accounts", "List, create and remove service accounts", ["moonseal service-accounts"])
    .addCommand(list, { isDefault: true })
    .addCommand(show)
    .addCommand(create)
    .addCommand(remove);
}
