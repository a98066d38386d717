/** Which tenant a command is about: the one that is named, or the credential's own. */
import type { MoonsealClient } from "../client/index.ts";
import { type ConnectionFlags, connect } from "./connection.ts";
import { CliError, type Io } from "./io.ts";

export interface TenantFlags {
  tenant?: string;
}

export interface TenantConnection {
  client: MoonsealClient;
  tenantId: string;
}

/** Asks the server who the credential is when no tenant is named: one request more. */
export async function connectToTenant(io: Io, options: TenantFlags & ConnectionFlags): Promise<TenantConnection> {
  const { client } = await connect(io, options);
  if (options.tenant) return { client, tenantId: options.tenant };
  const { tenant_id } = await client.whoami({ signal: io.signal });
  if (!tenant_id) throw new CliError("this credential belongs to no tenant; name one with --tenant");
  return { client, tenantId: tenant_id };
}
