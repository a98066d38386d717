import { family, read, write } from "./action.ts";

/** Personas: the characters that an assistant speaks as. */
export const PERSONAS = family(
  { category: "content", sensitivity: "medium", surfaces: ["admin"], people: ["/actor", "/changes/*"] },
  {
    "persona.created": write("A persona was made"),
    "persona.viewed": read("A persona was read", { sensitivity: "low" }),
    "persona.updated": write("What a persona says or knows was changed"),
    "persona.published": write("A persona was made available", { sensitivity: "high" }),
    "persona.unpublished": write("A persona is available no more"),
    "persona.deleted": write("A persona was deleted", { sensitivity: "high" }),
  },
);

/** Documents and files. */
export const DOCUMENTS = family(
  { category: "content", sensitivity: "medium", surfaces: ["admin"], people: ["/actor", "/changes/*"] },
  {
    "document.created": write("A document was made", { sensitivity: "low" }),
    "document.viewed": read("A document was read", { sensitivity: "low" }),
    "document.updated": write("A document was changed"),
    "document.published": write("A document was published"),
    "document.shared": write("A document was opened to somebody else", {
      sensitivity: "high",
      people: ["/actor", "/targets/*"],
    }),
    "document.unshared": write("A document was closed to somebody", { people: ["/actor", "/targets/*"] }),
    "document.downloaded": read("A document was copied out", { sensitivity: "high" }),
    "document.deleted": write("A document was deleted", { sensitivity: "high" }),
    "document.restored": write("A deleted document was brought back"),
    "file.uploaded": write("A file was stored"),
    "file.downloaded": read("A file was copied out"),
    "file.deleted": write("A file was deleted"),
    "file.quarantined": write("A scan found a file dangerous and set it aside", {
      category: "security",
      sensitivity: "high",
      surfaces: ["system", "cron"],
    }),
    "report.exported": read("A report was copied out", { sensitivity: "high" }),
  },
);

/** Conversations with an assistant or a person. */
export const CHAT_SESSIONS = family(
  {
    category: "customer_data",
    sensitivity: "medium",
    surfaces: ["admin", "system"],
    people: ["/actor", "/subjects/*"],
  },
  {
    "chat_session.started": write("A conversation began", { sensitivity: "low" }),
    "chat_session.viewed": read("A conversation was read by somebody who is not in it", { sensitivity: "high" }),
    "chat_session.message_redacted": write("Part of a conversation was removed or blackened", { sensitivity: "high" }),
    "chat_session.handed_over": write("A conversation passed from the assistant to a person, or back"),
    "chat_session.flagged": write("A conversation was marked for somebody to look at", { sensitivity: "high" }),
    "chat_session.exported": read("A conversation was copied out", { sensitivity: "high" }),
    "chat_session.ended": write("A conversation ended", { sensitivity: "low" }),
    "chat_session.deleted": write("A conversation was deleted", { sensitivity: "high" }),
    "chat_session.expired": write("A conversation was removed when its time was over", { surfaces: ["cron"] }),
  },
);
