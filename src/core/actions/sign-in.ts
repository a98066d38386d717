import { family, write } from "./action.ts";

/** Sign-in to a tenant's own product. */
export const SIGN_IN = family(
  { category: "authentication", sensitivity: "medium", surfaces: ["admin"], people: ["/actor", "/context"] },
  {
    "session.opened": write("A person signed in and a session began"),
    "session.refused": write("An attempt to sign in was refused", { sensitivity: "high" }),
    "session.refreshed": write("A session was prolonged", { sensitivity: "low", surfaces: ["system"] }),
    "session.ended": write("A person signed out"),
    "session.revoked": write("Somebody else ended a session of a person"),
    "session.expired": write("A session ended because its time was over", { sensitivity: "low", surfaces: ["cron"] }),
    "session.impersonated": write("Somebody acts under the account of another person", {
      sensitivity: "high",
      people: ["/actor", "/on_behalf_of", "/targets/*", "/reason", "/context"],
    }),
    "session.impersonation_ended": write("Somebody stopped acting under the account of another person", {
      people: ["/actor", "/on_behalf_of", "/targets/*", "/context"],
    }),
  },
);

/** What people sign in with. */
export const CREDENTIALS = family(
  {
    category: "authentication",
    sensitivity: "high",
    surfaces: ["admin"],
    people: ["/actor", "/targets/*", "/context"],
  },
  {
    "password.changed": write("A person set a new password"),
    "password.reset_requested": write("A link to set a new password was asked for", { sensitivity: "medium" }),
    "password.reset": write("A password was set through a link"),
    "password.expired": write("A password became too old to sign in with", {
      sensitivity: "medium",
      surfaces: ["cron"],
    }),
    "second_factor.enrolled": write("A person registered a second factor"),
    "second_factor.removed": write("A second factor of a person was taken away"),
    "second_factor.refused": write("A second factor was shown and was wrong"),
    "passkey.registered": write("A person registered a passkey"),
    "passkey.removed": write("A passkey of a person was taken away"),
    "recovery_code.used": write("A person signed in with a recovery code"),
  },
);
