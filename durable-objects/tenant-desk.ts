/** The object of one tenant: its changes, one after the other, each with its entry in the tenant's own log. */
import { DurableObject } from "cloudflare:workers";
import { v7 as uuidv7 } from "uuid";
import { AppError, isAppError } from "../src/core/errors.ts";
import { makeId } from "../src/core/ids.ts";
import { LIMITS } from "../src/core/limits.ts";
import { FIRST_SHARD } from "../src/core/shards.ts";
import type { CellEnv } from "../src/env.ts";
import { type CellConfig, cellConfig } from "../src/services/cell-config.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import { OWNER_KEY_PERMISSIONS, type Permission } from "../src/services/permissions.ts";
import type { ApiKeyRecord, DomainRecord, TenantRecord } from "../src/services/ports.ts";
import type { CreateDomainWish, CreateKeyWish, CreateTenantWish, IssuedKey } from "../src/services/tenancy/calls.ts";
import { type AskedBy, type Job, type JobDeps, runJob } from "../src/services/tenancy/jobs.ts";
import { mintKey } from "../src/services/tenancy/keys.ts";
import { D1ControlStore } from "../src/storage/control-store.ts";
import { R2RootStore } from "../src/storage/root-store.ts";
import { randomBytes } from "./domain-log/random.ts";
import { cellDesk, logGate } from "./gates.ts";
import { demandPinned } from "./pinning.ts";
import { JobBook } from "./tenant-desk/job-book.ts";

const RETRY_MS = 5000;

export class TenantDesk extends DurableObject<CellEnv> {
  readonly #jobs: JobBook;
  /** Replaced by tests that make a store fail. */
  deps: JobDeps | null = null;

  constructor(ctx: DurableObjectState, env: CellEnv) {
    super(ctx, env);
    this.#jobs = new JobBook(ctx.storage);
  }

  /** Makes the tenant of this object's name, its reserved domain and its first key. */
  createTenant(wanted: CreateTenantWish): Promise<Outcome<{ tenant: TenantRecord; issued: IssuedKey }>> {
    return outcomeOf(() => this.#createTenant(wanted));
  }

  async #createTenant(wanted: CreateTenantWish): Promise<{ tenant: TenantRecord; issued: IssuedKey }> {
    const config = this.#config();
    await cellDesk(this.env, config).ensurePlatform();
    const tenantId = this.#tenantId();
    const createdAt = new Date().toISOString();
    const domain = this.#newDomain(config, {
      name: "tenant",
      kind: "tenant",
      segmentEntries: LIMITS.segmentEntriesDefault,
    });
    const tenant: TenantRecord = {
      id: tenantId,
      name: wanted.name,
      jurisdiction: config.jurisdiction,
      tier: wanted.tier,
      tenantDomainId: domain.id,
      createdAt,
    };
    const first = { name: "first key", permissions: [...OWNER_KEY_PERMISSIONS], expiresAt: null };
    const issued = this.#mint(config, first);
    await this.#do({ kind: "tenant", by: wanted.by, tenant, domain, key: issued.record });
    return { tenant, issued };
  }

  /** Throws `domain.name_taken`, `limit.reached`. */
  createDomain(wanted: CreateDomainWish): Promise<Outcome<DomainRecord>> {
    return outcomeOf(() => this.#createDomain(wanted));
  }

  async #createDomain(wanted: CreateDomainWish): Promise<DomainRecord> {
    const config = this.#config();
    const tenant = await this.#tenant();
    if ((await this.#deps().control.domainsOf(tenant.id)).length >= LIMITS.domainsPerTenant) {
      throw new AppError("limit.reached", { detail: `a tenant has at most ${LIMITS.domainsPerTenant} domains` });
    }
    const segmentEntries = wanted.segmentEntries ?? LIMITS.segmentEntriesDefault;
    const domain = this.#newDomain(config, { name: wanted.name, kind: "client", segmentEntries });
    await this.#do({ kind: "domain", by: wanted.by, domain, tenantDomainId: tenant.tenantDomainId });
    return domain;
  }

  createKey(wanted: CreateKeyWish): Promise<Outcome<IssuedKey>> {
    return outcomeOf(() => this.#createKey(wanted));
  }

  async #createKey(wanted: CreateKeyWish): Promise<IssuedKey> {
    const tenant = await this.#tenant();
    if ((await this.#deps().control.keysOf(tenant.id)).length >= LIMITS.keysPerTenant) {
      throw new AppError("limit.reached", { detail: `a tenant has at most ${LIMITS.keysPerTenant} keys` });
    }
    const { by, ...wish } = wanted;
    const issued = this.#mint(this.#config(), wish);
    await this.#do({ kind: "key", by, key: issued.record, tenantDomainId: tenant.tenantDomainId });
    return issued;
  }

  /** A second revocation changes nothing and answers the first. Throws `resource.not_found`. */
  revokeKey(keyId: string, by: AskedBy): Promise<Outcome<ApiKeyRecord>> {
    return outcomeOf(() => this.#revokeKey(keyId, by));
  }

  async #revokeKey(keyId: string, by: AskedBy): Promise<ApiKeyRecord> {
    const tenant = await this.#tenant();
    const { control } = this.#deps();
    const key = await control.key(keyId);
    if (key?.tenantId !== tenant.id) throw new AppError("resource.not_found");
    if (key.revokedAt !== null) return key;
    const revokedAt = new Date().toISOString();
    const { id: tenantId, tenantDomainId } = tenant;
    await this.#do({ kind: "revocation", by, tenantId, keyId, revokedAt, tenantDomainId });
    return { ...key, revokedAt };
  }

  /** Finishes what a crash or a store that was away has left. Never throws. */
  override async alarm(): Promise<void> {
    for (const { id, job } of this.#jobs.all()) {
      try {
        await runJob(job, this.#deps());
        this.#jobs.finish(id);
      } catch (error) {
        console.warn(
          JSON.stringify({ at: "tenant-desk", job: job.kind, fault: isAppError(error) ? error.code : "unknown" }),
        );
      }
    }
    if (this.#jobs.all().length > 0) await this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
  }

  /** Written down, run, forgotten. A failure leaves the job to the alarm and tells the caller to look again. */
  async #do(job: Job): Promise<void> {
    const id = this.#jobs.write(job);
    void this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
    const outcome = await runJob(job, this.#deps());
    this.#jobs.finish(id);
    if (outcome === "name_taken") throw new AppError("domain.name_taken");
  }

  #newDomain(config: CellConfig, wanted: Pick<DomainRecord, "name" | "kind" | "segmentEntries">): DomainRecord {
    const id = makeId("domain", config.jurisdiction, uuidv7());
    return { ...wanted, id, tenantId: this.#tenantId(), createdAt: new Date().toISOString() };
  }

  #mint(config: CellConfig, wanted: { name: string; permissions: Permission[]; expiresAt: string | null }): IssuedKey {
    const { jurisdiction, apiKeyPepper: pepper } = config;
    const context = { jurisdiction, uuid: uuidv7(), pepper, random: randomBytes, nowMs: Date.now() };
    return mintKey({ tenantId: this.#tenantId(), ...wanted }, context);
  }

  async #tenant(): Promise<TenantRecord> {
    const tenant = await this.#deps().control.tenant(this.#tenantId());
    if (!tenant) throw new AppError("resource.not_found");
    return tenant;
  }

  #deps(): JobDeps {
    const config = this.#config();
    this.deps ??= {
      jurisdiction: config.jurisdiction,
      control: new D1ControlStore(this.env.CONTROL),
      roots: new R2RootStore(this.env.KEYS),
      logs: logGate(this.env, config),
      random: randomBytes,
      shard: FIRST_SHARD,
    };
    return this.deps;
  }

  #tenantId(): string {
    return this.ctx.id.name ?? "";
  }

  #config(): CellConfig {
    const config = cellConfig(this.env);
    demandPinned(this.ctx, config);
    return config;
  }
}
