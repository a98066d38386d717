/** One event from flags. */
import type { Command } from "commander";
import { Option } from "commander";
import { ACTOR_TYPES, type ActorType, type AuditEvent, OUTCOMES, type Outcome } from "../core/event.ts";
import type { JsonValue } from "../core/strict-json.ts";
import { repeated } from "./action.ts";
import { CliError } from "./io.ts";

export interface EventFlags {
  action?: string;
  actorType: ActorType;
  actor?: string;
  actorName?: string;
  target?: string[];
  subject?: string[];
  outcome?: Outcome;
  occurredAt?: string;
  reason?: string;
  id?: string;
  ip?: string;
  userAgent?: string;
  requestId?: string;
  metadata?: string[];
  clear?: string[];
}

export function withEventFlags(target: Command): Command {
  return target
    .option("--action <noun.verb>", "what happened, such as invoice.exported")
    .addOption(new Option("--actor-type <type>", "who did it").choices([...ACTOR_TYPES]).default("user"))
    .option("--actor <id>", "id of who did it; people's ids enter the log as pseudonyms")
    .option("--actor-name <name>", "private")
    .option("--target <type:id>", "what it was done to; may be repeated", repeated)
    .option("--subject <type:id>", "a person whom it is about; may be repeated", repeated)
    .addOption(new Option("--outcome <outcome>", "how it ended (default: success)").choices([...OUTCOMES]))
    .option("--occurred-at <time>", "RFC 3339 with an offset (default: when it is recorded)")
    .option("--reason <text>", "why; private")
    .option("--id <id>", "your own id of the event: appending it again adds nothing")
    .option("--ip <address>", "private")
    .option("--user-agent <text>", "private")
    .option("--request-id <id>", "stands in clear")
    .option("--metadata <key=value>", "value as JSON or plain text; private unless --clear; may be repeated", repeated)
    .option("--clear <key>", "this metadata key holds nothing about people; may be repeated", repeated);
}

export function eventFromFlags(flags: EventFlags): AuditEvent {
  if (!flags.action) throw new CliError("--action is needed (or a file of events, or - for standard input)");
  const { actorType, actor, actorName, target, subject, outcome, occurredAt, reason, id, metadata, clear } = flags;
  const context = { ip: flags.ip, user_agent: flags.userAgent, request_id: flags.requestId };
  // JSON leaves out what is undefined.
  return {
    id,
    action: flags.action,
    occurred_at: occurredAt,
    actor: { type: actorType, id: actor, name: actorName },
    targets: target?.map((text) => reference("--target", text)),
    subjects: subject?.map((text) => reference("--subject", text)),
    outcome,
    reason,
    context: Object.values(context).some((value) => value !== undefined) ? context : undefined,
    metadata: metadata && Object.fromEntries(metadata.map(keyValue)),
    clear_metadata: clear,
  };
}

function reference(flag: string, text: string): { type: string; id: string } {
  const at = text.indexOf(":");
  if (at < 1 || at === text.length - 1) throw new CliError(`${flag} must be type:id, such as invoice:inv_9`);
  return { type: text.slice(0, at), id: text.slice(at + 1) };
}

function keyValue(text: string): [string, JsonValue] {
  const at = text.indexOf("=");
  if (at < 1) throw new CliError("--metadata must be key=value");
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value) as JsonValue];
  } catch {
    return [text.slice(0, at), value];
  }
}
