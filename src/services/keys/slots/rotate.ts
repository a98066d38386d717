/**
 * The rotation of a slot (S2-4): everything that is sealed under older secrets of the slot is sealed under its newest one, in
 * bounded steps that whoever asks repeats until the answer says `done`. The cell's own object keeps how far it has come.
 *
 * Commit order, with the crash after each step:
 *  1. the cell has the new secret beside the old one              what is sealed from now on is sealed under it
 *  2. the walk is in the object's SQLite                          the next step goes on
 *  3. platform entry `key.slot_rotation_started`                  the same receipt
 *  4. each domain, then each tenant's own: sealed anew            the cursor is kept after each step: one step again at most
 *  5. a whole walk met nothing stale and nothing unreadable       the next step begins another walk until one does
 *  6. platform entry `key.slot_rotation_finished`                 the same receipt
 *  7. platform entry `key.slot_version_retired`                   the same receipt; the operator's tool deletes the secrets
 * Between 6 and 7 a restored database may have brought older values back: 7 walks once more before it says so.
 */
import type { ProductAction, ProductEvent } from "../../../core/actions/product.ts";
import { isAppError } from "../../../core/errors.ts";
import { type AuditEvent, SYSTEM_ACTOR_ID } from "../../../core/event.ts";
import { LIMITS } from "../../../core/limits.ts";
import type { SlotName } from "../../../crypto/key-registry.ts";
import type { SlotKeys } from "../../../crypto/slot-keys.ts";
import type { DomainLogCalls } from "../../log/calls.ts";
import type { Clock } from "../../ports.ts";
import type { ResealCursor } from "../resealing/calls.ts";

export interface SlotWalk {
  slot: SlotName;
  /** A UUID: the correlation id of its entries. */
  id: string;
  version: number;
  at: string;
  /** `domains`, then `tenants`. */
  phase: "domains" | "tenants";
  /** Last id of the phase that is through. */
  after: string;
  cursor: ResealCursor | null;
  /** Of all walks of this rotation. */
  values: number;
  walks: number;
  /** Of the present walk. */
  met: number;
  unreadable: number;
  domains: number;
  /** A whole walk met nothing that it could seal anew, and values that do not open: nothing but a person helps. */
  stuck: boolean;
  done: boolean;
}

export interface SlotWalkBook {
  get(slot: SlotName): SlotWalk | null;
  set(walk: SlotWalk): void;
}

export interface SlotRotationDeps {
  book: SlotWalkBook;
  slots: SlotKeys;
  platformDomainId: string;
  /** Ids in order after one, at most `limit`. */
  domainsAfter: (id: string, limit: number) => Promise<string[]>;
  tenantsAfter: (id: string, limit: number) => Promise<string[]>;
  log: (domainId: string) => Pick<DomainLogCalls, "reseal">;
  /** What a tenant's own object keeps under the slot; how many values, and how many that do not open. */
  resealTenant: (tenantId: string, slot: SlotName) => Promise<{ values: number; unreadable: number }>;
  record: (domainId: string, event: ProductEvent, idempotencyKey: string) => Promise<void>;
  clock: Clock;
  uuid: () => string;
}

export interface SlotRotationView {
  slot: SlotName;
  version: number;
  /** Versions that the cell has, ascending. */
  versions: number[];
  values: number;
  walks: number;
  domains: number;
  unreadable: number;
  stuck: boolean;
  done: boolean;
}

const BATCH = 20;

/** One bounded step. Throws what a store or an object throws: ask again. */
export async function rotateSlotStep(slot: SlotName, deps: SlotRotationDeps): Promise<SlotRotationView> {
  const { book, slots, clock } = deps;
  const { version } = slots.newest(slot);
  let walk = book.get(slot);
  if (walk?.version !== version) {
    walk = { ...freshWalk(slot, version), id: deps.uuid(), at: new Date(clock()).toISOString() };
    book.set(walk);
  }
  if (!walk.done) {
    await tell("key.slot_rotation_started", walk, {}, deps);
    await goOn(walk, deps);
  }
  return viewOf(slot, deps);
}

/** Whether the versions before the newest may go: walks once more, in steps. `retired` null: not yet, ask again. */
export async function retireSlotStep(
  slot: SlotName,
  deps: SlotRotationDeps,
): Promise<{ view: SlotRotationView; retired: number[] | null }> {
  const { book, slots } = deps;
  const walk = book.get(slot);
  const { version } = slots.newest(slot);
  if (walk?.version !== version || !walk.done) return { view: viewOf(slot, deps), retired: null };
  const old = slots.versions(slot).filter((each) => each < version);
  if (old.length > 0) await tell("key.slot_version_retired", walk, { retired: old }, deps);
  return { view: viewOf(slot, deps), retired: old };
}

/** Begins the last look before a retirement. */
export function lookAgain(slot: SlotName, { book }: Pick<SlotRotationDeps, "book">): void {
  const walk = book.get(slot);
  if (walk?.done) book.set({ ...walk, ...START });
}

async function goOn(begun: SlotWalk, deps: SlotRotationDeps): Promise<void> {
  const { book, clock } = deps;
  const untilMs = clock() + LIMITS.rotationPassMs;
  let walk = { ...begun, stuck: false };
  while (clock() < untilMs) {
    walk = walk.phase === "domains" ? await domains(walk, untilMs, deps) : await tenants(walk, untilMs, deps);
    book.set(walk);
    if (walk.phase !== "tenants" || walk.after !== END) continue;
    if (walk.met === 0) {
      if (walk.unreadable > 0) {
        // The counts stay until the next walk begins, so that the caller sees them.
        book.set({ ...walk, phase: "domains", after: "", cursor: null, met: 0, stuck: true });
        return;
      }
      const { values, walks, domains } = walk;
      await tell("key.slot_rotation_finished", walk, { values, walks, domains }, deps);
      book.set({ ...walk, done: true });
      return;
    }
    walk = { ...walk, ...START, walks: walk.walks + 1 };
    book.set(walk);
  }
}

/** No id sorts behind it. */
const END = "~";
const START = {
  phase: "domains" as const,
  after: "",
  cursor: null,
  met: 0,
  unreadable: 0,
  domains: 0,
  stuck: false,
  done: false,
};
function freshWalk(slot: SlotName, version: number) {
  return { slot, version, ...START, values: 0, walks: 1 };
}

async function domains(walk: SlotWalk, untilMs: number, deps: SlotRotationDeps): Promise<SlotWalk> {
  let at = walk.after === "" && walk.cursor === null ? { ...walk, unreadable: 0, domains: 0 } : walk;
  const ids = await deps.domainsAfter(at.after, BATCH);
  if (ids.length === 0) return { ...at, phase: "tenants", after: "", cursor: null };
  for (const id of ids) {
    do {
      const step = await resealDomain(id, at, deps);
      at = {
        ...at,
        cursor: step.cursor,
        values: at.values + step.values,
        met: at.met + step.values,
        unreadable: at.unreadable + step.unreadable,
      };
      deps.book.set(at);
      if (deps.clock() >= untilMs && at.cursor !== null) return at;
    } while (at.cursor !== null);
    at = { ...at, after: id, domains: at.domains + 1 };
    deps.book.set(at);
    if (deps.clock() >= untilMs) return at;
  }
  return at;
}

async function resealDomain(id: string, { slot, cursor }: SlotWalk, deps: SlotRotationDeps) {
  try {
    return await deps.log(id).reseal({ kind: "slot", slot }, cursor);
  } catch (error) {
    // A row without its object: its creation was never finished, so nothing is sealed there.
    if (isAppError(error) && error.code === "resource.not_found") return NOTHING;
    throw error;
  }
}

const NOTHING = { cursor: null, values: 0, unreadable: 0 };

async function tenants(walk: SlotWalk, untilMs: number, deps: SlotRotationDeps): Promise<SlotWalk> {
  let at = walk;
  const ids = await deps.tenantsAfter(at.after, BATCH);
  if (ids.length === 0) return { ...at, after: END };
  for (const id of ids) {
    const { values, unreadable } = await deps.resealTenant(id, at.slot);
    at = { ...at, after: id, values: at.values + values, met: at.met + values, unreadable: at.unreadable + unreadable };
    deps.book.set(at);
    if (deps.clock() >= untilMs) return at;
  }
  return at;
}

function viewOf(slot: SlotName, { book, slots }: SlotRotationDeps): SlotRotationView {
  const walk = book.get(slot);
  const { values = 0, walks = 0, domains = 0, unreadable = 0, stuck = false, done = false } = walk ?? {};
  const { version } = slots.newest(slot);
  return { slot, version, versions: slots.versions(slot), values, walks, domains, unreadable, stuck, done };
}

async function tell(
  action: ProductAction,
  { id, slot, version }: SlotWalk,
  metadata: NonNullable<AuditEvent["metadata"]>,
  deps: SlotRotationDeps,
): Promise<void> {
  const clear = { ...metadata, version, correlation_id: id };
  const event: ProductEvent = {
    action,
    actor: { type: "system", id: SYSTEM_ACTOR_ID },
    targets: [{ type: "slot", id: slot }],
    metadata: clear,
    clear_metadata: Object.keys(clear),
  };
  try {
    await deps.record(deps.platformDomainId, event, `${action}:${id}`);
  } catch (error) {
    // Told before a crash, with counts of then.
    if (!isAppError(error) || error.code !== "idempotency.key_reused") throw error;
  }
}
