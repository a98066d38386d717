/** `sessions`: where one is signed in, and where a tenant's members are. */
import type { Command } from "commander";
import { command, handle, type Session } from "../action.ts";
import { type ConnectionFlags, connect } from "../connection.ts";
import { CliError } from "../io.ts";
import { connectToTenant, type TenantFlags } from "../tenant.ts";
import { count, line, relative, safeJson, safeText, table } from "../text.ts";

interface ListFlags extends TenantFlags {
  json?: boolean;
  all?: boolean;
  member?: string;
}

interface RevokeFlags extends TenantFlags {
  others?: boolean;
  member?: string;
}

export function sessionsCommand(session: Session): Command {
  return command("sessions", "List and end sessions", ["moonseal sessions", "moonseal sessions revoke --others"])
    .addCommand(listCommand(session), { isDefault: true })
    .addCommand(revokeCommand(session));
}

function listCommand(session: Session): Command {
  const target = command("list", "List your own sessions, or those of the tenant's members", [
    "moonseal sessions list",
    "moonseal sessions list --all --json",
  ])
    .option("--all", "of all members of the tenant")
    .option("--member <id>", "of this member")
    .option("--tenant <id>", "of this tenant (default: the credential's)")
    .option("--json", "as JSON");
  return handle<ListFlags>(target, session, async (io, options) => {
    const sessions = await listed(options);
    if (options.json) return line(io.stdout, safeJson({ sessions }));
    if (sessions.length === 0) return line(io.stdout, "no sessions; open one: moonseal login");
    const ago = (at: string) => relative(Date.parse(at), io.now());
    table(
      io.stdout,
      sessions.map(({ id, member_id, device, last_seen_at, expires_at, current }) => [
        id,
        member_id,
        device,
        `seen ${ago(last_seen_at)}, ends ${ago(expires_at)}`,
        current ? "this one" : "",
      ]),
    );

    async function listed(flags: ListFlags & ConnectionFlags) {
      if (!flags.all && !flags.member && !flags.tenant) {
        return (await connect(io, flags)).client.sessions.own({ signal: io.signal });
      }
      const { client, tenantId } = await connectToTenant(io, flags);
      return client.sessions.list(tenantId, flags.member, { signal: io.signal });
    }
  });
}

function revokeCommand(session: Session): Command {
  const target = command("revoke", "End a session, everywhere within a minute", [
    "moonseal sessions revoke ses_eu_…",
    "moonseal sessions revoke --others",
    "moonseal sessions revoke --member mem_eu_…",
  ])
    .argument("[session id]", "yours or a member's")
    .option("--others", "all of your own but this one")
    .option("--member <id>", "all of this member")
    .option("--tenant <id>", "of this tenant (default: the credential's)");
  return handle<RevokeFlags, [string | undefined]>(target, session, async (io, options, id) => {
    const { others, member } = options;
    if ([id, others, member].filter((named) => named).length !== 1) {
      throw new CliError("name one session, or --others, or --member");
    }
    const call = { signal: io.signal };
    const { client } = await connect(io, options);
    const tenantId = async () => (await connectToTenant(io, options)).tenantId;
    if (others) return line(io.stdout, `ended ${count(await client.sessions.endOthers(call), "session")}`);
    if (member) {
      const ended = await client.sessions.endOfMember(await tenantId(), member, call);
      return line(io.stdout, `ended ${count(ended, "session")}`);
    }
    const sessionId = id ?? "";
    const own = await client.sessions.own(call);
    if (own.some((mine) => mine.id === sessionId)) await client.sessions.endOwn(sessionId, call);
    else await client.sessions.end(await tenantId(), sessionId, call);
    line(io.stdout, safeText(`ended ${sessionId}`));
  });
}
