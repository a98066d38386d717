/**
 * Named permissions (`noun.verb`). Every route declares exactly one of them or `PUBLIC`. The scopes of an API key are a set
 * of these; roles of people come with the identity stack and name the same permissions.
 */
export const PERMISSIONS = {
  "cell.read": "Read how full the cell is and what waits in it",
  "tenant.create": "Create tenants in this jurisdiction",
  "tenant.list": "List the tenants of this jurisdiction",
  "tenant.read": "Read a tenant",
  "tenant.delete": "Delete a tenant with everything that belongs to it, and read the certificate",
  "domain.create": "Create domains",
  "domain.list": "List the domains of a tenant",
  "domain.read": "Read a domain and the head of its log",
  "entry.append": "Append audit events",
  "entry.read": "Read entries",
  "entry.reveal": "Open what is private in entries; each time is itself an entry",
  "subject.erase": "Erase a person from a log",
  "erasure.read": "Read how far erasures have come, and their certificates",
  "erasure.replay": "Execute erasures again after a restore",
  "log.read": "Read the signed checkpoints, tiles and proofs of a log: hashes only",
  "log.verify": "Have the log verified",
  "api_key.create": "Create API keys",
  "api_key.list": "List API keys, never their secrets",
  "api_key.revoke": "Revoke API keys",
  "hold.read": "Read legal holds with their reasons and owners",
  "hold.manage": "Place, review and release legal holds",
  "encryption_key.read": "Read which versions of encryption keys there are and how old they are, never a byte of one",
  "encryption_key.rotate": "Have the tenant's encryption key replaced",
  "slot.rotate": "Have the columns of a slot sealed under its newest secret, and retire the older ones",
  "key_service.read": "Read which key service wraps the tenant's keys, never its credentials",
  "key_service.manage": "Set, replace and remove the tenant's key service",
} as const;

export type Permission = keyof typeof PERMISSIONS;
export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as [Permission, ...Permission[]];

/** For the routes that anybody may call. Said aloud, so that a route without a declaration does not compile. */
export const PUBLIC = "public";

/** What the first key of a tenant may do: everything within its tenant. */
export const OWNER_KEY_PERMISSIONS: readonly Permission[] = PERMISSION_NAMES.filter(
  (name) => !["tenant.create", "tenant.list", "tenant.delete", "cell.read", "slot.rotate"].includes(name),
);

/** The operator of a cell sets tenants up; a tenant's entries are not the operator's to read (S3-35). */
export const OPERATOR_PERMISSIONS: readonly Permission[] = [
  "cell.read",
  "tenant.create",
  "tenant.list",
  "tenant.read",
  "tenant.delete",
  "domain.create",
  "domain.list",
  "domain.read",
  // Restores are the operator's, and so is what has to follow them. It erases nobody who was not erased before.
  "erasure.replay",
  "api_key.create",
  "api_key.list",
  "api_key.revoke",
  "encryption_key.read",
  "slot.rotate",
];

/** What the operator may do besides on the platform domain, which is the operator's own log. */
export const OPERATOR_PLATFORM_PERMISSIONS: readonly Permission[] = [
  "subject.erase",
  "erasure.read",
  "entry.read",
  "log.read",
  "log.verify",
];

export const TIERS = ["free", "pro", "team", "enterprise"] as const;
export type Tier = (typeof TIERS)[number];
