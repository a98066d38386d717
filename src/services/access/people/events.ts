/** What the log is told of people: ids, roles and ways, never an address or a name. People stand in it under their pseudonym. */
import type { AuditEvent, Target } from "../../../core/event.ts";
import type { AskedBy, EntryJob } from "../../tenancy/jobs.ts";

type What =
  | "member_invited"
  | "invitation_withdrawn"
  | "invitation_sent_again"
  | "member_joined"
  | "member_updated"
  | "member_removed"
  | "login"
  | "login_failed"
  | "session_ended"
  | "second_factor_added"
  | "second_factor_removed"
  | "second_factor_shown"
  | "second_factors_reset"
  | "password_set";

/** Members have no passwords, and the operator's people no roles and no second letter: nothing leads to these. */
type Unreached = "tenant.password_set" | "staff.member_updated" | "staff.invitation_sent_again";

export interface Told {
  what: What;
  actor: AskedBy | { type: "anonymous" };
  targets: Target[];
  metadata?: NonNullable<AuditEvent["metadata"]>;
  failed?: boolean;
  /** What makes it one entry however often it is told, beside `what`. */
  once: string;
}

/** `noun`: `tenant` for members, `staff` for the operator's people. */
export function entryOf(noun: "tenant" | "staff", domainId: string, told: Told): EntryJob {
  const { what, actor, targets, metadata = {}, failed = false, once } = told;
  const action = `${noun}.${what}` as Exclude<`${"tenant" | "staff"}.${What}`, Unreached>;
  return {
    kind: "entry",
    domainId,
    once: `${action}:${once}`,
    event: {
      action,
      actor,
      targets,
      metadata,
      clear_metadata: Object.keys(metadata),
      ...(failed ? { outcome: "denied" } : {}),
    },
  };
}
