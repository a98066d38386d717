/** A person who is signed in, as the objects that keep sessions tell it to the Worker. Plain values: they cross RPC. */
import type { Permission, Role } from "../permissions.ts";

export interface SignedIn {
  /** Of a member (`mem_…`) or of one of the operator's people (`stf_…`). */
  id: string;
  sessionId: string;
  /** Null for the operator's people. */
  role: Role | null;
  /** When a second factor was last shown in this session; Unix milliseconds. Null: never. */
  secondFactorAtMs: number | null;
}

export interface SessionPrincipal {
  kind: "member" | "staff";
  /** Null for the operator's people. */
  tenantId: string | null;
  permissions: readonly Permission[];
  person: SignedIn;
}
