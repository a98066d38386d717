/** `health`: what a domain's self-check found. */
import type { Command } from "commander";
import type { DomainHealth } from "../../client/index.ts";
import { command, handle, type Session } from "../action.ts";
import { connectToDomain } from "../connection.ts";
import { checkText } from "../doctor/checks.ts";
import { CODE, type Io } from "../io.ts";
import { count, line, pairs, relative, safeJson, safeText } from "../text.ts";

/** Exits 0 when every check is well, 1 when one is not, 3 when something was not looked at. */
export function healthCommand(session: Session): Command {
  const target = command("health", "Show what the domain's self-check found in its stores", [
    "moonseal health",
    "moonseal health --json",
  ])
    .option("--json", "as JSON")
    .addHelpText("after", "\nExit codes: 0 every check is well, 1 one is not, 3 something was not looked at.");
  return handle<{ json?: boolean }>(target, session, async (io, options) => {
    const { client, domainId } = await connectToDomain(io, options);
    const health = await client.domainHealth(domainId, { signal: io.signal });
    if (options.json) line(io.stdout, safeJson(health));
    else show(health, io);
    return { ok: CODE.ok, bad: CODE.failed, unknown: CODE.unreachable }[health.state];
  });
}

const STATES = { ok: "all is well", bad: "DAMAGED", unknown: "not everything was looked at" } as const;

function show({ domain_id, state, status, stopped_reason, checks, ...health }: DomainHealth, io: Io): void {
  const ago = (instant: string | null) => (instant === null ? "never" : relative(Date.parse(instant), io.now()));
  line(io.stdout, `domain ${safeText(domain_id)}: ${STATES[state]}`);
  pairs(io.stdout, [
    ["  status", stopped_reason === null ? status : `${status}: ${safeText(stopped_reason)}`],
    ["  on a violation", health.on_violation],
    ["  last run", health.last_run ? `${ago(health.last_run.ended_at)}, ${read(health.last_run.read)}` : "never"],
    ...checks.map((check): [string, string] => [
      `  ${check.name}`,
      `${checkText(check)}, since ${ago(check.since)}${check.note === null ? "" : `; ${safeText(check.note)}`}${reach(check)}`,
    ]),
    ...unrecorded(health.unrecorded),
  ]);
}

const read = ({ ledger, archive, mirror }: NonNullable<DomainHealth["last_run"]>["read"]) =>
  `${count(ledger.entries + archive.entries + mirror.entries, "entry", "entries")} read`;

/** Findings that the platform's log does not have. */
function unrecorded({ waiting, dropped, code }: DomainHealth["unrecorded"]): [string, string][] {
  const why = code === null ? "" : `: ${safeText(code)}`;
  const parts = [
    ...(waiting > 0 ? [`${count(waiting, "entry waits", "entries wait")} for the platform's log${why}`] : []),
    ...(dropped > 0 ? [`${count(dropped, "entry", "entries")} dropped`] : []),
  ];
  return parts.length === 0 ? [] : [["  not on record", parts.join(", ")]];
}

function reach({ verified_to, sample_size, lag }: DomainHealth["checks"][number]): string {
  if (verified_to === null) return "";
  return `; read to ${verified_to}, ${lag ?? 0} not yet, ${sample_size ?? 0} again`;
}
