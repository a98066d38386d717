/** `rejected`: which events a domain refused. */
import type { Command } from "commander";
import { command, handle, type Session } from "../action.ts";
import { connectToDomain } from "../connection.ts";
import { line, safeJson, table } from "../text.ts";

export function rejectedCommand(session: Session): Command {
  const target = command("rejected", "Show which events were refused, why, and how often at least", [
    "moonseal rejected",
  ]).option("--json", "as JSON");
  return handle<{ json?: boolean }>(target, session, async (io, options) => {
    const { client, domainId } = await connectToDomain(io, options);
    const answer = await client.eventTypes.rejected(domainId, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson(answer, 2));
    if (answer.rejected.length === 0) return line(io.stderr, "no event was refused, as far as it is known");
    table(io.stdout, [
      ["COUNT", "LAST", "CODE", "ACTION", "WHERE", "BY"],
      ...answer.rejected.map(({ count, last_at, code, action, pointer, credential_id }) => [
        ...[String(count), last_at, code, action ?? "(none)", pointer || "(event)", credential_id ?? "a person"],
      ]),
    ]);
  });
}
