import { family, read, write } from "./action.ts";

/** The log about itself. */
export const AUDIT_LOG = family(
  { category: "audit", sensitivity: "high", surfaces: ["system"], people: [] },
  {
    "domain.created": write("Entry 0 of every log: what an outsider needs to check its start", { sensitivity: "low" }),
    "audit.revealed": read("Private values of entries, or who is in them, were opened", {
      category: "customer_data",
      surfaces: ["admin"],
      people: ["/actor", "/subjects/*", "/reason"],
    }),
    "integrity.violation": write("The log and one of its copies, or two of its heads, contradict each other"),
    "log.heads_recorded": write("The platform's log took down the heads of the cell's logs", {
      sensitivity: "low",
      surfaces: ["cron"],
    }),
  },
);

/** Erasure of people from logs (GDPR Art. 17). */
export const ERASURE = family(
  { category: "privacy", sensitivity: "high", surfaces: ["admin"], people: ["/actor", "/metadata/*"] },
  {
    "audit.identity_erased": write("What is sealed about a person was made unreadable in every copy of a log"),
    "audit.erasure_refused": write("A legal hold forbade the erasure of a person"),
    "audit.erasures_replayed": write("Erasures were executed again after a restore", { people: ["/actor"] }),
  },
);

/** Legal holds (GDPR Art. 17(3)(e)). */
export const LEGAL_HOLDS = family(
  { category: "privacy", sensitivity: "high", surfaces: ["admin"], people: ["/actor", "/reason", "/metadata/*"] },
  {
    "hold.placed": write("A legal hold forbids to erase or delete what it covers"),
    "hold.reviewed": write("A legal hold was looked at and goes on", { sensitivity: "medium" }),
    "hold.released": write("A legal hold ended"),
  },
);
