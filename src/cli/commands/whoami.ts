/** `whoami`: what the credential is and may do. */
import type { Command } from "commander";
import type { Principal } from "../../client/index.ts";
import { command, handle, type Session } from "../action.ts";
import { connect } from "../connection.ts";
import type { Io } from "../io.ts";
import { readToken } from "../session-token.ts";
import { line, pairs, relative, safeJson } from "../text.ts";

export function whoamiCommand(session: Session): Command {
  const target = command("whoami", "Show who you are to the server, and what you may do", ["moonseal whoami"]).option(
    "--json",
    "as JSON",
  );
  return handle<{ json?: boolean }>(target, session, async (io, options) => {
    const { client, key } = await connect(io, options);
    const principal = await client.whoami({ signal: io.signal });
    if (options.json) return line(io.stdout, safeJson(principal));
    const expiresAtMs = readToken(key)?.expiresAtMs;
    pairs(io.stdout, [
      ["kind", principal.kind],
      ["jurisdiction", principal.jurisdiction],
      ["tenant", principal.tenant_id ?? "none"],
      ...credential(principal, io, expiresAtMs),
      ["permissions", principal.permissions.join(", ") || "none"],
    ]);
  });
}

/** Of a person, of a key, or of neither. */
function credential(principal: Principal, io: Io, expiresAtMs: number | undefined): [string, string][] {
  const { person, key_id, service_account_id } = principal;
  if (!person) {
    return [
      ["key", key_id ?? "none"],
      ...(service_account_id ? [["service account", service_account_id] as [string, string]] : []),
    ];
  }
  const { id, role, session_id, second_factor_at } = person;
  const ends = expiresAtMs === undefined ? "" : `, ends ${relative(expiresAtMs, io.now())}`;
  const shown = second_factor_at
    ? `shown ${relative(Date.parse(second_factor_at), io.now())}`
    : "not shown in this session";
  return [
    ["person", id],
    ["role", role ?? "none"],
    ["session", `${session_id}${ends}`],
    ["second factor", shown],
  ];
}
