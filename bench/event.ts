/** What is appended: an event of ordinary size without private values, which this version would drop. */
import type { AuditEvent } from "../src/core/event.ts";

/** `@` becomes the number of the request, `#` its last digit: a thousand people act, and every event differs. */
function event(i: number): AuditEvent {
  return {
    action: "invoice.exported",
    occurred_at: "2026-11-21T09:14:03.221Z",
    actor: { type: "user", id: `usr_${i}_#` },
    targets: [{ type: "invoice", id: `inv_@_${i}` }],
    outcome: "success",
    context: { request_id: `req_@` },
    metadata: { format: "pdf", pages: 12, request: "@", i },
    clear_metadata: ["format", "pages", "request", "i"],
  };
}

/** The body of a request of `count` events. */
export function bodyTemplate(count: number): string {
  return JSON.stringify(count === 1 ? event(0) : Array.from({ length: count }, (_, i) => event(i)));
}
