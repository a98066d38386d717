/** What a tenant may do with its own action types: add one, add a version to one, withdraw one. Nothing is edited or deleted. */
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { TenantRecord } from "../ports.ts";
import type { AskedBy } from "../tenancy/jobs.ts";
import type { EventTypeJob } from "./jobs.ts";
import type { EventTypeRecord, EventTypeStore, EventTypeVersion, EventTypeWords } from "./ports.ts";

/** `of`: the state that the change is of. */
export type EventTypeWish = { action: string; by: AskedBy } & (
  | { kind: "add"; words: EventTypeWords }
  | { kind: "version"; words: EventTypeWords; of: EventTypeState }
  | { kind: "withdraw"; of: EventTypeState }
);

export type EventTypeState = Pick<EventTypeRecord, "newest" | "withdrawnAt">;

/** A type as it is now, with its newest version. */
export interface EventTypeView {
  type: EventTypeRecord;
  version: EventTypeVersion;
}

export interface EventTypeChangeDeps {
  store: EventTypeStore;
  tenant(): Promise<TenantRecord>;
  nowIso(): string;
  /** So that nothing older comes after what is written now. */
  finishOlder(): Promise<void>;
  run(job: EventTypeJob): Promise<unknown>;
}

/**
 * One after the other (the caller's turn). Throws `event_type.exists`, `limit.reached`, `precondition.failed`,
 * `resource.not_found`, `schema.withdrawn`.
 */
export async function changeEventType(wish: EventTypeWish, deps: EventTypeChangeDeps): Promise<EventTypeView> {
  await deps.finishOlder();
  const { id: tenantId, tenantDomainId } = await deps.tenant();
  const { action, by } = wish;
  const type = await deps.store.type(tenantId, action);
  if (wish.kind !== "add") {
    if (!type) throw new AppError("resource.not_found");
    const { newest, withdrawnAt } = wish.of;
    if (type.newest !== newest || type.withdrawnAt !== withdrawnAt) throw new AppError("precondition.failed");
  }
  const nowIso = deps.nowIso();
  if (wish.kind === "withdraw") {
    const current = type as EventTypeRecord;
    const version = await deps.store.version(tenantId, action, current.newest);
    if (!version) throw new AppError("internal", { internal: "an event type lacks its newest version" });
    if (current.withdrawnAt !== null) return { type: current, version };
    const { newest } = current;
    await deps.run({ kind: "event_type_withdrawal", by, tenantId, tenantDomainId, action, newest, at: nowIso });
    return { type: { ...current, withdrawnAt: nowIso }, version };
  }
  if (wish.kind === "add" && type) throw new AppError("event_type.exists");
  await demandRoom(tenantId, type, wish.words, deps.store);
  const newest = (type?.newest ?? 0) + 1;
  const version = { ...wish.words, tenantId, action, version: newest, createdAt: nowIso };
  await deps.run({ kind: "event_type_version", by, tenantDomainId, version: JSON.stringify(version) });
  return {
    type: { tenantId, action, newest, createdAt: type?.createdAt ?? nowIso, withdrawnAt: null },
    version,
  };
}

async function demandRoom(
  tenantId: string,
  type: EventTypeRecord | null,
  words: EventTypeWords,
  store: EventTypeStore,
): Promise<void> {
  const [types, bytes] = await Promise.all([type ? [] : store.types(tenantId), store.schemaBytes(tenantId)]);
  const own = JSON.stringify(words.metadataSchema).length + JSON.stringify(words.eventSchema ?? "").length;
  const detail =
    types.length >= LIMITS.eventTypesPerTenant
      ? `a tenant may have ${LIMITS.eventTypesPerTenant} types of its own`
      : (type?.newest ?? 0) >= LIMITS.eventTypeVersions
        ? `a type may have ${LIMITS.eventTypeVersions} versions`
        : bytes + own > LIMITS.eventSchemasBytes
          ? `all schemas of a tenant may have ${LIMITS.eventSchemasBytes} bytes`
          : null;
  if (detail !== null) throw new AppError("limit.reached", { detail });
}
