import { family, read, write } from "./action.ts";

/** Accounts of people in a tenant's own product. */
export const USERS = family(
  {
    category: "identity",
    sensitivity: "medium",
    surfaces: ["admin", "system"],
    people: ["/actor", "/targets/*", "/changes/*"],
  },
  {
    "user.created": write("An account of a person was made"),
    "user.viewed": read("The profile of a person was read", { category: "customer_data" }),
    "user.updated": write("The profile of a person was changed"),
    "user.suspended": write("An account was suspended", { sensitivity: "high" }),
    "user.reactivated": write("A suspended account works again"),
    "user.deleted": write("An account of a person was deleted", { sensitivity: "high" }),
    "user.email_changed": write("A person has another address", { sensitivity: "high" }),
    "user.email_verified": write("A person proved that an address is theirs", { sensitivity: "low" }),
    "user.locked": write("An account was locked after too many attempts", {
      sensitivity: "high",
      surfaces: ["system"],
    }),
    "user.provisioned": write("A directory made or changed an account", { surfaces: ["webhook"] }),
    "user.deprovisioned": write("A directory ended an account", { sensitivity: "high", surfaces: ["webhook"] }),
    "user.purged": write("A deleted account was removed for good when its time was over", {
      sensitivity: "high",
      surfaces: ["cron"],
    }),
  },
);

/** Who belongs to what, and may do what. */
export const MEMBERSHIP = family(
  { category: "identity", sensitivity: "medium", surfaces: ["admin"], people: ["/actor", "/targets/*", "/changes/*"] },
  {
    "organization.created": write("An organisation was made"),
    "organization.updated": write("An organisation was changed"),
    "organization.deleted": write("An organisation was deleted", { sensitivity: "high" }),
    "organization.transferred": write("An organisation got another owner", { sensitivity: "high" }),
    "member.invited": write("Somebody was invited"),
    "member.invitation_expired": write("An invitation was not accepted in time", {
      sensitivity: "low",
      surfaces: ["cron"],
    }),
    "member.joined": write("An invited person joined"),
    "member.updated": write("What a member is or may do was changed", { sensitivity: "high" }),
    "member.removed": write("A member was removed", { sensitivity: "high" }),
    "team.created": write("A team was made", { sensitivity: "low" }),
    "team.updated": write("A team was changed", { sensitivity: "low" }),
    "team.deleted": write("A team was deleted"),
    "team.member_added": write("A person was added to a team"),
    "team.member_removed": write("A person was taken out of a team"),
    "role.created": write("A role was made"),
    "role.updated": write("What a role allows was changed", { sensitivity: "high" }),
    "role.deleted": write("A role was deleted"),
    "role.granted": write("A person or machine was given a role", { sensitivity: "high" }),
    "role.revoked": write("A role was taken from a person or machine", { sensitivity: "high" }),
    "permission.denied": write("Somebody tried what they may not do", {
      category: "security",
      sensitivity: "high",
      people: ["/actor", "/context"],
    }),
  },
);
