import { family, write } from "./action.ts";

/** The life of a tenant, written into its own log; its end, into the platform's. */
export const TENANT = family(
  { category: "configuration", sensitivity: "medium", surfaces: ["admin"], people: ["/actor"] },
  {
    "tenant.created": write("The operator made the tenant, with its first key", { sensitivity: "high" }),
    "tenant.domain_added": write("A domain, a log of its own, was added to the tenant"),
    "tenant.updated": write("The tenant's name or settings were changed"),
    "tenant.tier_changed": write("The operator moved the tenant to another tier", { category: "billing" }),
    "tenant.rate_limits_changed": write("The tenant's limits on requests and events were changed", {
      people: ["/actor", "/targets/*"],
    }),
    "tenant.event_type_added": write("An action type of the tenant's own was added, with its schema"),
    "tenant.event_type_version_added": write("A new version of an action type's schema holds from now on"),
    "tenant.event_type_withdrawn": write("Events of an action type are refused from now on"),
    "tenant.service_account_created": write("An account for a machine was made", { category: "identity" }),
    "tenant.service_account_updated": write("A service account was renamed or described anew", {
      category: "identity",
    }),
    "tenant.service_account_removed": write("A service account was removed and its keys revoked", {
      category: "identity",
    }),
    "tenant.identity_provider_set": write("The provider that signs the tenant's people in was set or changed", {
      category: "security",
      sensitivity: "high",
    }),
    "tenant.identity_provider_removed": write("The tenant's people sign in without a provider of their own again", {
      category: "security",
      sensitivity: "high",
    }),
    "tenant.retention_changed": write("How long things of the tenant are kept was changed", { sensitivity: "high" }),
    "tenant.retention_applied": write("What was kept long enough was removed: what, how much, what was held", {
      category: "privacy",
      surfaces: ["cron"],
    }),
    "tenant.retention_refused": write("Retention removed nothing, because the clock was not believed", {
      category: "privacy",
      sensitivity: "high",
      surfaces: ["cron"],
      people: [],
    }),
    "tenant.deletion_requested": write("The deletion of the tenant with everything of it has begun", {
      category: "privacy",
      sensitivity: "high",
    }),
    "tenant.deletion_refused": write("A legal hold forbade the deletion of the tenant", {
      category: "privacy",
      sensitivity: "high",
    }),
    "tenant.deleted": write("Everything of the tenant is gone, and the certificate says what it was", {
      category: "privacy",
      sensitivity: "high",
      surfaces: ["cron"],
    }),
  },
);
