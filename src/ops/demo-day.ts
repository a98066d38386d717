/** A working day of a small company as audit events. The same seed gives the same day, person by person and minute by minute. */
import type { AuditEvent } from "../core/event.ts";

/** Who works here. Only `id` is ever a pseudonym's source; names and addresses are private values. */
const STAFF = ["anna", "bilal", "chiara", "dmitri", "elif", "femi", "greta", "hugo", "ines"] as const;
const CUSTOMERS = ["northwind", "bluebird", "harbour", "juniper"] as const;
const ROLES = ["billing", "reader", "administrator"] as const;
const OPENS_AT_MINUTE = 7 * 60;
const MINUTES_OPEN = 12 * 60;

export type Pick = <T>(choices: readonly T[]) => T;

/** Numbers from 0 up to 1, decided by the seed alone (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` events of the day, in the order in which they happened. `day`: as `2026-11-20`. */
export function companyDay(seed: number, day: string, count: number): AuditEvent[] {
  const random = seededRandom(seed);
  const pick: Pick = (choices) => choices[Math.floor(random() * choices.length)] as (typeof choices)[number];
  const minutes = Array.from({ length: count }, () => OPENS_AT_MINUTE + random() * MINUTES_OPEN).sort((a, b) => a - b);
  return minutes.map((minute, i) => {
    const kind = KINDS[Math.floor(random() * KINDS.length)] as (typeof KINDS)[number];
    const number = String(i + 1).padStart(4, "0");
    return {
      id: `day-${seed}-${number}`,
      occurred_at: new Date(Date.parse(`${day}T00:00:00Z`) + Math.round(minute * 60_000)).toISOString(),
      ...kind(pick, number),
    };
  });
}

type Happening = Omit<AuditEvent, "id" | "occurred_at">;
type Kind = (pick: Pick, number: string) => Happening;

const employee = (pick: Pick) => {
  const id = pick(STAFF);
  return { type: "user" as const, id, email: `${id}@example.com` };
};

const signIn: Kind = (pick) => ({ action: "session.opened", actor: employee(pick), context: { ip: "192.0.2.17" } });

const failedSignIn: Kind = (pick) => ({
  action: "session.opened",
  actor: employee(pick),
  outcome: "failure",
  context: { ip: "203.0.113.99" },
  metadata: { attempts: 3 },
  clear_metadata: ["attempts"],
});

const invoice: Kind = (pick, number) => ({
  action: "invoice.sent",
  actor: employee(pick),
  targets: [{ type: "invoice", id: `inv-${number}` }],
  metadata: { customer: pick(CUSTOMERS), amount: `${pick(["120", "480", "1900"])}.00` },
  clear_metadata: ["customer", "amount"],
});

const roleChange: Kind = (pick) => {
  const role = pick(ROLES);
  return {
    action: "role.granted",
    actor: employee(pick),
    targets: [{ type: "user", id: pick(STAFF) }],
    changes: [{ path: "/role", to: role }],
    metadata: { role },
    clear_metadata: ["role"],
  };
};

const exported: Kind = (pick) => ({
  action: "report.exported",
  actor: employee(pick),
  targets: [{ type: "report", id: pick(["vat-return", "payroll", "open-items"]) }],
});

const deniedExport: Kind = (pick) => ({ ...exported(pick, ""), outcome: "denied" });

const support: Kind = (pick) => ({
  action: "account.viewed",
  actor: { type: "support", id: "support-7" },
  on_behalf_of: { type: "user", id: pick(STAFF) },
  reason: "asked for help by telephone",
});

const nightlyJob: Kind = (pick) => ({
  action: "backup.completed",
  actor: { type: "service", id: "cron-backup" },
  outcome: pick(["success", "success", "failure"] as const),
});

/** As often as they stand here. */
const KINDS: readonly Kind[] = [
  ...[signIn, signIn, signIn, invoice, invoice, invoice, invoice, exported],
  ...[failedSignIn, roleChange, deniedExport, support, nightlyJob],
];
