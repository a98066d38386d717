/** Legal holds for a terminal. */
import type { LegalHold, LegalHoldPreview } from "../../client/index.ts";
import type { Output } from "../io.ts";
import { count, line, pairs, relative, table } from "../text.ts";

export function printHold(out: Output, hold: LegalHold, nowMs: number): void {
  const { reason, owner, placed_at, placed_by, released_at, scope } = hold;
  pairs(out, [
    ["hold", hold.id],
    ["status", hold.status],
    ["reason", reason ?? "lost: a restored database lacks it"],
    ["owner", owner ?? "who placed it"],
    ["placed", `${placed_at} by ${placed_by}`],
    ...(released_at === null ? [["review due", `${hold.review_at}, ${reviewOf(hold, nowMs)}`] as const] : []),
    ...scopeLines(scope).map((said, i): [string, string] => [i === 0 ? "holds" : "", said]),
    ...hold.changes
      .slice(1)
      .map(({ kind, at, by, note }): [string, string] => [kind, `${at} by ${by}: ${note ?? "its words are lost"}`]),
    ...unconfirmed(hold).map((said): [string, string] => ["not yet", said]),
  ]);
}

export function printHolds(out: Output, holds: readonly LegalHold[], nowMs: number): void {
  table(
    out,
    holds.map((hold) => [
      hold.id,
      hold.status,
      hold.released_at === null ? `review ${reviewOf(hold, nowMs)}` : `since ${hold.released_at}`,
      briefly(hold.scope),
      hold.reason ?? "reason lost",
    ]),
  );
}

export function printPreview(out: Output, { entries, exact, domains }: LegalHoldPreview): void {
  table(
    out,
    domains.map((domain) => [
      domain.domain_id,
      found(domain.entries, domain.exact),
      domain.searchable_through < 0 ? "nothing there yet" : `counted up to ${domain.searchable_through}`,
    ]),
  );
  line(out, `${found(entries, exact)} in ${count(domains.length, "domain")}; nothing is held by this`);
}

/** The domains that a change has not reached, each with why. */
export const unconfirmed = ({ domains }: LegalHold): string[] =>
  domains
    .filter(({ confirmed }) => !confirmed)
    .map(({ domain_id, fault }) => `${domain_id}: ${fault ?? "it goes on by itself"}`);

const found = (entries: number, exact: boolean) => `${exact ? "" : "at least "}${count(entries, "entry", "entries")}`;

function reviewOf({ review_at }: LegalHold, nowMs: number): string {
  const dueMs = Date.parse(review_at);
  return dueMs <= nowMs ? `OVERDUE, ${relative(dueMs, nowMs)}` : relative(dueMs, nowMs);
}

function scopeLines({ all_domains, domains, ranges, people, resources, query }: LegalHold["scope"]): string[] {
  const where = (asked: NonNullable<typeof query>) => (asked.all_domains ? "every domain" : asked.domains.join(", "));
  return [
    ...(all_domains ? ["every domain"] : domains),
    ...ranges.map(({ domain_id, from, to }) => `entries ${from} to ${to} of ${domain_id}`),
    ...(people ?? ["people, not kept after the release"]).map((id) => (people ? `person ${id}` : id)),
    ...resources.map((name) => `all ${name}`),
    ...(query ? [`entries in ${where(query)}: ${queryOf(query) || "what it asked for is not kept"}`] : []),
  ];
}

/** For a line of its own among others: people and ranges as numbers. */
function briefly(scope: LegalHold["scope"]): string {
  const { all_domains, domains, ranges, people, resources, query } = scope;
  const counted: (readonly [number, string, string?])[] = [
    [all_domains ? 0 : domains.length, "domain"],
    [ranges.length, "range"],
    [people?.length ?? 0, "person", "people"],
  ];
  return [
    ...(all_domains ? ["every domain"] : []),
    ...counted.flatMap(([n, ...nouns]) => (n > 0 ? [count(n, ...nouns)] : [])),
    ...(people === null ? ["people"] : []),
    ...resources,
    ...(query ? [queryOf(query) || "a query"] : []),
  ].join(", ");
}

/** Empty after the release, with which it goes. */
const queryOf = ({ q, filter }: NonNullable<LegalHold["scope"]["query"]>): string =>
  [q, filter && JSON.stringify(filter)].filter(Boolean).join(" and ");
