import { family, read, write } from "./action.ts";

/** Records about a tenant's customers. */
export const CUSTOMER_DATA = family(
  {
    category: "customer_data",
    sensitivity: "high",
    surfaces: ["admin"],
    people: ["/actor", "/targets/*", "/subjects/*", "/changes/*"],
  },
  {
    "customer.created": write("A record of a customer was made", { sensitivity: "medium" }),
    "customer.viewed": read("The record of a customer was read"),
    "customer.listed": read("Records of customers were listed"),
    "customer.searched": read("Records of customers were searched"),
    "customer.updated": write("The record of a customer was changed"),
    "customer.merged": write("Two records of one customer became one"),
    "customer.deleted": write("The record of a customer was deleted"),
    "customer.exported": read("Records of customers were copied out"),
    "customer.imported": write("Records of customers were brought in", { surfaces: ["admin", "cron"] }),
    "customer.shared": write("Records of customers were handed to somebody else", { surfaces: ["admin", "webhook"] }),
    "customer.synchronised": write("Another system changed records of customers", {
      sensitivity: "medium",
      surfaces: ["webhook", "cron"],
    }),
    "secret_field.revealed": read("A masked field of a customer's record was shown in full"),
  },
);

/** Rights of the people that the data is about (GDPR Arts. 7 and 15 to 22). */
export const PRIVACY = family(
  { category: "privacy", sensitivity: "high", surfaces: ["admin"], people: ["/actor", "/subjects/*", "/reason"] },
  {
    "consent.given": write("A person consented to a purpose", { sensitivity: "medium" }),
    "consent.withdrawn": write("A person withdrew a consent"),
    "subject_request.received": write("A person asked for one of their rights", { surfaces: ["admin", "webhook"] }),
    "subject_request.verified": write("The person who asked was shown to be who they say"),
    "subject_request.extended": write("The time to answer a person was extended, with a reason"),
    "subject_request.refused": write("A request of a person was refused, with a reason"),
    "subject_request.completed": write("A request of a person was answered"),
    "subject_request.overdue": write("The time to answer a person is over", { surfaces: ["cron"] }),
    "subject_data.accessed": read("Everything about a person was collected for them"),
    "subject_data.rectified": write("What is held about a person was corrected"),
    "subject_data.restricted": write("The use of what is held about a person was restricted"),
    "subject_data.ported": read("What is held about a person was handed over in a common format"),
    "subject_data.erased": write("What is held about a person was erased"),
    "retention.policy_changed": write("How long something is kept was changed", { people: ["/actor"] }),
    "retention.applied": write("What was kept long enough was removed", { surfaces: ["cron"], people: [] }),
  },
);
