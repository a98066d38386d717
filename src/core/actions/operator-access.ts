import { family, write } from "./action.ts";

const BY_CLOCK = { surfaces: ["cron"], people: ["/targets/*"] } as const;
const WITH_REASON = { people: ["/actor", "/targets/*", "/reason"] } as const;

/** What the operator's people may do in a tenant, step by step, in the tenant's own log. */
export const OPERATOR_ACCESS = family(
  { category: "customer_data", sensitivity: "high", surfaces: ["admin"], people: ["/actor", "/targets/*"] },
  {
    "tenant.access_requested": write("One of the operator's people asked to read in the tenant", WITH_REASON),
    "tenant.access_approved": write("The tenant let one of the operator's people read for a time"),
    "tenant.access_denied": write("The tenant refused a request of the operator's people"),
    "tenant.access_withdrawn": write("A request of the operator's people was taken back", { sensitivity: "medium" }),
    "tenant.access_timed_out": write("Nobody answered a request of the operator's people in time", BY_CLOCK),
    "tenant.access_ended": write("An access of the operator's people was ended before its time"),
    "tenant.access_expired": write("The time of an access of the operator's people was over", BY_CLOCK),
    "tenant.access_break_glass": write("One of the operator's people took access in an emergency", WITH_REASON),
    "tenant.access_used": write("One of the operator's people used an access for the first time"),
  },
);

/** A new owner for a tenant that nobody can get into. */
export const RECOVERY = family(
  { category: "security", sensitivity: "high", surfaces: ["admin"], people: ["/actor"] },
  {
    "tenant.recovery_requested": write("The operator asked for a new owner of the tenant", {
      people: ["/actor", "/reason"],
    }),
    "tenant.recovery_done": write("The waiting time was over and the new owner was invited", { surfaces: ["cron"] }),
    "tenant.recovery_failed": write("The new owner could not be invited when the time was over", {
      surfaces: ["cron"],
    }),
    "tenant.recovery_stopped": write("The tenant stopped the operator's request for a new owner"),
    "tenant.recovery_withdrawn": write("The operator took the request for a new owner back"),
  },
);
