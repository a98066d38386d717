/** Running a domain's self-check in tests, and what it said. Runs in workerd. */
import { runInDurableObject } from "cloudflare:test";
import type { DomainKeeper } from "../../durable-objects/domain-keeper.ts";
import { cellDesk } from "../../durable-objects/gates.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import type { CheckName } from "../../src/services/self-check/checks.ts";
import type { SelfCheckDeps } from "../../src/services/self-check/deps.ts";
import type { DomainHealth } from "../../src/services/self-check/view.ts";
import { alarmLater, append, bareDomain, copiedRows, env, event, inLog, jurisdiction, logOf } from "./cell.ts";

export const inKeeper = <T>(domainId: string, run: (keeper: DomainKeeper) => T | Promise<T>): Promise<T> =>
  runInDurableObject(env.DOMAIN_KEEPER.getByName(domainId), (keeper: DomainKeeper) => run(keeper));

/** What the alarm does within one interval: one whole run, with some of what it needs replaced. */
export function checkDomain(
  domainId: string,
  replace: (deps: SelfCheckDeps) => Partial<SelfCheckDeps> = () => ({}),
): Promise<DomainHealth> {
  return inKeeper(domainId, async (keeper) => {
    const { checks } = keeper;
    const { deps } = checks.context;
    checks.context.deps = () => {
      const real = deps();
      return { ...real, ...replace(real) };
    };
    try {
      checks.soon();
      const { book } = checks.context;
      const record = book.get();
      if (record && !record.run) book.put({ ...record, dueMs: 1 });
      for (let turns = 0; turns === 0 || book.get()?.run; turns++) {
        if (turns > 100) throw new Error("a run does not end");
        await checks.turn();
      }
      return await checks.health();
    } finally {
      checks.context.deps = deps;
    }
  });
}

export const checkOf = (health: DomainHealth, name: CheckName) => {
  const found = health.checks.find((check) => check.name === name);
  if (!found) throw new Error(`there is no check ${name}`);
  return found;
};

/** Names of the checks that are bad, with what they found. */
export const badIn = ({ checks }: DomainHealth) =>
  Object.fromEntries(
    checks
      .filter(({ state }) => state === "bad")
      .map(({ name, findings }) => [
        name,
        findings.map(({ store, fault, seq }) => `${store}:${fault}${seq === null ? "" : ` ${seq}`}`),
      ]),
  );

/** A log of entry 0 and `entries` more, in every store: copied, archived, signed, mirrored. */
export async function wholeDomain(entries: number, segmentEntries = 4): Promise<string> {
  const domainId = await bareDomain(segmentEntries);
  await append(
    domainId,
    Array.from({ length: entries }, () => event()),
    { waitForCopy: true },
  );
  await settle(domainId);
  return domainId;
}

/** Everything that is appended gets to every store. */
export async function settle(domainId: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (tries > 0) await scheduler.wait(50);
    await logOf(domainId).flush();
    await logOf(domainId).checkpoint();
    await alarmLater(domainId);
    await inLog(domainId, async (log) => {
      while (!(await log.tree.mirror()));
    });
    const { size, copiedSize, archivedSize, signedSize, mirroredSize } = await logOf(domainId).head();
    if ([copiedSize, archivedSize, signedSize, mirroredSize].every((each) => each === size)) return;
  }
  throw new Error("some store does not get what was appended");
}

/** Open alerts about a domain: kind and codes. */
export async function alertsOf(domainId: string): Promise<Record<string, string[]>> {
  const { alerts } = await cellDesk(env, cellConfig(env)).monitoring.view();
  return Object.fromEntries(
    alerts.filter((alert) => alert.domainId === domainId).map(({ kind, codes }) => [kind, codes]),
  );
}

/** `integrity.violation` of the platform's log about a domain, oldest first. */
export async function violationsOf(domainId: string): Promise<{ metadata: Record<string, unknown> }[]> {
  const entries = (await copiedRows(platformDomainId(jurisdiction))).map(({ payload }) => JSON.parse(payload));
  return entries.filter(({ action, targets }) => action === "integrity.violation" && targets[0].id === domainId);
}

export const ensurePlatform = () => cellDesk(env, cellConfig(env)).ensurePlatform();
