/** Who listens: enough to find out again, while a connection lasts, whether they still may. It holds no secret. */
import type { AccessUse, AccessUsed } from "../access/grants/calls.ts";
import type { SessionPrincipal } from "../access/principal.ts";
import { OPERATOR_PLATFORM_PERMISSIONS, type Permission } from "../permissions.ts";
import type { ApiKeyRecord, Clock } from "../ports.ts";
import { hasEnded } from "../tenancy/key-room.ts";

const NEEDED: Permission = "entry.read";

export type TailHolder =
  | { kind: "api_key"; keyId: string }
  | { kind: "member"; personId: string; sessionId: string }
  /** `approved`: by an access that the tenant has approved; otherwise the platform's own log. */
  | { kind: "staff"; personId: string; sessionId: string; approved: boolean }
  /** The operator's secret, on the platform's own log; it changes with a deployment, which ends every connection. */
  | { kind: "operator" };

/** Where each kind of credential is kept. None answers from memory. */
export interface HolderStores {
  key(keyId: string): Promise<ApiKeyRecord | null>;
  memberSession(sessionId: string, memberId: string): Promise<SessionPrincipal | null>;
  staffSession(sessionId: string, staffId: string): Promise<SessionPrincipal | null>;
  /** Of the tenant whose domain it is. */
  useAccess(use: AccessUse): Promise<AccessUsed>;
  clock: Clock;
}

/** For asking once for many connections of one credential. */
export const holderName = (holder: TailHolder): string =>
  holder.kind === "operator" ? "operator" : holder.kind === "api_key" ? holder.keyId : holder.sessionId;

/** Whether the credential still works and holds `entry.read` on this domain. Throws what its store throws when it is away. */
export async function mayListen(holder: TailHolder, domainId: string, tenantId: string, stores: HolderStores) {
  if (holder.kind === "operator") return true;
  if (holder.kind === "api_key") {
    const key = await stores.key(holder.keyId);
    if (!key || key.revokedAt !== null || key.tenantId !== tenantId) return false;
    return !hasEnded(key, stores.clock()) && key.permissions.includes(NEEDED);
  }
  const { kind, personId, sessionId } = holder;
  if (kind === "member") {
    const session = await stores.memberSession(sessionId, personId);
    return session?.tenantId === tenantId && session.permissions.includes(NEEDED);
  }
  if (!(await stores.staffSession(sessionId, personId))) return false;
  if (!holder.approved) return OPERATOR_PLATFORM_PERMISSIONS.includes(NEEDED);
  const by = { type: "support", id: personId, via: { type: "session", id: sessionId } } as const;
  return (await stores.useAccess({ staffId: personId, permission: NEEDED, domainId, by })).ok;
}
