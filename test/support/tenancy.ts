/** The desk of a tenant with stores that fail at a chosen step, and what the logs tell afterwards. Runs in workerd. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { logGate, rateDesk, tenantDesk } from "../../durable-objects/gates.ts";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import { AppError } from "../../src/core/errors.ts";
import { FIRST_SHARD } from "../../src/core/shards.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import type { JobDeps } from "../../src/services/tenancy/jobs.ts";
import { D1ControlStore } from "../../src/storage/control-store.ts";
import { D1EventTypeStore } from "../../src/storage/event-type-store.ts";
import { D1KeyServiceStore } from "../../src/storage/key-service-store.ts";
import { D1RetentionStore } from "../../src/storage/retention-store.ts";
import { R2RootStore } from "../../src/storage/root-store.ts";
import { R2TenantKeyStore } from "../../src/storage/tenant-key-store.ts";
import { copiedRows, env, jurisdiction } from "./cell.ts";

export const FORMS = ["failed and not persisted", "failed but persisted"] as const;
export type Form = (typeof FORMS)[number];

/** What changes something; the rest only reads. */
const WRITES = [
  ...["create", "addTenant", "addDomain", "addKey", "revokeKey", "changeTenant", "record"],
  ...["put", "activate", "deactivate", "retire", "setState"],
  ...["expireKey", "addServiceAccount", "describeServiceAccount", "removeServiceAccount"],
  ...["dropKeys", "dropServiceAccounts"],
  ...["add", "withdraw", "changeDomain"],
];

export const deskStub = (tenantId: string) => env.TENANT_DESK.getByName(tenantId);
export const deskOf = (tenantId: string) => tenantDesk(env, cellConfig(env), tenantId);
/** The alarm, at a time when nothing waits any more for having failed: whether one was planned. */
export async function runDeskAlarm(tenantId: string): Promise<boolean> {
  await runInDurableObject(deskStub(tenantId), (_, { storage }) => {
    // Of a tenant that is deleted there is no table left.
    const isThere = "SELECT 1 FROM sqlite_master WHERE name = 'job_wait'";
    if (storage.sql.exec(isThere).toArray().length > 0) storage.sql.exec("UPDATE job_wait SET due_ms = 0");
  });
  return runDurableObjectAlarm(deskStub(tenantId));
}
/** The next call meets a new instance, with the real stores. */
export const evictDesk = (tenantId: string) => evictDurableObject(deskStub(tenantId));

/** Lets the desk's writes pass until the nth (0-based), which fails in the given form, as do all after it. */
export function failFrom(tenantId: string, nth: number, form: Form): Promise<void> {
  let writes = 0;
  return replaceDeps(tenantId, async (name, write) => {
    if (writes++ < nth) return write();
    if (form === "failed but persisted") await write();
    throw new AppError("storage.unavailable", { internal: `a test broke ${name}` });
  });
}

/** The names of the writes that the desk makes from now on, in order. */
export async function recordWrites(tenantId: string): Promise<string[]> {
  const seen: string[] = [];
  await replaceDeps(tenantId, (name, write) => {
    seen.push(name);
    return write();
  });
  return seen;
}

/** The next write of this name waits until it is let go on; the ones after it do not. */
export async function holdNextWrite(tenantId: string, wanted: string): Promise<{ isHeld(): boolean; letGo(): void }> {
  const state = { held: false, free: false };
  await replaceDeps(tenantId, async (name, write) => {
    if (name === wanted && !state.held) {
      state.held = true;
      while (!state.free) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return write();
  });
  return { isHeld: () => state.held, letGo: () => void (state.free = true) };
}

/** The desk's writes that are `meant` fail in the given form, from now on. Returns what was asked for and failed, by name. */
export async function failWhere(
  tenantId: string,
  meant: (name: string, values: unknown[]) => boolean,
  form: Form,
): Promise<unknown[][]> {
  const failed: unknown[][] = [];
  await replaceDeps(tenantId, async (name, write, values) => {
    if (!meant(name, values)) return write();
    failed.push([name, ...values]);
    if (form === "failed but persisted") await write();
    throw new AppError("storage.unavailable", { internal: `a test broke ${name}` });
  });
  return failed;
}

type OnWrite = (name: string, write: () => Promise<unknown>, values: unknown[]) => Promise<unknown>;

function replaceDeps(tenantId: string, onWrite: OnWrite): Promise<void> {
  const watched = <T extends object>(store: T): T =>
    new Proxy(store, {
      get(target, name) {
        const method = Reflect.get(target, name);
        if (typeof method !== "function") return method;
        const call = (...values: unknown[]) => method.apply(target, values);
        if (!WRITES.includes(String(name))) return call;
        return (...values: unknown[]) => onWrite(String(name), async () => call(...values), values);
      },
    });
  const deps: JobDeps = {
    jurisdiction,
    control: watched(new D1ControlStore(env.CONTROL)),
    roots: watched(new R2RootStore(env.KEYS)),
    eventTypes: watched(new D1EventTypeStore(env.CONTROL)),
    retention: watched(new D1RetentionStore(env.CONTROL)),
    keyServices: watched(new D1KeyServiceStore(env.CONTROL)),
    tenantKeys: watched(new R2TenantKeyStore(env.KEYS)),
    logs: watched(logGate(env, cellConfig(env))),
    random: (byteLength) => crypto.getRandomValues(new Uint8Array(byteLength)),
    shard: FIRST_SHARD,
    rates: (id) => rateDesk(env, cellConfig(env), id),
  };
  return runInDurableObject(deskStub(tenantId), (desk: TenantDesk) => {
    desk.deps = deps;
  });
}

/** How many jobs the desk has not finished. */
export function openJobs(tenantId: string): Promise<number> {
  return runInDurableObject(deskStub(tenantId), (_, state) =>
    Number(state.storage.sql.exec<{ jobs: number }>("SELECT count(*) AS jobs FROM job").one().jobs),
  );
}

export interface LoggedEntry {
  action: string;
  actor: { type: string; id?: string };
  targets?: { type: string; id?: string }[];
  metadata?: Record<string, unknown>;
}

/** The entries of a domain, as its queryable copy holds them. */
export async function entriesOf(domainId: string): Promise<LoggedEntry[]> {
  return (await copiedRows(domainId)).map(({ payload }) => JSON.parse(payload) as LoggedEntry);
}

/** `action target-id` of each entry that is about one of the ids. */
export async function entriesAbout(domainId: string, ids: string[]): Promise<string[]> {
  const entries = await entriesOf(domainId);
  return entries.flatMap(({ action, targets = [] }) =>
    targets.some(({ id }) => id !== undefined && ids.includes(id)) ? [`${action} ${targets[0]?.id}`] : [],
  );
}
