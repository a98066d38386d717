/** What is appended: an event of ordinary size, with private values or without. */
import type { AuditEvent } from "../src/core/event.ts";

/** `@` becomes the number of the request, `#` its last digit: a thousand people act, and every event differs. */
function event(i: number, withPrivateValues: boolean): AuditEvent {
  const plain: AuditEvent = {
    action: "invoice.exported",
    occurred_at: "2026-11-21T09:14:03.221Z",
    actor: { type: "user", id: `usr_${i}_#` },
    targets: [{ type: "invoice", id: `inv_@_${i}` }],
    outcome: "success",
    context: { request_id: `req_@` },
    metadata: { format: "pdf", pages: 12, request: "@", i },
    clear_metadata: ["format", "pages", "request", "i"],
  };
  if (!withPrivateValues) return plain;
  const { actor, context } = plain;
  return {
    ...plain,
    actor: { ...actor, name: `Ana Example ${i}`, email: `ana.${i}.#@example.com` },
    context: { ...context, ip: "203.0.113.7", user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101" },
  };
}

/** The body of a request of `count` events. */
export function bodyTemplate(count: number, withPrivateValues = false): string {
  const one = (i: number) => event(i, withPrivateValues);
  return JSON.stringify(count === 1 ? one(0) : Array.from({ length: count }, (_, i) => one(i)));
}
