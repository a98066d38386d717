import { family, read, write } from "./action.ts";

/** Settings and releases of a tenant's own product. */
export const CONFIGURATION = family(
  { category: "configuration", sensitivity: "medium", surfaces: ["admin"], people: ["/actor", "/changes/*"] },
  {
    "config.viewed": read("Settings were read", { sensitivity: "low" }),
    "config.updated": write("Settings were changed", { sensitivity: "high" }),
    "config.restored": write("Settings were set back to an older state", { sensitivity: "high" }),
    "feature_flag.created": write("A feature flag was made", { sensitivity: "low" }),
    "feature_flag.updated": write("A feature was switched for some or for all"),
    "feature_flag.deleted": write("A feature flag was removed", { sensitivity: "low" }),
    "environment.created": write("An environment was made"),
    "environment.deleted": write("An environment was deleted", { sensitivity: "high" }),
    "deployment.started": write("A release began", { surfaces: ["admin", "webhook"] }),
    "deployment.finished": write("A release is in force", { surfaces: ["system", "webhook"] }),
    "deployment.rolled_back": write("A release was taken back", { sensitivity: "high", surfaces: ["admin", "system"] }),
  },
);

/** Secrets and rules that guard. */
export const SECURITY = family(
  { category: "security", sensitivity: "high", surfaces: ["admin"], people: ["/actor", "/changes/*"] },
  {
    "secret.created": write("A secret was stored"),
    "secret.read": read("A secret was read"),
    "secret.rotated": write("A secret was replaced", { surfaces: ["admin", "cron"] }),
    "secret.deleted": write("A secret was deleted"),
    "access_token.created": write("A token for the tenant's own product was made"),
    "access_token.rotated": write("A token for the tenant's own product was replaced"),
    "access_token.revoked": write("A token for the tenant's own product was revoked"),
    "access_token.expired": write("A token ended because its time was over", {
      sensitivity: "low",
      surfaces: ["cron"],
    }),
    "network_rule.updated": write("Which networks may come in was changed"),
    "sign_in_policy.updated": write("What it takes to sign in was changed"),
    "single_sign_on.enabled": write("People sign in through their organisation's provider"),
    "single_sign_on.disabled": write("People sign in without their organisation's provider"),
    "certificate.renewed": write("A certificate was replaced before its end", {
      sensitivity: "low",
      surfaces: ["cron"],
    }),
    "threat.detected": write("Something that looks like an attack was noticed", {
      surfaces: ["system", "webhook"],
      people: ["/actor", "/context"],
    }),
    "backup.completed": write("A copy for a restore was made", {
      category: "operation",
      surfaces: ["cron"],
      people: [],
    }),
    "backup.failed": write("A copy for a restore could not be made", {
      category: "operation",
      surfaces: ["cron"],
      people: [],
    }),
    "backup.restored": write("Something was restored from a copy", { category: "operation" }),
  },
);
