/**
 * Unwrapping a tenant's keys by the tenant's own service (S3-41), for one object. The keyring in front of this keeps an
 * unwrapped key for at most 60 s, so a service that refuses cuts the object off within that time, and one that works again
 * is asked again after `LIMITS.keyServiceRetryMs`.
 *
 * Every object of a tenant sees a change of the service by itself and reports it when the control database says otherwise;
 * the tenant's desk writes it into the tenant's log once. A report that is lost is made again at the next look.
 */
import { AppError } from "../../core/errors.ts";
import { KeyServiceFailure, type KeyServiceState } from "../../core/key-service.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Clock, KeyServiceRecord, KeyServiceStore, TenantKeyRecord } from "../ports.ts";
import { type CredentialDeps, openCredentials } from "./credentials.ts";
import type { ConnectKeyService } from "./key-service.ts";
import { parseWrappedKey } from "./wrapped-key.ts";

/** What an object has seen of a service. */
export interface KeyServiceObservation {
  service: number;
  state: KeyServiceState;
}

export interface UnwrapDeps extends CredentialDeps {
  services: Pick<KeyServiceStore, "list">;
  connect: ConnectKeyService;
  /** To the tenant's desk. */
  report: (observation: KeyServiceObservation) => Promise<void>;
  clock: Clock;
}

export type Unwrap = (record: TenantKeyRecord) => Promise<Uint8Array>;

/**
 * Throws `keys.unavailable` when the service refuses or does not answer, `storage.unavailable` when its settings cannot be
 * read. After a failure the service is left alone for a while, and everybody who asks gets that failure at once.
 */
export function unwrapper(deps: UnwrapDeps): Unwrap {
  const open = new Map<number, { failure: KeyServiceFailure; sinceMs: number }>();
  let lastRead: KeyServiceRecord[] = [];

  async function services(): Promise<KeyServiceRecord[]> {
    try {
      lastRead = await deps.services.list(deps.tenantId);
    } catch (error) {
      // The database is away: settings that were right a moment ago still are, and the service itself decides.
      if (lastRead.length === 0) throw error;
    }
    return lastRead;
  }

  async function ask(service: number, ciphertext: string, version: number): Promise<Uint8Array> {
    const circuit = open.get(service);
    const ageMs = deps.clock() - (circuit?.sinceMs ?? 0);
    // A clock that was set back must not keep it open.
    if (circuit && ageMs >= 0 && ageMs < LIMITS.keyServiceRetryMs) throw circuit.failure;
    const row = (await services()).find((candidate) => candidate.service === service);
    if (!row)
      throw new AppError("storage.unavailable", { internal: "keys: the settings of a key service are missing" });
    const client = deps.connect(row.settings, await openCredentials(row, deps));
    try {
      const key = await client.unwrap(deps.tenantId, ciphertext, version);
      open.delete(service);
      observe(row, "working");
      return key;
    } catch (failure) {
      if (!(failure instanceof KeyServiceFailure)) throw failure;
      open.set(service, { failure, sinceMs: deps.clock() });
      observe(row, failure.fault);
      throw failure;
    }
  }

  /** Never waits: the desk writes to a log that may be the very one that wants the key. */
  function observe(row: KeyServiceRecord, state: KeyServiceState): void {
    if (!isNews(row, state, deps.clock())) return;
    deps.report({ service: row.service, state }).catch(() => {
      console.warn(JSON.stringify({ at: "keys", fault: "a report about a key service was lost" }));
    });
  }

  return async (record) => {
    if (record.material.kind === "raw") return record.material.key;
    const { service, ciphertext } = parseWrappedKey(record.material.wrapped);
    return ask(service, ciphertext, record.version);
  };
}

/**
 * Whether an observation says more than the control database knows. A service that was seen to refuse and is now silent is
 * still the same trouble; one that works is looked at anew once in a while, for the date of the last look.
 */
export function isNews(
  known: Pick<KeyServiceRecord, "state" | "checkedAt">,
  state: KeyServiceState,
  nowMs: number,
): boolean {
  if (known.state === state) return nowMs - Date.parse(known.checkedAt) > LIMITS.keyServiceLookMs;
  return !(known.state === "refused" && state === "no_answer");
}
