/** `keys`: the API keys of a tenant. A key itself is printed once, when it is made. */
import type { Command } from "commander";
import type { ApiKey, CreateApiKey, IssuedApiKey } from "../../client/index.ts";
import { command, handle, integer, repeated, type Session } from "../action.ts";
import { CliError, type Io } from "../io.ts";
import { connectToTenant, type TenantFlags } from "../tenant.ts";
import { line, relative, safeJson, safeText, table } from "../text.ts";

interface KeyFlags extends TenantFlags {
  json?: boolean;
}

interface CreateFlags extends KeyFlags {
  permission?: string[];
  expires?: string;
  description?: string;
  network?: string[];
  serviceAccount?: string;
}

const DEFAULT_OVERLAP_S = 3600;
const MAX_OVERLAP_S = 7 * 86_400;

const common = (target: Command) =>
  target.option("--tenant <id>", "of this tenant (default: the credential's)").option("--json", "as JSON");

export function keysCommand(session: Session): Command {
  return command("keys", "List, create, rotate and revoke API keys", [
    "moonseal keys",
    "moonseal keys create ingest --permission entry.append > key.txt",
  ])
    .addCommand(listCommand(session), { isDefault: true })
    .addCommand(createCommand(session))
    .addCommand(rotateCommand(session))
    .addCommand(revokeCommand(session));
}

function listCommand(session: Session): Command {
  const target = common(command("list", "List the keys, never their secrets", ["moonseal keys list --json"]));
  return handle<KeyFlags>(target, session, async (io, options) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const keys = await client.keys(tenantId, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson({ keys }));
    if (keys.length === 0) {
      return line(io.stdout, "no keys yet; make one: moonseal keys create NAME --permission entry.append");
    }
    table(
      io.stdout,
      keys.map((key) => [key.id, stateOf(key, io.now()), usedOf(key, io.now()), key.name, key.permissions.join(",")]),
    );
  });
}

function createCommand(session: Session): Command {
  const target = common(
    command("create", "Create a key; it is printed once", [
      "moonseal keys create ingest --permission entry.append > key.txt",
      "moonseal keys create audit --permission entry.read --permission log.verify --expires 2027-12-31T00:00:00Z",
    ]),
  )
    .argument("<name>", "a label; no place for personal data")
    .requiredOption("--permission <name>", "what it may do; may be repeated. You grant only what you hold", repeated)
    .option("--expires <instant>", "when it ends (RFC 3339; default: never)")
    .option("--description <text>", "for your colleagues")
    .option("--network <cidr>", "it works only from there; may be repeated", repeated)
    .option("--service-account <id>", "whose key it is");
  return handle<CreateFlags, [string]>(target, session, async (io, options, name) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const { permission = [], expires, description, network, serviceAccount } = options;
    const wanted = {
      name,
      // The server knows which there are.
      permissions: permission as CreateApiKey["permissions"],
      ...(expires === undefined ? {} : { expires_at: expires }),
      ...(description === undefined ? {} : { description }),
      ...(network === undefined ? {} : { allowed_networks: network }),
      ...(serviceAccount === undefined ? {} : { service_account_id: serviceAccount }),
    };
    printIssued(io, await client.createKey(tenantId, wanted, { signal: io.signal }), options);
  });
}

function rotateCommand(session: Session): Command {
  const target = common(
    command("rotate", "Replace a key by a new one, which is printed once", [
      "moonseal keys rotate key_eu_… --overlap 86400 > key.txt",
      "moonseal keys rotate key_eu_… --overlap 0",
    ]),
  )
    .argument("<key id>")
    .option(
      "--overlap <seconds>",
      `how long the old one goes on working beside it (default: ${DEFAULT_OVERLAP_S}); 0 when it was lost or stolen`,
      integer(0, MAX_OVERLAP_S),
    );
  return handle<KeyFlags & { overlap?: number }, [string]>(target, session, async (io, options, id) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const overlap_seconds = options.overlap ?? DEFAULT_OVERLAP_S;
    const rotated = await client.rotateKey(tenantId, id, { overlap_seconds }, { signal: io.signal });
    const { api_key, replaced } = rotated;
    if (options.json) return printOnce(io, safeJson(rotated));
    printIssued(io, api_key, options);
    line(io.stderr, safeText(`moonseal: ${replaced.id} (${replaced.name}): ${stateOf(replaced, io.now())}`));
  });
}

function revokeCommand(session: Session): Command {
  const target = common(
    command("revoke", "Revoke a key, everywhere within 60 seconds", ["moonseal keys revoke key_eu_…"]),
  ).argument("<key id>");
  return handle<KeyFlags, [string]>(target, session, async (io, options, id) => {
    const { client, tenantId } = await connectToTenant(io, options);
    const revoked = await client.revokeKey(tenantId, id, { signal: io.signal });
    line(io.stdout, options.json ? safeJson(revoked) : safeText(`revoked ${revoked.id} (${revoked.name})`));
  });
}

/** The key alone on standard output, so that it can go into a file; what is said about it on the other. */
function printIssued(io: Io, issued: IssuedApiKey, { json }: KeyFlags): void {
  if (json) return printOnce(io, safeJson(issued));
  if (!issued.key) throw new CliError("the server answered no key");
  line(io.stderr, safeText(`moonseal: ${issued.id} (${issued.name}): ${issued.permissions.join(", ")}`));
  printOnce(io, safeText(issued.key));
}

function printOnce(io: Io, text: string): void {
  line(io.stderr, "moonseal: the key is shown now and never again; keep it where secrets are kept");
  line(io.stdout, text);
}

function stateOf({ revoked_at, expires_at }: ApiKey, nowMs: number): string {
  if (revoked_at !== null) return `revoked ${relative(Date.parse(revoked_at), nowMs)}`;
  if (expires_at === null) return "works";
  const endsMs = Date.parse(expires_at);
  return endsMs <= nowMs ? `ended ${relative(endsMs, nowMs)}` : `works, ends ${relative(endsMs, nowMs)}`;
}

function usedOf({ last_used_at }: ApiKey, nowMs: number): string {
  if (last_used_at === undefined) return "use not known";
  return last_used_at === null ? "never used" : `used ${relative(Date.parse(last_used_at), nowMs)}`;
}
