import { family, write } from "./action.ts";

/** Calls to other systems, and from them. */
export const WEBHOOKS = family(
  { category: "integration", sensitivity: "medium", surfaces: ["webhook"], people: [] },
  {
    "webhook.endpoint_created": write("An address for deliveries was added", {
      sensitivity: "high",
      surfaces: ["admin"],
      people: ["/actor"],
    }),
    "webhook.endpoint_updated": write("An address for deliveries was changed", {
      sensitivity: "high",
      surfaces: ["admin"],
      people: ["/actor", "/changes/*"],
    }),
    "webhook.endpoint_deleted": write("An address for deliveries was removed", {
      surfaces: ["admin"],
      people: ["/actor"],
    }),
    "webhook.endpoint_disabled": write("An address that failed too often gets nothing more", {
      sensitivity: "high",
      surfaces: ["system"],
    }),
    "webhook.secret_rotated": write("The secret that signs deliveries was replaced", {
      sensitivity: "high",
      surfaces: ["admin"],
      people: ["/actor"],
    }),
    "webhook.delivered": write("A delivery was accepted by the other side", { sensitivity: "low" }),
    "webhook.delivery_failed": write("A delivery was refused or not answered"),
    "webhook.delivery_retried": write("A delivery that failed was sent again", {
      sensitivity: "low",
      surfaces: ["webhook", "cron"],
    }),
    "webhook.delivery_abandoned": write("A delivery failed for the last time", { sensitivity: "high" }),
    "webhook.received": write("Another system called, and was who it says", { sensitivity: "low" }),
    "webhook.rejected": write("Another system called with a wrong signature or an old time", {
      category: "security",
      sensitivity: "high",
    }),
    "integration.connected": write("Another system was connected", {
      sensitivity: "high",
      surfaces: ["admin"],
      people: ["/actor"],
    }),
    "integration.updated": write("What another system may do was changed", {
      sensitivity: "high",
      surfaces: ["admin"],
      people: ["/actor", "/changes/*"],
    }),
    "integration.disconnected": write("Another system was disconnected", { surfaces: ["admin"], people: ["/actor"] }),
    "integration.synchronised": write("Data was exchanged with another system", { surfaces: ["webhook", "cron"] }),
    "integration.failed": write("Data could not be exchanged with another system", { surfaces: ["webhook", "cron"] }),
  },
);

/** Messages to people. */
export const MESSAGES = family(
  { category: "integration", sensitivity: "low", surfaces: ["system"], people: ["/targets/*"] },
  {
    "message.sent": write("A message was handed to a mail or text service"),
    "message.delivered": write("A service says that a message arrived", { surfaces: ["webhook"] }),
    "message.bounced": write("A service says that a message did not arrive", {
      surfaces: ["webhook"],
      sensitivity: "medium",
    }),
    "message.unsubscribed": write("A person wants no more messages", {
      surfaces: ["admin", "webhook"],
      category: "privacy",
    }),
  },
);
