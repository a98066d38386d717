/**
 * Named permissions (`noun.verb`). Every route declares exactly one of them or `PUBLIC`. The scopes of an API key are a set
 * of these; roles of people come with the identity stack and name the same permissions.
 */
export const PERMISSIONS = {
  "cell.read": "Read how full the cell is and what waits in it",
  "tenant.create": "Create tenants in this jurisdiction",
  "tenant.list": "List the tenants of this jurisdiction",
  "tenant.read": "Read a tenant",
  "domain.create": "Create domains",
  "domain.list": "List the domains of a tenant",
  "domain.read": "Read a domain and the head of its log",
  "entry.append": "Append audit events",
  "entry.read": "Read entries",
  "log.verify": "Have the log verified",
  "api_key.create": "Create API keys",
  "api_key.list": "List API keys, never their secrets",
  "api_key.revoke": "Revoke API keys",
} as const;

export type Permission = keyof typeof PERMISSIONS;
export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as [Permission, ...Permission[]];

/** For the routes that anybody may call. Said aloud, so that a route without a declaration does not compile. */
export const PUBLIC = "public";

/** What the first key of a tenant may do: everything within its tenant. */
export const OWNER_KEY_PERMISSIONS: readonly Permission[] = PERMISSION_NAMES.filter(
  (name) => name !== "tenant.create" && name !== "tenant.list" && name !== "cell.read",
);

/** The operator of a cell sets tenants up; a tenant's entries are not the operator's to read (S3-35). */
export const OPERATOR_PERMISSIONS: readonly Permission[] = [
  "cell.read",
  "tenant.create",
  "tenant.list",
  "tenant.read",
  "domain.create",
  "domain.list",
  "domain.read",
  "api_key.create",
  "api_key.list",
  "api_key.revoke",
];

/** What the operator may do besides on the platform domain, which is the operator's own log. */
export const OPERATOR_PLATFORM_PERMISSIONS: readonly Permission[] = ["entry.read", "log.verify"];

export const TIERS = ["free", "pro", "team", "enterprise"] as const;
export type Tier = (typeof TIERS)[number];
