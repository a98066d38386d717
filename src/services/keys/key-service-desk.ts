/**
 * A tenant's key service, as its desk handles it (S3-41): set, replaced, removed, watched. One change at a time; each is a job
 * (`key-service-jobs.ts`) with its entry in the tenant's log.
 */
import { AppError } from "../../core/errors.ts";
import { SYSTEM_ACTOR_ID } from "../../core/event.ts";
import { type KeyServiceConfig, type KeyServiceSettings, sameKeyService, splitConfig } from "../../core/key-service.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Clock, KeyServiceRecord, KeyServiceStore, RandomBytes, TenantKeyStore } from "../ports.ts";
import type { AskedBy } from "../tenancy/jobs.ts";
import { type CredentialDeps, sealCredentials } from "./credentials.ts";
import { describeKeyServices, type KeyServiceDescription } from "./description.ts";
import { type ConnectKeyService, mintTenantKey, newestVersion, proveKeyService, type Wrapping } from "./key-service.ts";
import type { KeyServiceJob } from "./key-service-jobs.ts";
import { isNews, type KeyServiceObservation } from "./unwrap.ts";

export interface KeyServiceDeskDeps extends CredentialDeps {
  tenantDomainId: string;
  keyServices: KeyServiceStore;
  tenantKeys: TenantKeyStore;
  connect: ConnectKeyService;
  random: RandomBytes;
  clock: Clock;
  uuid: () => string;
  /** Writes a job down and runs it. */
  run: (job: KeyServiceJob) => Promise<JobEnd>;
  /** Finishes what a crash has left of these jobs. */
  finishOlder: () => Promise<void>;
}

export type JobEnd = "done" | "superseded";

const SYSTEM: AskedBy = { type: "system", id: SYSTEM_ACTOR_ID };
const ATTEMPTS = 3;

export class KeyServiceDesk {
  /** What has to be over before the next change begins. */
  #turn: Promise<unknown> = Promise.resolve();

  async describe({ tenantId, keyServices, tenantKeys }: KeyServiceDeskDeps): Promise<KeyServiceDescription> {
    return describeKeyServices(await keyServices.list(tenantId), await tenantKeys.list(tenantId));
  }

  /**
   * Makes this the service that wraps the tenant's keys, beginning with a next one. The same key of the same service again:
   * its credentials are replaced, and no key is made. Throws `key_service.unproven`, `limit.reached`, `keys.unavailable`,
   * `storage.unavailable`.
   */
  set(config: KeyServiceConfig, by: AskedBy, deps: KeyServiceDeskDeps): Promise<KeyServiceDescription> {
    return this.#change(deps, () => setOnce(config, by, deps));
  }

  /**
   * Back to keys of the cell, beginning with a next one; asks no service, so it also works when the service does not. What was
   * sealed under keys that the service wrapped needs it until rotation has replaced them. Without a service nothing happens.
   */
  remove(by: AskedBy, deps: KeyServiceDeskDeps): Promise<KeyServiceDescription> {
    return this.#change(deps, async () => {
      const services = await deps.keyServices.list(deps.tenantId);
      if (!services.some(({ retiredAt }) => retiredAt === null)) return "done";
      const version = newestVersion(await deps.tenantKeys.list(deps.tenantId)) + 1;
      return deps.run({ kind: "key_service_removed", ...common(by, deps), key: { version } });
    });
  }

  /** What an object of the tenant has seen. Told once for each change, however many objects saw it. */
  observed({ service, state }: KeyServiceObservation, deps: KeyServiceDeskDeps): Promise<void> {
    return this.#inTurn(deps, async () => {
      const row = (await deps.keyServices.list(deps.tenantId)).find((candidate) => candidate.service === service);
      if (!row || !isNews(row, state, deps.clock())) return;
      const job = { ...common(SYSTEM, deps), service: row };
      if (row.state === state) await deps.keyServices.setState(deps.tenantId, service, state, job.at);
      else if (state === "working") await deps.run({ kind: "key_service_restored", ...job });
      else await deps.run({ kind: "key_service_failed", ...job, fault: state });
    });
  }

  /** Runs while nothing else changes a service. */
  undisturbed<T>(deps: KeyServiceDeskDeps, run: () => Promise<T>): Promise<T> {
    return this.#inTurn(deps, run);
  }

  #change(deps: KeyServiceDeskDeps, once: () => Promise<JobEnd>): Promise<KeyServiceDescription> {
    return this.#inTurn(deps, async () => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        if ((await once()) === "done") return this.describe(deps);
      }
      throw new AppError("storage.unavailable", { internal: "keys: others make versions of this tenant's key" });
    });
  }

  #inTurn<T>(deps: KeyServiceDeskDeps, run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(async () => {
      await deps.finishOlder();
      return run();
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

async function setOnce(config: KeyServiceConfig, by: AskedBy, deps: KeyServiceDeskDeps): Promise<JobEnd> {
  const { tenantId, random } = deps;
  const { settings, credentials } = splitConfig(config);
  const client = deps.connect(settings, credentials);
  const known = await placeFor(settings, deps);
  const keys = { tenantId, keys: deps.tenantKeys, random };
  await proveKeyService(client, tenantId, newestVersion(await deps.tenantKeys.list(tenantId)) + 1, random);
  const job = common(by, deps);
  const service: KeyServiceRecord = {
    tenantId,
    service: known.service,
    settings,
    credentials: await sealCredentials({ service: known.service, settings }, credentials, deps),
    createdAt: known.createdAt ?? job.at,
    retiredAt: known.retiredAt === undefined ? job.at : known.retiredAt,
    state: "working",
    checkedAt: job.at,
  };
  if (service.retiredAt === null) return deps.run({ kind: "key_service_credentials", ...job, service });
  const wrapping: Wrapping = { service: known.service, client };
  const { version, material } = await mintTenantKey(wrapping, job.at, keys);
  if (material.kind !== "wrapped") throw new TypeError("what a service wrapped is wrapped");
  return deps.run({ kind: "key_service_set", ...job, service, key: { version, wrapped: material.wrapped } });
}

/** The row of the same service, or the next number. Throws `limit.reached`. */
async function placeFor(
  settings: KeyServiceSettings,
  { tenantId, keyServices }: KeyServiceDeskDeps,
): Promise<Pick<KeyServiceRecord, "service"> & Partial<KeyServiceRecord>> {
  const services = await keyServices.list(tenantId);
  const known = services.find((row) => sameKeyService(row.settings, settings));
  if (known) return known;
  if (services.length >= LIMITS.keyServicesPerTenant) {
    const detail = `a tenant has at most ${LIMITS.keyServicesPerTenant} key services whose keys are still in use`;
    throw new AppError("limit.reached", { detail });
  }
  return { service: (services.at(-1)?.service ?? 0) + 1 };
}

function common(by: AskedBy, { uuid, clock, tenantId, tenantDomainId }: KeyServiceDeskDeps) {
  return { id: uuid(), by, at: new Date(clock()).toISOString(), tenantId, tenantDomainId };
}
