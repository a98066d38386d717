/**
 * A tenant whose clock is turned by tests: years of entries, holds, erasures and retention in the cell's own objects, D1 and R2. What is
 * simulated is the time alone. Runs in workerd.
 */
import { runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { DomainKeeper } from "../../durable-objects/domain-keeper.ts";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import { append, call, env, inLog, logOf, type TestTenant } from "./cell.ts";
import { eventAbout } from "./erasure.ts";
import { setRetention } from "./retention.ts";
import { withoutGuards } from "./tamper.ts";
import { deskStub } from "./tenancy.ts";

const HOUR_MS = 3_600_000;

/** Real time stands still, and goes on only by this. Alarms of the future do not ring by themselves. */
export function beginAt(atMs: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: atMs });
}

export function atMonth(beginMs: number, month: number): Date {
  const date = new Date(beginMs);
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + month, date.getUTCDate()));
}

/** The stores' own clocks are not turned: what they say is taken from the same clock. */
export const trustClock = (tenant: TestTenant): Promise<void> =>
  runInDurableObject(deskStub(tenant.tenantId), (desk: TenantDesk) => {
    desk.retention.referenceMs = async () => Date.now();
  });

export async function keepFor(tenant: TestTenant, hot: string, whole: string): Promise<void> {
  for (const [resource, duration] of [
    ["audit_entries", whole],
    ["hot_entries", hot],
  ] as const) {
    const answer = await setRetention(tenant, resource, { duration });
    if (!answer.ok) throw new Error(`no policy of ${resource}: ${answer.status} ${await answer.text()}`);
  }
}

/** What the operator does once: sees what would go, and confirms it. */
export async function confirmPrune(tenant: TestTenant, domainId: string): Promise<void> {
  const path = `/v1/domains/${domainId}/retention`;
  const { token } = (await (await call(`${path}/dry-run`, { method: "POST", key: tenant.key })).json()) as {
    token: string | null;
  };
  if (token === null) throw new Error("nothing would go yet");
  const answer = await call(`${path}/confirm`, { key: tenant.key, body: { token } });
  if (!answer.ok) throw new Error(`not confirmed: ${answer.status} ${await answer.text()}`);
}

/** Entries of one month, each about one of the people, with private values. */
export async function busyMonth(
  domainId: string,
  month: number,
  count: number,
  people: readonly string[],
): Promise<void> {
  for (let from = 0; from < count; from += 200) {
    const length = Math.min(200, count - from);
    await append(
      domainId,
      Array.from({ length }, (_, i) =>
        eventAbout(people[(from + i) % people.length] as string, { id: `${domainId}-${month}-${from + i}` }),
      ),
    );
  }
}

/** Everything that the log's alarm has to do: copy, archive, sign, mirror; hours go by. */
export async function settle(domainId: string): Promise<void> {
  for (let hour = 0; hour < 12; hour++) {
    vi.setSystemTime(Date.now() + HOUR_MS);
    await inLog(domainId, async (log) => {
      await log.alarm();
      // Signed a moment later, and mirrored beside the alarm: real time, which this does not wait for.
      log.tree.sign();
      // What is copied and released at this very moment is looked for again in the next round.
      await log.tree.mirror().catch(() => undefined);
    });
    const { size, archivedSize, copiedSize, mirroredSize } = await logOf(domainId).head();
    if (archivedSize === size && copiedSize === size && mirroredSize === size) break;
  }
  const { size, archivedSize, copiedSize, mirroredSize } = await logOf(domainId).head();
  if (Math.min(archivedSize, copiedSize, mirroredSize) < size) {
    throw new Error(`of ${size} entries ${archivedSize} are archived, ${copiedSize} copied, ${mirroredSize} mirrored`);
  }
  const stub = env.DOMAIN_KEEPER.getByName(domainId);
  for (let turns = 0; turns < 1000; turns++) {
    if ((await runInDurableObject(stub, (keeper: DomainKeeper) => keeper.indexing.turn())) === null) return;
  }
}

/** A run of retention from its beginning to its end; resolves to how many turns of the alarm it took. */
export async function retain(domainId: string): Promise<number> {
  const stub = env.DOMAIN_KEEPER.getByName(domainId);
  await runInDurableObject(stub, (keeper: DomainKeeper) => keeper.retaining.context.book.setDue(Date.now()));
  for (let turns = 1; ; turns++) {
    const next = await runInDurableObject(stub, (keeper: DomainKeeper) => keeper.retaining.turn());
    if (next === null || next > Date.now()) return turns;
    if (turns > 10_000) throw new Error("a run of retention does not end");
  }
}

/** A database that was lost knows of no prune either. */
export const forgetReleases = (domainId: string): Promise<void> =>
  withoutGuards(async (ledger) => {
    for (const table of ["ledger_release", "ledger_hold"])
      await ledger.prepare(`DELETE FROM ${table} WHERE domain_id = ?1`).bind(domainId).run();
  });
