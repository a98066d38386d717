/**
 * The rotation of a tenant's key (DESIGN §4, S3-38), in bounded steps that its object's alarm goes on with.
 *
 * Commit order, with the crash after each step:
 *  1. the rotation is in the object's SQLite                 the alarm goes on
 *  2. the next version, create-once                          it is known by its time; made once
 *  3. older versions are retired                             again; they keep their time
 *  4. entry `key.rotation_started`                           the same receipt
 *  5. each domain: pages of subject keys and values about    its cursor is kept after each step: at most one step again, and
 *     nobody, walked until a walk meets nothing stale        what is fresh is left alone
 *  6. the tenant's own words (legal holds)                   again
 *  7. entry `key.rotation_finished`                          the same receipt
 *  8. the rotation ends: old versions are unused since then  done
 * Old versions open what is still sealed under them until they are destroyed: `LIMITS.tenantKeyKeptMs` after 8, when one more
 * walk meets nothing and no legal hold is in force (`retire`), with the entry `key.destroyed` before the key goes.
 */
import type { ProductAction, ProductEvent } from "../../../core/actions/product.ts";
import { AppError, isAppError } from "../../../core/errors.ts";
import { type AuditEvent, SYSTEM_ACTOR_ID } from "../../../core/event.ts";
import { LIMITS } from "../../../core/limits.ts";
import type { DomainLogCalls } from "../../log/calls.ts";
import type { Clock, KeyServiceStore, RandomBytes, TenantKeyRecord, TenantKeyStore } from "../../ports.ts";
import type { AskedBy } from "../../tenancy/jobs.ts";
import { mintTenantKey, newestVersion, type Wrapping } from "../key-service.ts";
import { parseWrappedKey } from "../wrapped-key.ts";
import type { Rotation, RotationBook, RotationInDomain } from "./state.ts";

export interface RotationDeps {
  tenantId: string;
  tenantDomainId: string;
  book: RotationBook;
  tenantKeys: TenantKeyStore;
  keyServices: Pick<KeyServiceStore, "list" | "remove">;
  /** Who wraps the next key. Throws `keys.unavailable`. */
  wrapping: () => Promise<Wrapping>;
  /** Runs while nobody sets or removes a key service: neither the next key's service nor one in use goes away meanwhile. */
  undisturbed: <T>(run: () => Promise<T>) => Promise<T>;
  random: RandomBytes;
  domainsOfTenant: () => Promise<string[]>;
  log: (domainId: string) => Pick<DomainLogCalls, "reseal">;
  /** Seals the tenant's own words anew under this version; how many. */
  resealOwn: (version: number) => Promise<number>;
  holdsInForce: () => boolean;
  /** Once for each key. */
  record: (domainId: string, event: ProductEvent, idempotencyKey: string) => Promise<void>;
  clock: Clock;
  uuid: () => string;
}

const SYSTEM: AskedBy = { type: "system", id: SYSTEM_ACTOR_ID };

/** Begins one unless one is under way. Nothing but the object's own storage is touched. */
export async function beginRotation(by: AskedBy, deps: RotationDeps): Promise<void> {
  if (deps.book.get()?.kind === "rotate") return;
  const newest = newestVersion(await deps.tenantKeys.list(deps.tenantId));
  begin("rotate", by, newest + 1, deps);
}

/** Begins what is due by itself: a key is old, was made by somebody else, or old versions may go. */
export async function beginWhatIsDue(deps: RotationDeps): Promise<void> {
  const { book, tenantKeys, tenantId, clock } = deps;
  if (book.get()) return;
  const records = await tenantKeys.list(tenantId);
  const newest = records.at(-1);
  if (!newest || book.get()) return;
  const unused = book.unusedSince();
  const old = records.filter(({ version }) => version < newest.version);
  if (clock() - Date.parse(newest.createdAt) >= LIMITS.tenantKeyAgeMs)
    begin("rotate", SYSTEM, newest.version + 1, deps);
  else if (old.some(({ version }) => !unused.has(version))) begin("follow", SYSTEM, newest.version, deps);
  else if (dueForDestruction(old, deps).length > 0) begin("retire", SYSTEM, newest.version, deps);
}

function begin(kind: Rotation["kind"], by: AskedBy, version: number, { book, uuid, clock }: RotationDeps): void {
  const at = new Date(clock()).toISOString();
  const step = kind === "retire" ? "walking" : "minting";
  book.set({ id: uuid(), kind, by, at, version, step, values: 0, pages: 0, unreadable: 0 });
}

/** `more`: it may go on at once; `later`: something failed, and stays in the book. */
export type Left = "nothing" | "more" | "later";

/** Goes on for about `LIMITS.rotationPassMs`. Never throws. */
export async function goOnWithRotation(deps: RotationDeps): Promise<Left> {
  const { book, clock } = deps;
  const untilMs = clock() + LIMITS.rotationPassMs;
  try {
    const begun = book.get();
    if (begun?.step === "minting") await deps.undisturbed(() => mint(begun, deps));
    if (!book.get()) return "nothing";
    book.addDomains(await deps.domainsOfTenant());
    for (const domain of book.domains().filter(({ clean }) => !clean)) {
      await walk(domain, untilMs, deps);
      if (clock() >= untilMs) return "more";
    }
    const walked = book.get();
    if (!walked) return "nothing";
    if (book.domains().some(({ clean }) => !clean)) return "later";
    await finish(walked, deps);
    return "nothing";
  } catch (error) {
    console.warn(JSON.stringify({ at: "rotation", tenant: deps.tenantId, fault: faultOf(error) }));
    return "later";
  }
}

async function mint(rotation: Rotation, deps: RotationDeps): Promise<void> {
  const { book, tenantKeys, tenantId, random } = deps;
  const records = await tenantKeys.list(tenantId);
  if (rotation.kind === "rotate" && !records.some((record) => isOurs(record, rotation))) {
    const record = await mintTenantKey(await deps.wrapping(), rotation.at, { tenantId, keys: tenantKeys, random });
    // Somebody may have made that number meanwhile: the next one is ours then.
    book.set({ ...rotation, version: record.version });
    if (!(await tenantKeys.create(tenantId, record))) {
      throw new AppError("storage.unavailable", { internal: "keys: somebody else made this version" });
    }
  }
  const { version } = book.get() ?? rotation;
  for (const record of records) {
    if (record.version < version && record.retiredAt === null)
      await tenantKeys.retire(tenantId, record.version, rotation.at);
  }
  await tell("key.rotation_started", { key_version: version }, { ...rotation, version }, deps);
  book.set({ ...(book.get() ?? rotation), step: "walking" });
}

/** A version that somebody else made has another time. */
const isOurs = ({ version, createdAt }: TenantKeyRecord, rotation: Rotation): boolean =>
  version >= rotation.version && createdAt === rotation.at;

/** Until a walk met nothing stale, a fault, or the time is over. */
async function walk(start: RotationInDomain, untilMs: number, deps: RotationDeps): Promise<void> {
  const { book, clock, log } = deps;
  let domain = start;
  while (!domain.clean && clock() < untilMs) {
    try {
      const { cursor, values, pages, unreadable } = await log(domain.domainId).reseal(
        { kind: "tenant_key" },
        domain.cursor,
      );
      const met = domain.met || values > 0 || pages > 0;
      domain = { ...domain, cursor, met: cursor !== null && met, clean: cursor === null && !met, fault: null };
      const rotation = book.get();
      if (!rotation) return;
      book.set({
        ...rotation,
        values: rotation.values + values,
        pages: rotation.pages + pages,
        unreadable: Math.max(rotation.unreadable, unreadable),
      });
      book.setDomain(domain);
    } catch (error) {
      book.setDomain({ ...domain, fault: faultOf(error) });
      return;
    }
  }
}

async function finish(rotation: Rotation, deps: RotationDeps): Promise<void> {
  const { book, tenantKeys, tenantId, clock } = deps;
  const own = await deps.resealOwn(rotation.version);
  const done = { ...rotation, values: rotation.values + own };
  const records = await tenantKeys.list(tenantId);
  const old = records.filter(({ version }) => version < rotation.version);
  const since = new Date(clock()).toISOString();
  if (rotation.kind === "retire" && done.values + done.pages === 0)
    return deps.undisturbed(() => destroy(rotation, old, deps));
  const { version: key_version, values, pages, unreadable } = done;
  // Set back by something stale, a restored database for example: the time begins anew.
  const told = { key_version, values, key_pages: pages, unreadable };
  await tell(rotation.kind === "retire" ? "key.retirement_delayed" : "key.rotation_finished", told, rotation, deps);
  book.end({ versions: old.map(({ version }) => version), since });
}

async function destroy(rotation: Rotation, old: readonly TenantKeyRecord[], deps: RotationDeps): Promise<void> {
  const { book, tenantKeys, keyServices, tenantId } = deps;
  const due = dueForDestruction(old, deps);
  if (due.length > 0) await tell("key.destroyed", { key_versions: due.map(({ version }) => version) }, rotation, deps);
  for (const { version } of due) await tenantKeys.destroy(tenantId, version);
  const left = await tenantKeys.list(tenantId);
  const needed = new Set(
    left.flatMap(({ material }) => (material.kind === "wrapped" ? parseWrappedKey(material.wrapped).service : [])),
  );
  for (const { service, retiredAt } of await keyServices.list(tenantId)) {
    if (retiredAt !== null && !needed.has(service)) await keyServices.remove(tenantId, service);
  }
  book.end(null);
  for (const { version } of due) book.forget(version);
}

function dueForDestruction(old: readonly TenantKeyRecord[], deps: RotationDeps): TenantKeyRecord[] {
  if (deps.holdsInForce()) return [];
  const unused = deps.book.unusedSince();
  return old.filter(({ version }) => {
    const since = unused.get(version);
    return since !== undefined && deps.clock() - Date.parse(since) >= LIMITS.tenantKeyKeptMs;
  });
}

async function tell(
  action: ProductAction,
  metadata: NonNullable<AuditEvent["metadata"]>,
  { id, by }: Rotation,
  deps: RotationDeps,
): Promise<void> {
  const clear = { ...metadata, correlation_id: id };
  const event: ProductEvent = {
    action,
    actor: by,
    targets: [{ type: "tenant", id: deps.tenantId }],
    metadata: clear,
    clear_metadata: Object.keys(clear),
  };
  try {
    await deps.record(deps.tenantDomainId, event, `${action}:${id}`);
  } catch (error) {
    // Told before a crash, with counts of then.
    if (!isAppError(error) || error.code !== "idempotency.key_reused") throw error;
  }
}

const faultOf = (error: unknown): string => (isAppError(error) ? error.code : "internal");
