import { family, read, write } from "./action.ts";

/** The log about itself. */
export const AUDIT_LOG = family(
  { category: "audit", sensitivity: "high", surfaces: ["system"], people: [] },
  {
    "domain.created": write("Entry 0 of every log: what an outsider needs to check its start", { sensitivity: "low" }),
    "domain.settings_changed": write("How the log treats the events that come to it, and reads, was changed", {
      category: "configuration",
      surfaces: ["admin"],
      people: ["/actor"],
    }),
    "domain.imported": write(
      "Another log was moved here: where it was, its head, and the hash of the signed export that it came in",
      { surfaces: ["admin"], people: ["/actor"] },
    ),
    "domain.imported_entry": write(
      "An entry of a log that was moved here: written there by the product, or with content that may not stand here",
      {
        people: [
          "/actor",
          "/on_behalf_of",
          "/targets/*",
          "/subjects/*",
          "/changes/*",
          "/context",
          "/reason",
          "/metadata/*",
        ],
      },
    ),
    "domain.retention_changed": write("How long the entries of the log stay in the hot store was changed", {
      category: "configuration",
      surfaces: ["admin"],
      people: ["/actor"],
    }),
    "domain.retention_confirmed": write(
      "Somebody confirmed what retention would remove from the log, for the first time",
      {
        category: "configuration",
        surfaces: ["admin"],
        people: ["/actor"],
      },
    ),
    "ledger.pruned": write(
      "Entries that had been in the hot store long enough left it; the archive has them, and every proof stays",
      { category: "operation", surfaces: ["cron"] },
    ),
    "ledger.expired": write(
      "What entries said was deleted from the archive at the end of the time that they are kept; their hashes stay",
      { category: "operation", surfaces: ["cron"] },
    ),
    "audit.revealed": read("Private values of entries, or who is in them, were opened", {
      category: "customer_data",
      surfaces: ["admin"],
      people: ["/actor", "/subjects/*", "/reason"],
    }),
    "audit.read": read("Entries were read: what was asked for, of which domains", {
      category: "customer_data",
      sensitivity: "medium",
      surfaces: ["admin"],
      people: ["/actor", "/metadata/*"],
    }),
    "integrity.violation": write("The log and one of its copies, or two of its heads, contradict each other"),
    "log.restore_started": write("A log begins to be brought back from its archive", {
      surfaces: ["admin"],
      people: ["/actor"],
    }),
    "log.restored": write("A log was brought back from its archive, and compared with it", { people: ["/actor"] }),
    "log.restore_refused": write("A log was not brought back: its archive is missing, damaged or another's", {
      people: ["/actor"],
    }),
    "log.heads_recorded": write("The platform's log took down the heads of the cell's logs", {
      sensitivity: "low",
      surfaces: ["cron"],
    }),
  },
);

/** The system about itself, in the platform's log: what should have happened and did not. */
export const ALERTS = family(
  { category: "operation", sensitivity: "medium", surfaces: ["cron", "system"], people: [] },
  {
    "cell.alert_raised": write("The cell noticed that something of its own is not as it should be"),
    "cell.alert_resolved": write("What an alert was about is as it should be again"),
  },
);

/** Copies that leave the building. They stand in the tenant's reserved log. */
export const EXPORTS = family(
  { category: "audit", sensitivity: "high", surfaces: ["admin"], people: ["/actor"] },
  {
    "audit.export_created": write("An export of entries was asked for"),
    "audit.export_finished": write("An export of entries is ready", { surfaces: ["system"] }),
    "audit.export_failed": write("An export of entries could not be made", { surfaces: ["system"] }),
    "audit.export_downloaded": read("A link to an export was used for the first time; the actor is who made the link"),
    "audit.export_revoked": write("An export was withdrawn: its file is deleted and its links are dead"),
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
