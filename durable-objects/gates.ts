/** The way to the objects of this cell: pinned stubs, with what they answer turned into values and errors again. */
import type { FinalHead } from "../src/core/deletion-certificate.ts";
import type { SlotName } from "../src/crypto/key-registry.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import type { CellEnv } from "../src/env.ts";
import type { CellConfig } from "../src/services/cell-config.ts";
import type { DyingDomain } from "../src/services/deletion/deletion.ts";
import type { CreateDomainCall, DomainKeeperCalls, DomainLogCalls } from "../src/services/log/calls.ts";
import type { BundleAnswer } from "../src/services/log/evidence-calls.ts";
import { type Outcome, valueOf } from "../src/services/outcome.ts";
import type { TenantDeskCalls } from "../src/services/tenancy/calls.ts";
import type { LogGate } from "../src/services/tenancy/jobs.ts";
import { originHash, type WitnessCalls } from "../src/services/witness/witness.ts";
import { pinnedStub } from "./pinning.ts";

/** There is one desk a cell. */
const CELL_DESK_NAME = "cell";

/** What the product's own entries are bound to instead of a credential; no credential's id is spelled like it. */
export const PRODUCT_SCOPE = "system";

export interface DomainLogGate extends DomainLogCalls {
  create(call: CreateDomainCall): Promise<void>;
  wake(): Promise<void>;
}

export function domainLog(env: CellEnv, config: CellConfig, domainId: string): DomainLogGate {
  const stub = pinnedStub(env.DOMAIN_LOG, config, domainId);
  return {
    create: (call) => valueOf(stub.create(call)),
    append: (call) => valueOf(stub.append(call)),
    head: () => valueOf(stub.head()),
    flush: () => valueOf(stub.flush()),
    placeHold: (call) => valueOf(stub.placeHold(call)),
    releaseHold: (holdId) => valueOf(stub.releaseHold(holdId)),
    reseal: (work, cursor) => valueOf(stub.reseal(work, cursor)),
    checkpoint: () => valueOf(stub.checkpoint()),
    treeTile: (path) => valueOf(stub.treeTile(path)),
    entryProof: (call) => valueOf(stub.entryProof(call)),
    fork: () => valueOf(stub.fork()),
    growthProof: (call) => valueOf(stub.growthProof(call)),
    setProof: (wanted) => valueOf(stub.setProof(wanted)),
    person: (identityId) => valueOf(stub.person(identityId)),
    openSealed: (call) => valueOf(stub.openSealed(call)),
    erase: (call) => valueOf(stub.erase(call)),
    promiseErasure: (call) => valueOf(stub.promiseErasure(call)),
    erasure: (id) => valueOf(stub.erasure(id)),
    erasureCertificate: (id) => valueOf(stub.erasureCertificate(id)),
    replayErasures: (call) => valueOf(stub.replayErasures(call)),
    wake: () => valueOf(stub.wake()),
  };
}

export function domainKeeper(env: CellEnv, config: CellConfig, domainId: string): DomainKeeperCalls {
  const stub = pinnedStub(env.DOMAIN_KEEPER, config, domainId);
  return {
    verify: (call) => valueOf(stub.verify(call)),
    search: (call) => valueOf(stub.search(call)),
    reveal: (call) => valueOf(stub.reveal(call)),
    evidenceSet: (wanted) => valueOf(stub.evidenceSet(wanted)),
    bundle: (call) => valueOf(stub.bundle(call) as Promise<Outcome<BundleAnswer>>),
  };
}

/** The objects of a domain, as the deletion of its tenant needs them. */
export function dyingDomain(env: CellEnv, config: CellConfig, domainId: string): DyingDomain {
  const log = pinnedStub(env.DOMAIN_LOG, config, domainId);
  const keeper = pinnedStub(env.DOMAIN_KEEPER, config, domainId);
  return {
    close: () => valueOf(log.closeForDeletion()),
    reopen: () => valueOf(log.reopen()),
    retire: () => valueOf(log.retire()),
    async empty() {
      await valueOf(keeper.empty());
      await valueOf(log.empty());
    },
  };
}

export function tenantDesk(env: CellEnv, config: CellConfig, tenantId: string): TenantDeskCalls {
  const stub = pinnedStub(env.TENANT_DESK, config, tenantId);
  return {
    createTenant: (wanted) => valueOf(stub.createTenant(wanted)),
    createDomain: (wanted) => valueOf(stub.createDomain(wanted)),
    createKey: (wanted) => valueOf(stub.createKey(wanted)),
    revokeKey: (keyId, by) => valueOf(stub.revokeKey(keyId, by)),
    eraseEverywhere: (call) => valueOf(stub.eraseEverywhere(call)),
    placeHold: (wish) => valueOf(stub.placeHold(wish)),
    hold: (holdId) => valueOf(stub.hold(holdId)),
    reviewHold: (holdId, wish) => valueOf(stub.reviewHold(holdId, wish)),
    releaseHold: (holdId, wish) => valueOf(stub.releaseHold(holdId, wish)),
    holds: () => valueOf(stub.holds()),
    keys: () => valueOf(stub.keys()),
    rotateKey: (by) => valueOf(stub.rotateKey(by)),
    wake: () => valueOf(stub.wake()),
    resealSlot: (slot) => valueOf(stub.resealSlot(slot)),
    keyService: () => valueOf(stub.keyService()),
    setKeyService: (config, by) => valueOf(stub.setKeyService(config, by)),
    removeKeyService: (by) => valueOf(stub.removeKeyService(by)),
    keyServiceObserved: (observation) => valueOf(stub.keyServiceObserved(observation)),
    requestDeletion: (wanted) => valueOf(stub.requestDeletion(wanted)),
    deletion: () => valueOf(stub.deletion()),
    continueDeletion: () => valueOf(stub.continueDeletion()),
  };
}

export function cellDesk(env: CellEnv, config: CellConfig) {
  const stub = pinnedStub(env.CELL_DESK, config, CELL_DESK_NAME);
  return {
    ensurePlatform: () => valueOf(stub.ensurePlatform()),
    wakeDomains: () => valueOf(stub.wakeDomains()),
    wakeTenants: () => valueOf(stub.wakeTenants()),
    slots: () => valueOf(stub.slots()),
    rotateSlot: (slot: SlotName) => valueOf(stub.rotateSlot(slot)),
    retireSlot: (slot: SlotName, again: boolean) => valueOf(stub.retireSlot(slot, again)),
    status: () => valueOf(stub.status()),
    deletion: (tenantId: string) => valueOf(stub.deletion(tenantId)),
    beginDeletion: (tenantId: string, requestedAt: string) => valueOf(stub.beginDeletion(tenantId, requestedAt)),
    withdrawDeletion: (tenantId: string) => valueOf(stub.withdrawDeletion(tenantId)),
    finishDeletion: (tenantId: string, note: string, heads: FinalHead[]) =>
      valueOf(stub.finishDeletion(tenantId, note, heads)),
    wakeDeletions: () => valueOf(stub.wakeDeletions()),
    observedJurisdiction: () => stub.observedJurisdiction(),
  };
}

/** What this cell knows as a witness, one object an origin. */
export function witnessLogs(env: CellEnv, config: CellConfig): WitnessCalls {
  const stub = (hash: string) => pinnedStub(env.WITNESS_LOG, config, hash);
  return {
    addCheckpoint: (submission) => valueOf(stub(originHash(sha256, submission.origin)).addCheckpoint(submission)),
    checkpoint: (hash) => valueOf(stub(hash).checkpoint()),
  };
}

/** The logs of this cell, as the tenancy jobs need them. */
export function logGate(env: CellEnv, config: CellConfig): LogGate {
  return {
    async create({ id: domainId, tenantId, kind, segmentEntries }) {
      await domainLog(env, config, domainId).create({ domainId, tenantId, kind, segmentEntries });
    },
    promiseErasure: (domainId, call) => domainLog(env, config, domainId).promiseErasure(call),
    erase: (domainId, call) => domainLog(env, config, domainId).erase(call),
    async record(domainId, event, idempotencyKey) {
      const body = JSON.stringify(event);
      const call = { body, form: "json" as const, scope: PRODUCT_SCOPE, idempotencyKey, waitForCopy: false };
      await domainLog(env, config, domainId).append(call);
    },
  };
}
