import { family, write } from "./action.ts";

/** The operator's own people, in the platform's log. */
export const STAFF = family(
  { category: "identity", sensitivity: "high", surfaces: ["admin"], people: ["/actor", "/targets/*"] },
  {
    "staff.member_invited": write("Somebody was invited to the operator's staff"),
    "staff.invitation_withdrawn": write("An open invitation to the operator's staff was taken back"),
    "staff.member_joined": write("An invited person joined the operator's staff"),
    "staff.member_removed": write("One of the operator's people was removed and their sessions ended"),
    "staff.login": write("One of the operator's people signed in", { category: "authentication" }),
    "staff.login_failed": write("Attempts to sign in as one of the operator's people were refused", {
      category: "authentication",
    }),
    "staff.session_ended": write("A session of one of the operator's people was ended", { category: "authentication" }),
    "staff.password_set": write("One of the operator's people set their password", { category: "authentication" }),
    "staff.second_factor_added": write("One of the operator's people registered a second factor", {
      category: "authentication",
    }),
    "staff.second_factor_removed": write("One of the operator's people took a second factor of theirs away", {
      category: "authentication",
    }),
    "staff.second_factor_shown": write("One of the operator's people showed a second factor", {
      category: "authentication",
      sensitivity: "low",
    }),
    "staff.second_factors_reset": write("All second factors of one of the operator's people were taken away", {
      category: "authentication",
    }),
  },
);
