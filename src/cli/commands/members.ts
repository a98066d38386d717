/** `members`: who belongs to a tenant, and who is invited. */
import type { Command } from "commander";
import type { Invite, Member, UpdateMember } from "../../client/index.ts";
import { command, handle, type Session } from "../action.ts";
import type { Io } from "../io.ts";
import { readLine } from "../line-input.ts";
import { connectToTenant, type TenantFlags } from "../tenant.ts";
import { line, relative, safeJson, safeText, table } from "../text.ts";

interface MemberFlags extends TenantFlags {
  json?: boolean;
}

const EMAIL_CHARS = 254;
const ROLES_HELP = "viewer, support, financial_admin, admin, owner or engineer";

const tenantOption = (target: Command) => target.option("--tenant <id>", "of this tenant (default: the credential's)");
const common = (target: Command) => tenantOption(target).option("--json", "as JSON");

export function membersCommand(session: Session): Command {
  return command("members", "List, invite and remove members, and change their roles", [
    "moonseal members",
    'moonseal members invite ada@example.org --name "Ada Lovelace" --role admin',
  ])
    .addCommand(listCommand(session), { isDefault: true })
    .addCommand(inviteCommand(session))
    .addCommand(roleCommand(session))
    .addCommand(removeCommand(session))
    .addCommand(resetCommand(session))
    .addCommand(invitationsCommand(session))
    .addCommand(resendCommand(session))
    .addCommand(withdrawCommand(session));
}

function listCommand(session: Session): Command {
  const target = common(command("list", "List the members", ["moonseal members list --json"]));
  return handle<MemberFlags>(target, session, async (io, options) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const members = await client.members.list(tenantId, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson({ members }));
    if (members.length === 0) {
      return line(io.stdout, 'no members yet; invite one: moonseal members invite ADDRESS --name "NAME" --role owner');
    }
    table(
      io.stdout,
      members.map(({ id, role, email, name, joined_at }) => [id, role ?? "none", email, name, `since ${joined_at}`]),
    );
  });
}

function inviteCommand(session: Session): Command {
  const target = common(
    command("invite", "Invite somebody by mail", [
      'moonseal members invite ada@example.org --name "Ada Lovelace" --role admin',
    ]),
  )
    .argument("<address>", "e-mail address, or - to read it from standard input")
    .requiredOption("--name <name>", "how colleagues see them")
    .requiredOption("--role <role>", ROLES_HELP);
  type Flags = MemberFlags & { name: string; role: Invite["role"] };
  return handle<Flags, [string]>(target, session, async (io, options, address) => {
    const email = await addressOf(io, address);
    const { client, tenantId } = await connectToTenant(io, options);
    const wanted = { email, name: options.name, role: options.role };
    const invitation = await client.members.invite(tenantId, wanted, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson(invitation));
    line(
      io.stdout,
      safeText(`invited, ${invitation.id}: the link in the mail works once, until ${invitation.expires_at}`),
    );
  });
}

const addressOf = async (io: Io, address: string): Promise<string> =>
  address === "-" ? readLine(io, { question: "E-mail address: ", what: "an address", maxChars: EMAIL_CHARS }) : address;

function roleCommand(session: Session): Command {
  const target = common(command("role", "Change the role of a member", ["moonseal members role mem_eu_… support"]))
    .argument("<member id>")
    .argument("<role>", ROLES_HELP);
  return handle<MemberFlags, [string, string]>(target, session, async (io, options, id, role) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const change = { role } as UpdateMember;
    const member: Member = await client.members.update(tenantId, id, change, { signal: io.signal });
    line(io.stdout, options.json ? safeJson(member) : safeText(`${member.id} is ${member.role} now`));
  });
}

function removeCommand(session: Session): Command {
  const target = tenantOption(
    command("remove", "Remove a member: their sessions end, their address and name are forgotten", [
      "moonseal members remove mem_eu_…",
    ]),
  ).argument("<member id>");
  return handle<TenantFlags, [string]>(target, session, async (io, options, id) => {
    const { client, tenantId } = await connectToTenant(io, options);
    await client.members.remove(tenantId, id, { signal: io.signal });
    line(io.stdout, safeText(`removed ${id}`));
  });
}

function resetCommand(session: Session): Command {
  const target = tenantOption(
    command("reset-factors", "Take away all second factors of a member who lost theirs; ends their sessions", [
      "moonseal members reset-factors mem_eu_…",
    ]),
  ).argument("<member id>");
  return handle<TenantFlags, [string]>(target, session, async (io, options, id) => {
    const { client, tenantId } = await connectToTenant(io, options);
    await client.members.resetFactors(tenantId, id, { signal: io.signal });
    line(io.stdout, safeText(`${id} has no second factor any more`));
  });
}

function invitationsCommand(session: Session): Command {
  const target = common(
    command("invitations", "List the invitations that can still be accepted", ["moonseal members invitations"]),
  );
  return handle<MemberFlags>(target, session, async (io, options) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const invitations = await client.members.invitations(tenantId, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson({ invitations }));
    if (invitations.length === 0) {
      return line(
        io.stdout,
        'no open invitations; invite somebody: moonseal members invite ADDRESS --name "NAME" --role viewer',
      );
    }
    const ends = (at: string) => `ends ${relative(Date.parse(at), io.now())}`;
    table(
      io.stdout,
      invitations.map(({ id, role, email, name, expires_at }) => [id, role ?? "none", email, name, ends(expires_at)]),
    );
  });
}

function resendCommand(session: Session): Command {
  const target = common(
    command("resend", "Send an invitation again, with a new link", ["moonseal members resend inv_eu_…"]),
  ).argument("<invitation id>");
  return handle<MemberFlags, [string]>(target, session, async (io, options, id) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const sent = await client.members.resendInvitation(tenantId, id, { signal: io.signal });
    line(io.stdout, options.json ? safeJson(sent) : safeText(`sent; good until ${sent.expires_at}`));
  });
}

function withdrawCommand(session: Session): Command {
  const target = tenantOption(
    command("withdraw", "Take an invitation back", ["moonseal members withdraw inv_eu_…"]),
  ).argument("<invitation id>");
  return handle<TenantFlags, [string]>(target, session, async (io, options, id) => {
    const { client, tenantId } = await connectToTenant(io, options);
    await client.members.withdrawInvitation(tenantId, id, { signal: io.signal });
    line(io.stdout, safeText(`withdrew ${id}`));
  });
}
