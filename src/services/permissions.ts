/**
 * Who may do what: the one table of permissions (`noun.verb`) with the lowest role that holds each, published at
 * `GET /v1/permissions`. Every route declares exactly one of them or `PUBLIC`; the scopes of an API key are a set of these.
 */

/** From least to most; each holds all of the one before and more (S2-8). `engineer` is `owner` and the technical ones. */
export const ROLES = ["viewer", "support", "financial_admin", "admin", "owner", "engineer"] as const;
export type Role = (typeof ROLES)[number];

interface PermissionRow {
  says: string;
  /** The lowest role of a tenant's member that holds it; `operator`: only people and secrets of whoever runs the cell. */
  from: Role | "operator";
  /** Asks a person for a second factor again when the last one is older than `LIMITS.stepUpMs` (S2-12). */
  sensitive?: true;
}

const TABLE = {
  "tenant.read": { from: "viewer", says: "Read a tenant" },
  "domain.list": { from: "viewer", says: "List the domains of a tenant" },
  "domain.read": { from: "viewer", says: "Read a domain and the head of its log" },
  "entry.read": { from: "viewer", says: "Read entries" },
  "log.read": { from: "viewer", says: "Read the signed checkpoints, tiles and proofs of a log: hashes only" },
  "log.verify": { from: "viewer", says: "Have the log verified" },
  "event_schema.read": {
    from: "viewer",
    says: "Read the tenant's own action types and their schemas, and which events they refused",
  },

  "api_key.list": { from: "support", says: "List API keys, never their secrets" },
  "service_account.list": { from: "support", says: "List service accounts and their keys, never secrets" },
  "member.list": { from: "support", says: "List the tenant's members and open invitations" },
  "session.list": { from: "support", says: "List the sessions of the tenant's members" },
  "access.read": { from: "support", says: "Read requests of the operator's staff for access, and what came of them" },
  "rate_limit.read": { from: "support", says: "Read the tenant's rate limits" },
  "hold.read": { from: "support", says: "Read legal holds with their reasons and owners" },
  "erasure.read": { from: "support", says: "Read how far erasures have come, and their certificates" },
  "export.read": { from: "support", says: "List exports and fetch them" },
  "retention.read": { from: "support", says: "Read retention policies and what they would remove" },

  "usage.read": { from: "financial_admin", says: "Read what the tenant has used of what its tier includes" },

  "compliance.read": { from: "admin", says: "Read the tenant's own history of administration" },
  "entry.append": { from: "admin", says: "Append audit events" },
  "entry.reveal": {
    from: "admin",
    sensitive: true,
    says: "Open what is private in entries; each time is itself an entry",
  },
  "domain.create": { from: "admin", says: "Create domains" },
  "domain.update": { from: "admin", says: "Change how a domain treats events" },
  "event_schema.manage": { from: "admin", says: "Add action types and new versions of their schemas" },
  "api_key.create": { from: "admin", sensitive: true, says: "Create API keys" },
  "api_key.rotate": { from: "admin", sensitive: true, says: "Replace API keys, with a time in which both work" },
  "api_key.revoke": { from: "admin", says: "Revoke API keys" },
  "service_account.manage": { from: "admin", sensitive: true, says: "Create, rename and remove service accounts" },
  "member.invite": { from: "admin", says: "Invite people, and take invitations back" },
  "member.update": { from: "admin", sensitive: true, says: "Change the role of a member" },
  "member.remove": { from: "admin", sensitive: true, says: "Remove members" },
  "session.revoke": { from: "admin", says: "End the sessions of members" },
  "access.approve": { from: "admin", sensitive: true, says: "Approve or refuse access of the operator's staff" },
  "access.end": { from: "admin", says: "End access of the operator's staff at once" },
  "hold.manage": { from: "admin", says: "Place, review and release legal holds" },
  "encryption_key.read": {
    from: "admin",
    says: "Read which versions of encryption keys there are and how old they are, never a byte of one",
  },
  "identity_provider.read": { from: "admin", says: "Read which identity provider signs the tenant's people in" },
  "export.create": { from: "admin", sensitive: true, says: "Export entries" },
  "export.revoke": { from: "admin", says: "Withdraw an export" },

  "tenant.update": { from: "owner", sensitive: true, says: "Change a tenant's name and settings" },
  "subject.erase": { from: "owner", sensitive: true, says: "Erase a person from a log" },
  "member.reset_factors": {
    from: "owner",
    sensitive: true,
    says: "Take away a member's second factors, for a new start",
  },
  "identity_provider.manage": {
    from: "owner",
    sensitive: true,
    says: "Set and remove the identity provider that signs the tenant's people in",
  },
  "rate_limit.manage": { from: "owner", says: "Change the tenant's rate limits, within its tier" },
  "retention.manage": { from: "owner", sensitive: true, says: "Change how long things are kept" },

  "encryption_key.rotate": {
    from: "engineer",
    sensitive: true,
    says: "Have the tenant's encryption key replaced",
  },
  "key_service.read": {
    from: "engineer",
    says: "Read which key service wraps the tenant's keys, never its credentials",
  },
  "key_service.manage": {
    from: "engineer",
    sensitive: true,
    says: "Set, replace and remove the tenant's key service",
  },
  "erasure.replay": { from: "engineer", says: "Execute erasures again after a restore" },

  "cell.read": { from: "operator", says: "Read how full the cell is and what waits in it" },
  "tenant.create": { from: "operator", says: "Create tenants in this jurisdiction" },
  "tenant.list": { from: "operator", says: "List the tenants of this jurisdiction" },
  "tenant.delete": {
    from: "operator",
    sensitive: true,
    says: "Delete a tenant with everything that belongs to it, and read the certificate",
  },
  "tier.change": { from: "operator", sensitive: true, says: "Change the tier of a tenant" },
  "slot.rotate": {
    from: "operator",
    sensitive: true,
    says: "Have the columns of a slot sealed under its newest secret, and retire the older ones",
  },
  "staff.list": { from: "operator", says: "List the operator's staff" },
  "staff.manage": { from: "operator", sensitive: true, says: "Invite and remove the operator's staff" },
  "access.request": { from: "operator", says: "Ask a tenant for access to its entries, for a time and with a reason" },
  "tenant.recover": {
    from: "operator",
    sensitive: true,
    says: "Have a new owner invited to a tenant that nobody can get into, a day later unless the tenant stops it",
  },
  "access.break_glass": {
    from: "operator",
    sensitive: true,
    says: "Take access without waiting for an approval; the tenant is told at once",
  },
  "domain.restore": { from: "operator", sensitive: true, says: "Restore a log from its archive" },
} as const satisfies Record<string, PermissionRow>;

export type Permission = keyof typeof TABLE;
export const PERMISSIONS: Readonly<Record<Permission, PermissionRow>> = TABLE;
export const PERMISSION_NAMES = Object.keys(TABLE) as [Permission, ...Permission[]];

/** For the routes that anybody may call. Said aloud, so that a route without a declaration does not compile. */
export const PUBLIC = "public";

/** Declared by no route yet. */
export const AHEAD: readonly Permission[] = [];

/** All that a role holds, in the order of the table. */
export function permissionsOf(role: Role): readonly Permission[] {
  return BY_ROLE[role];
}

/** The roles that hold a permission, least first; none for what only the operator holds. */
export function rolesWith(permission: Permission): readonly Role[] {
  const { from } = PERMISSIONS[permission];
  return from === "operator" ? [] : ROLES.slice(ROLES.indexOf(from));
}

export const isSensitive = (permission: Permission): boolean => PERMISSIONS[permission].sensitive === true;

const BY_ROLE = Object.fromEntries(
  ROLES.map((role) => [role, PERMISSION_NAMES.filter((name) => rolesWith(name).includes(role))]),
) as Record<Role, Permission[]>;

/** What it takes to answer people who ask for their own (S1-21): granted on top of a role, or to a key of its own. */
export const SUPER_ADMIN_PERMISSIONS: readonly Permission[] = ["subject.erase", "erasure.read", "entry.reveal"];

/** What the first key of a tenant may do: everything within its tenant. */
export const OWNER_KEY_PERMISSIONS: readonly Permission[] = permissionsOf("engineer");

/** The operator of a cell sets tenants up; a tenant's entries are not the operator's to read (S3-35). */
export const OPERATOR_PERMISSIONS: readonly Permission[] = [
  "cell.read",
  "tenant.create",
  "tenant.list",
  "tenant.read",
  "tenant.delete",
  "tier.change",
  "domain.create",
  "domain.list",
  "domain.read",
  "domain.restore",
  // Restores are the operator's, and so is what has to follow them. It erases nobody who was not erased before.
  "erasure.replay",
  "api_key.list",
  "api_key.revoke",
  "encryption_key.read",
  "slot.rotate",
  // Somebody has to invite the first of the operator's people.
  "staff.list",
  "staff.manage",
  "tenant.recover",
  // What the operator's own people asked of the tenant.
  "access.read",
];

/** What one of the operator's people may do: what the operator's secret may, and what needs a person. */
export const STAFF_PERMISSIONS: readonly Permission[] = PERMISSION_NAMES.filter(
  (name) => PERMISSIONS[name].from === "operator" || OPERATOR_PERMISSIONS.includes(name),
);

/** What the operator may do besides on the platform domain, which is the operator's own log. */
export const OPERATOR_PLATFORM_PERMISSIONS: readonly Permission[] = [
  // In a tenant it would be a way around the tenant's approval (S3-35); the platform's is the operator's own.
  "api_key.create",
  "subject.erase",
  "erasure.read",
  "entry.read",
  "log.read",
  "log.verify",
];

export const TIERS = ["free", "pro", "team", "enterprise"] as const;
export type Tier = (typeof TIERS)[number];
