import { family, write } from "./action.ts";

/** Members of a tenant: who belongs to it, who signed in, with what. People stand in these under their pseudonym. */
export const TENANT_PEOPLE = family(
  { category: "identity", sensitivity: "medium", surfaces: ["admin"], people: ["/actor", "/targets/*"] },
  {
    "tenant.member_invited": write("Somebody was invited to become a member"),
    "tenant.invitation_withdrawn": write("An open invitation was taken back"),
    "tenant.invitation_sent_again": write("An open invitation was sent once more", { sensitivity: "low" }),
    "tenant.member_joined": write("An invited or provisioned person became a member", {
      surfaces: ["admin", "webhook"],
    }),
    "tenant.member_updated": write("The role of a member was changed", { sensitivity: "high" }),
    "tenant.member_removed": write("A member was removed and their sessions ended", { sensitivity: "high" }),
    "tenant.login": write("A member signed in", { category: "authentication", surfaces: ["admin", "webhook"] }),
    "tenant.login_failed": write("Attempts to sign in as a member were refused", {
      category: "authentication",
      sensitivity: "high",
    }),
    "tenant.session_ended": write("A session of a member was ended before its time", { category: "authentication" }),
    "tenant.second_factor_added": write("A member registered a second factor", { category: "authentication" }),
    "tenant.second_factor_removed": write("A member took a second factor of theirs away", {
      category: "authentication",
      sensitivity: "high",
    }),
    "tenant.second_factor_shown": write("A member showed a second factor", {
      category: "authentication",
      sensitivity: "low",
    }),
    "tenant.second_factors_reset": write("Somebody else took all second factors of a member away", {
      category: "authentication",
      sensitivity: "high",
    }),
  },
);
