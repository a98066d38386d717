/** Entry point of a cell: wires bindings to services, and exports the objects. */
import { waitUntil } from "cloudflare:workers";
import { entriesInCopy, entryIndexAt, ledgerAt } from "../durable-objects/domain-log/stores.ts";
import {
  cellDesk,
  domainKeeper,
  domainLog,
  rateDesk,
  recordInLog,
  tenantDesk,
  witnessLogs,
} from "../durable-objects/gates.ts";
import { AppError } from "./core/errors.ts";
import { LIMITS } from "./core/limits.ts";
import type { ShardRange } from "./core/shards.ts";
import type { CellEnv } from "./env.ts";
import { cellApp } from "./http/app.ts";
import type { CellServices } from "./http/environment.ts";
import { scheduledJobs } from "./jobs/schedule.ts";
import { type SessionKeepers, sessionLookUp } from "./services/access/sessions.ts";
import { type CellConfig, cellConfig } from "./services/cell-config.ts";
import { knownTypes } from "./services/event-types/known-types.ts";
import { eventChecks } from "./services/intake/event-checks.ts";
import { rejectedEvents } from "./services/intake/rejected.ts";
import type { DomainRecord } from "./services/ports.ts";
import { rateLimiter } from "./services/rates/limiter.ts";
import { residencyReport } from "./services/residency.ts";
import { cachedLookUp } from "./services/tenancy/keys.ts";
import { D1ControlStore } from "./storage/control-store.ts";
import { D1EventTypeStore } from "./storage/event-type-store.ts";
import { exportFile } from "./storage/export-store.ts";
import { receiveArchive } from "./storage/import-store.ts";
import { D1RejectedStore } from "./storage/rejected-store.ts";

export { CellDesk } from "../durable-objects/cell-desk.ts";
export { DomainKeeper } from "../durable-objects/domain-keeper.ts";
export { DomainLog } from "../durable-objects/domain-log.ts";
export { RateDesk } from "../durable-objects/rate-desk.ts";
export { TenantDesk } from "../durable-objects/tenant-desk.ts";
export { WitnessLog } from "../durable-objects/witness-log.ts";

function wire(env: CellEnv): CellServices {
  const config = cellConfig(env);
  const control = new D1ControlStore(env.CONTROL);
  const eventTypes = new D1EventTypeStore(env.CONTROL);
  const rejectedStore = new D1RejectedStore(env.CONTROL);
  return {
    config,
    clock: Date.now,
    control,
    key: cachedLookUp(control, Date.now, {
      freshMs: LIMITS.keyCacheMs,
      staleMs: LIMITS.keyStaleMs,
      maxEntries: LIMITS.keyCacheEntries,
    }),
    domain: cachedDomains(control),
    eventTypes,
    checks: eventChecks(knownTypes(eventTypes, Date.now)),
    rejected: rejectedEvents({ store: rejectedStore, clock: Date.now, wait: (ms) => scheduler.wait(ms) }),
    rejectedStore,
    session: sessionLookUp(config.tokens, sessionKeepers(env, config), Date.now, {
      freshMs: LIMITS.sessionCacheMs,
      staleMs: LIMITS.sessionStaleMs,
      maxEntries: LIMITS.sessionCacheEntries,
    }),
    shards: cachedShards(control),
    ledger: (domainId, ranges) => ledgerAt(env, domainId, ranges),
    entryIndex: (domainId, ranges) => entryIndexAt(env, domainId, ranges, () => indexBehind(env, config, domainId)),
    entriesOf: (domainIds) => entriesInCopy(env, domainIds),
    log: (domainId) => domainLog(env, config, domainId),
    keeper: (domainId) => domainKeeper(env, config, domainId),
    recordInTenant: inReservedDomains(env, config, control),
    desk: (tenantId) => tenantDesk(env, config, tenantId),
    rates: rateLimiter((name) => rateDesk(env, config, name), config.apiKeyPepper, Date.now),
    rateDesk: (tenantId) => rateDesk(env, config, tenantId),
    // Made anew each time: a stub belongs to the request that it was made in.
    get signingIn() {
      return cellDesk(env, config);
    },
    get staffPeople() {
      return cellDesk(env, config).staffPeople;
    },
    get staff() {
      return cellDesk(env, config).staff;
    },
    exportFile: (key, range) => exportFile(env.LOG, key, range),
    receiveArchive: (place, body) => receiveArchive(env.LOG, place, body),
    deletion: (tenantId) => cellDesk(env, config).deletion(tenantId),
    status: () => cellDesk(env, config).status(),
    get monitoring() {
      return cellDesk(env, config).monitoring;
    },
    watched: recently(() => cellDesk(env, config).monitoring.view(), LIMITS.statusCacheMs),
    slots: {
      all: () => cellDesk(env, config).slots(),
      rotate: (slot) => cellDesk(env, config).rotateSlot(slot),
      retire: (slot, again) => cellDesk(env, config).retireSlot(slot, again),
    },
    witness: witnessLogs(env, config),
    residency: () =>
      residencyReport({
        jurisdiction: config.jurisdiction,
        unpinnedLocal: config.pinnedTo === null,
        objectJurisdiction: () => cellDesk(env, config).observedJurisdiction(),
        databases: { CONTROL: () => env.CONTROL.exec("SELECT 1"), LEDGER_00: () => env.LEDGER_00.exec("SELECT 1") },
        buckets: { LOG: () => env.LOG.head("probe"), KEYS: () => env.KEYS.head("probe") },
        provisioned: () => control.provisioned(),
        signer: config.signer,
        nowMs: Date.now(),
      }),
  };
}

/** The objects that keep sessions; asked by token and never by a path. */
function sessionKeepers(env: CellEnv, config: CellConfig): SessionKeepers {
  return {
    member: (tenantId, sessionId, memberId) => tenantDesk(env, config, tenantId).session(sessionId, memberId),
    staff: (sessionId, staffId) => cellDesk(env, config).staffSession(sessionId, staffId),
  };
}

/** A tenant's reserved domain never changes. */
function inReservedDomains(env: CellEnv, config: CellConfig, control: D1ControlStore): CellServices["recordInTenant"] {
  const cache = new Map<string, string>();
  return async (tenantId, event) => {
    let domainId = cache.get(tenantId);
    if (domainId === undefined) {
      domainId = (await control.tenant(tenantId))?.tenantDomainId;
      if (domainId === undefined) throw new AppError("resource.not_found");
      if (cache.size >= LIMITS.keyCacheEntries) cache.clear();
      cache.set(tenantId, domainId);
    }
    await recordInLog(env, config, domainId, event);
  };
}

/** What `ask` answered last, for at most `freshMs`. Values are kept, never a promise: that belongs to the request that made it. */
function recently<T>(ask: () => Promise<T>, freshMs: number): () => Promise<T> {
  let known: { value: T; atMs: number } | undefined;
  return async () => {
    if (known && Date.now() - known.atMs < freshMs) return known.value;
    known = { value: await ask(), atMs: Date.now() };
    return known.value;
  };
}

/** When each domain was told last. Unix milliseconds. */
const toldOfIndex = new Map<string, number>();

/** Tells a domain's keeper that its index is behind, at most once in `LIMITS.indexGatherMs`; nobody waits for it. */
function indexBehind(env: CellEnv, config: CellConfig, domainId: string): void {
  const nowMs = Date.now();
  if (nowMs - (toldOfIndex.get(domainId) ?? 0) < LIMITS.indexGatherMs) return;
  if (toldOfIndex.size >= LIMITS.keyCacheEntries) toldOfIndex.clear();
  toldOfIndex.set(domainId, nowMs);
  waitUntil(
    domainKeeper(env, config, domainId)
      .indexSoon()
      .catch(() => {}),
  );
}

/** Ranges are only added, when a shard is full: an answer from memory may lack the newest one. */
function cachedShards(control: D1ControlStore): CellServices["shards"] {
  const cache = new Map<string, { ranges: ShardRange[]; readAtMs: number }>();
  return async (domainId, fresh = false) => {
    const known = cache.get(domainId);
    if (!fresh && known && Date.now() - known.readAtMs < LIMITS.shardCacheMs) return known.ranges;
    const ranges = await control.shards(domainId);
    if (cache.size >= LIMITS.keyCacheEntries) cache.clear();
    if (ranges.length > 0) cache.set(domainId, { ranges, readAtMs: Date.now() });
    return ranges;
  };
}

/**
 * Domains never change hands, but their settings change: read again after `LIMITS.domainCacheMs`. While the store is away what
 * was found once is used, however old. Unknown ids are not kept.
 */
function cachedDomains(control: D1ControlStore): (domainId: string) => Promise<DomainRecord | null> {
  const cache = new Map<string, { record: DomainRecord; readAtMs: number }>();
  return async (domainId) => {
    const known = cache.get(domainId);
    if (known && Date.now() - known.readAtMs < LIMITS.domainCacheMs) return known.record;
    const record = await control.domain(domainId).catch((error: unknown) => {
      if (known) return known.record;
      throw error;
    });
    cache.delete(domainId);
    if (record) {
      if (cache.size >= LIMITS.keyCacheEntries) cache.clear();
      cache.set(domainId, { record, readAtMs: Date.now() });
    }
    return record;
  };
}

const apps = new WeakMap<CellEnv, ReturnType<typeof cellApp>>();

/** One app an environment. Wiring happens inside a request, so that a cell that must not serve says so in each answer. */
function appFor(env: CellEnv) {
  const known = apps.get(env);
  if (known) return known;
  let services: CellServices | undefined;
  const app = cellApp(() => {
    services ??= wire(env);
    return services;
  });
  apps.set(env, app);
  return app;
}

export default {
  fetch: (request, env, ctx) => appFor(env).fetch(request, env, ctx),
  scheduled: (controller, env) => scheduledJobs(controller.cron, env),
} satisfies ExportedHandler<CellEnv>;
