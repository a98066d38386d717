import { family, read, write } from "./action.ts";

/** Money between a tenant and its customers. */
export const BILLING = family(
  { category: "billing", sensitivity: "medium", surfaces: ["admin", "webhook"], people: ["/actor", "/changes/*"] },
  {
    "subscription.created": write("A subscription began"),
    "subscription.updated": write("A subscription was changed"),
    "subscription.cancelled": write("A subscription was cancelled", { sensitivity: "high" }),
    "subscription.renewed": write("A subscription went on for another period", {
      sensitivity: "low",
      surfaces: ["cron", "webhook"],
    }),
    "subscription.trial_ended": write("A trial was over", { sensitivity: "low", surfaces: ["cron", "webhook"] }),
    "invoice.created": write("An invoice was made", { surfaces: ["admin", "cron"] }),
    "invoice.viewed": read("An invoice was read", { sensitivity: "low", surfaces: ["admin"] }),
    "invoice.sent": write("An invoice was sent", { surfaces: ["admin", "cron"] }),
    "invoice.exported": read("Invoices were copied out", { surfaces: ["admin"] }),
    "invoice.voided": write("An invoice was declared void", { sensitivity: "high", surfaces: ["admin"] }),
    "payment.succeeded": write("A payment came in", { surfaces: ["webhook"] }),
    "payment.failed": write("A payment was refused", { surfaces: ["webhook"] }),
    "payment.refunded": write("A payment was given back", { sensitivity: "high" }),
    "payment.disputed": write("A payer disputed a payment", { sensitivity: "high", surfaces: ["webhook"] }),
    "payment_method.added": write("A way to pay was added", { sensitivity: "high" }),
    "payment_method.removed": write("A way to pay was removed", { sensitivity: "high" }),
    "plan.changed": write("A customer moved to another plan"),
    "credit.granted": write("A customer was given credit", { sensitivity: "high", surfaces: ["admin"] }),
    "quota.exceeded": write("A customer used more than their plan includes", { surfaces: ["system"] }),
  },
);
