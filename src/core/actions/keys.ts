import { family, write } from "./action.ts";

/** API keys of a tenant: ids and permissions, never a secret. */
export const API_KEYS = family(
  { category: "credential", sensitivity: "high", surfaces: ["admin"], people: ["/actor"] },
  {
    "api_key.created": write("An API key was made"),
    "api_key.revoked": write("An API key was revoked and works no more", { surfaces: ["admin", "webhook"] }),
    "api_key.rotated": write("An API key was replaced by a new one, with a time in which both work"),
    "api_key.leaked": write("Somebody reported that an API key stood where it does not belong", {
      surfaces: ["webhook"],
      people: ["/metadata/*"],
    }),
  },
);

/** Encryption keys of tenants and of the cell: versions, never a byte of one. */
export const ENCRYPTION_KEYS = family(
  { category: "credential", sensitivity: "medium", surfaces: ["cron", "admin"], people: ["/actor"] },
  {
    "key.rotation_started": write("A new version of the tenant's encryption key seals from now on"),
    "key.rotation_finished": write("Everything of the tenant is sealed under the newest key"),
    "key.retirement_delayed": write(
      "Something was still sealed under old keys, so the time that they are kept begins anew",
    ),
    "key.destroyed": write("Old versions of the tenant's encryption key were destroyed", { sensitivity: "high" }),
    "key.slot_rotation_started": write("A newer secret of the cell seals a kind of column from now on", { people: [] }),
    "key.slot_rotation_finished": write("Every value of a kind of column is sealed under its newest secret", {
      people: [],
    }),
    "key.slot_version_retired": write("Older secrets of a kind of column open nothing any more", { people: [] }),
  },
);

/** The tenant's own key service (BYOK). */
export const KEY_SERVICE = family(
  { category: "credential", sensitivity: "high", surfaces: ["admin"], people: ["/actor"] },
  {
    "tenant.key_service_changed": write(
      "The service that wraps the tenant's keys was set, or its credentials replaced",
    ),
    "tenant.key_service_removed": write("The tenant's keys are wrapped by the cell again"),
    "tenant.key_service_failed": write("The tenant's key service refused or did not answer", {
      surfaces: ["system", "webhook"],
      people: [],
    }),
    "tenant.key_service_restored": write("The tenant's key service answers again", {
      surfaces: ["system", "webhook"],
      people: [],
    }),
  },
);
