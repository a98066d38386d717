/** `access`: of the operator's people to a tenant. The tenant answers and ends it, the operator's people ask for it. */
import type { Command } from "commander";
import type { Access, ApproveAccess, BreakGlass, MoonsealClient, RequestAccess } from "../../client/index.ts";
import { command, handle, integer, repeated, type Session } from "../action.ts";
import { CliError, type Io } from "../io.ts";
import { connectToTenant, type TenantFlags } from "../tenant.ts";
import { line, pairs, relative, safeJson, table } from "../text.ts";

interface AccessFlags extends TenantFlags {
  json?: boolean;
}

interface ReachFlags extends AccessFlags {
  permission?: string[];
  in?: string[];
  minutes?: number;
}

interface WishFlags extends ReachFlags {
  reason: string;
  permission: string[];
  minutes: number;
  all?: boolean;
  answerWithin?: number;
}

const MINUTES = integer(1, 10_080);

const common = (target: Command) =>
  target.option("--tenant <id>", "of this tenant (default: the credential's)").option("--json", "as JSON");

export function accessCommand(session: Session): Command {
  return command("access", "See, answer and end access of the operator's people; or ask for it as one of them", [
    "moonseal access",
    "moonseal access approve acc_eu_… --minutes 30",
  ])
    .addCommand(listCommand(session), { isDefault: true })
    .addCommand(answerCommand(session, "show", "Show one", (client, ...which) => client.access.read(...which)))
    .addCommand(approveCommand(session))
    .addCommand(answerCommand(session, "deny", "Refuse a request", (client, ...which) => client.access.deny(...which)))
    .addCommand(
      answerCommand(session, "end", "End an access at once, break-glass too", (client, ...which) =>
        client.access.end(...which),
      ),
    )
    .addCommand(requestCommand(session))
    .addCommand(breakGlassCommand(session))
    .addCommand(
      answerCommand(session, "withdraw", "Take a request of your own back, or end what it opened", (client, ...which) =>
        client.access.withdraw(...which),
      ),
    );
}

function listCommand(session: Session): Command {
  const target = common(command("list", "List who asked, and what came of it", ["moonseal access list --json"]));
  return handle<AccessFlags>(target, session, async (io, options) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const access = await client.access.list(tenantId, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson({ access }));
    if (access.length === 0) return line(io.stdout, "nobody of the operator has asked for access");
    table(
      io.stdout,
      access.map((one) => [
        one.id,
        one.kind,
        stateOf(one, io.now()),
        one.staff_id,
        one.reason ?? "reason not readable",
      ]),
    );
  });
}

type Answer = (
  client: MoonsealClient,
  tenantId: string,
  accessId: string,
  options: { signal: AbortSignal },
) => Promise<Access>;

/** Commands that name an access and nothing else. */
function answerCommand(session: Session, name: string, summary: string, answer: Answer): Command {
  const target = common(command(name, summary, [`moonseal access ${name} acc_eu_…`])).argument("<access id>");
  return handle<AccessFlags, [string]>(target, session, async (io, options, id) => {
    const { client, tenantId } = await connectToTenant(io, options);
    print(io, await answer(client, tenantId, id, { signal: io.signal }), options);
  });
}

function approveCommand(session: Session): Command {
  const target = common(
    command("approve", "Approve a request, or less than was asked for", [
      "moonseal access approve acc_eu_…",
      "moonseal access approve acc_eu_… --permission entry.read --in dom_eu_… --minutes 30",
    ]),
  )
    .argument("<access id>")
    .option("--permission <name>", "only this; may be repeated (default: all but entry.reveal)", repeated)
    .option("--in <domain>", "only in this log; may be repeated", repeated)
    .option("--minutes <n>", "for a shorter time", MINUTES);
  return handle<ReachFlags, [string]>(target, session, async (io, options, id) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const { permission, in: domains, minutes } = options;
    const granted = {
      ...(permission ? { permissions: permission } : {}),
      ...(domains ? { domains } : {}),
      ...(minutes === undefined ? {} : { duration_seconds: minutes * 60 }),
    } as ApproveAccess;
    print(io, await client.access.approve(tenantId, id, granted, { signal: io.signal }), options);
  });
}

const wish = (target: Command) =>
  common(target)
    .requiredOption("--reason <text>", "why, for the tenant to read; it stands in the tenant's log")
    .requiredOption("--permission <name>", "what of reading; may be repeated", repeated)
    .option("--in <domain>", "in this log; may be repeated", repeated)
    .option("--all", "in every log, and the tenant's settings")
    .requiredOption("--minutes <n>", "for how long", MINUTES);

function requestCommand(session: Session): Command {
  const target = wish(
    command("request", "Ask a tenant for access, as one of the operator's people", [
      'moonseal access request --tenant tnt_eu_… --reason "Ticket 4711: entries are missing" --permission entry.read --in dom_eu_… --minutes 60',
    ]),
  ).option("--answer-within <minutes>", "times out without an answer (default: a day)", MINUTES);
  return handle<WishFlags>(target, session, async (io, options) => {
    const wanted: RequestAccess = {
      ...wishOf(options),
      ...(options.answerWithin === undefined ? {} : { answer_within_seconds: options.answerWithin * 60 }),
    };
    const { client, tenantId } = await connectToTenant(io, options);
    print(io, await client.access.request(tenantId, wanted, { signal: io.signal }), options);
  });
}

function breakGlassCommand(session: Session): Command {
  const target = wish(
    command("break-glass", "Take access at once, in an emergency; the tenant's owners are told at once", [
      'moonseal access break-glass --tenant tnt_eu_… --reason "Outage 17: appends fail" --permission entry.read --all --minutes 30',
    ]),
  );
  return handle<WishFlags>(target, session, async (io, options) => {
    const wanted: BreakGlass = wishOf(options);
    const { client, tenantId } = await connectToTenant(io, options);
    print(io, await client.access.breakGlass(tenantId, wanted, { signal: io.signal }), options);
  });
}

/** The server knows which permissions there are. */
function wishOf({ reason, permission, in: domains, all, minutes }: WishFlags): BreakGlass {
  if (Boolean(all) === Boolean(domains)) throw new CliError("say where: --in DOMAIN, which may be repeated, or --all");
  const permissions = permission as BreakGlass["permissions"];
  return { reason, permissions, domains: domains ?? "all", duration_seconds: minutes * 60 };
}

function print(io: Io, access: Access, { json }: AccessFlags): void {
  if (json) return line(io.stdout, safeJson(access));
  const { asked, granted, first_used_at } = access;
  const reach = ({ permissions, domains }: Access["asked"] | NonNullable<Access["granted"]>) =>
    `${permissions.join(", ")} in ${domains === "all" ? "every log" : domains.join(", ")}`;
  pairs(io.stdout, [
    ["access", `${access.id} (${access.kind})`],
    ["state", stateOf(access, io.now())],
    ["of", access.staff_id],
    ["reason", access.reason ?? "not readable"],
    ["asked for", `${reach(asked)}, ${asked.duration_seconds / 60} minutes`],
    ["granted", granted ? `${reach(granted)}, until ${granted.until}` : "nothing"],
    ["first used", first_used_at ?? "not yet"],
  ]);
}

function stateOf({ state, answer_by, granted }: Access, nowMs: number): string {
  const by = (at: string) => relative(Date.parse(at), nowMs);
  if (state === "approved" && granted) return `${state}, ends ${by(granted.until)}`;
  return state === "requested" && answer_by ? `${state}, answer due ${by(answer_by)}` : state;
}
