/** The way to the objects of this cell: pinned stubs, with what they answer turned into values and errors again. */
import type { ProductEvent } from "../src/core/actions/product.ts";
import type { FinalHead } from "../src/core/deletion-certificate.ts";
import type { DomainSettings } from "../src/core/domain-settings.ts";
import { AppError } from "../src/core/errors.ts";
import type { SlotName } from "../src/crypto/key-registry.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import type { CellEnv } from "../src/env.ts";
import { type FactorAsker, factorCallsBy, type PasswordLogin } from "../src/services/access/factors/calls.ts";
import type { Approver, AskedLogin, PeopleCalls } from "../src/services/access/people/calls.ts";
import type { SessionPrincipal } from "../src/services/access/principal.ts";
import type { SsoCalls } from "../src/services/access/sso/calls.ts";
import { SSO_CALLS } from "../src/services/access/sso/sso.ts";
import type { CellConfig } from "../src/services/cell-config.ts";
import type { DyingDomain } from "../src/services/deletion/deletion.ts";
import type { EventTypeView } from "../src/services/event-types/changes.ts";
import { EXPORT_CALLS, type ExportCalls } from "../src/services/exports/calls.ts";
import { IMPORT_CALLS, type ImportCalls } from "../src/services/imports/calls.ts";
import type { CreateDomainCall, DomainKeeperCalls, DomainLogCalls } from "../src/services/log/calls.ts";
import type { BundleAnswer } from "../src/services/log/evidence-calls.ts";
import type { Mail } from "../src/services/mail/mail.ts";
import { MONITORING_CALLS, type MonitoringCalls } from "../src/services/monitoring/calls.ts";
import { type Outcome, valueOf } from "../src/services/outcome.ts";
import type { RateDeskCalls } from "../src/services/rates/calls.ts";
import { RESTORE_CALLS, type RestoreCalls } from "../src/services/restore/calls.ts";
import { LOG_RESTORE_CALLS, type LogRestoreCalls } from "../src/services/restore/log-calls.ts";
import { RETENTION_CALLS, type RetentionCalls } from "../src/services/retention/calls.ts";
import type { Growth, TailCall, TailKind } from "../src/services/tail/calls.ts";
import type { TenantDeskCalls } from "../src/services/tenancy/calls.ts";
import type { AskedBy, LogGate } from "../src/services/tenancy/jobs.ts";
import { originHash, type WitnessCalls } from "../src/services/witness/witness.ts";
import { pinnedStub } from "./pinning.ts";

/** What a live connection asks for, in the one request that reaches a keeper by `fetch`: it comes from this cell's Worker alone. */
export const TAIL_CALL_HEADER = "X-Tail-Call";

/** There is one desk a cell. */
const CELL_DESK_NAME = "cell";

/** What the product's own entries are bound to instead of a credential; no credential's id is spelled like it. */
export const PRODUCT_SCOPE = "system";

export interface DomainLogGate extends DomainLogCalls {
  create(call: CreateDomainCall): Promise<void>;
  /** How the domain is set, as far as the log goes by it. */
  configure(settings: DomainSettings): Promise<void>;
  wake(): Promise<void>;
  /** While a log is moved into the domain (src/services/imports/run.ts). */
  closeToClients(): Promise<number>;
  openToClients(): Promise<void>;
  /** For writes and for good: something of this cell knows that the log contradicts what it signed. */
  stop(reason: string): Promise<void>;
}

export function domainLog(env: CellEnv, config: CellConfig, domainId: string): DomainLogGate {
  const stub = pinnedStub(env.DOMAIN_LOG, config, domainId);
  return {
    create: (call) => valueOf(stub.create(call)),
    append: (call) => valueOf(stub.append(call)),
    head: () => valueOf(stub.head()),
    flush: () => valueOf(stub.flush()),
    watch: () => valueOf(stub.watch()),
    waiting: (fromSeq, limit) => valueOf(stub.waiting(fromSeq, limit)),
    placeHold: (call) => valueOf(stub.placeHold(call)),
    releaseHold: (holdId) => valueOf(stub.releaseHold(holdId)),
    reseal: (work, cursor) => valueOf(stub.reseal(work, cursor)),
    checkpoint: () => valueOf(stub.checkpoint()),
    treeTile: (path) => valueOf(stub.treeTile(path)),
    entryProof: (call) => valueOf(stub.entryProof(call)),
    fork: () => valueOf(stub.fork()),
    growthProof: (call) => valueOf(stub.growthProof(call)),
    setProof: (wanted, size = null) => valueOf(stub.setProof(wanted, size)),
    person: (identityId) => valueOf(stub.person(identityId)),
    openSealed: (call) => valueOf(stub.openSealed(call)),
    erase: (call) => valueOf(stub.erase(call)),
    promiseErasure: (call) => valueOf(stub.promiseErasure(call)),
    erasure: (id) => valueOf(stub.erasure(id)),
    erasureCertificate: (id) => valueOf(stub.erasureCertificate(id)),
    replayErasures: (call) => valueOf(stub.replayErasures(call)),
    configure: (settings) => valueOf(stub.configure(settings)),
    wake: () => valueOf(stub.wake()),
    closeToClients: () => valueOf(stub.closeToClients()),
    openToClients: () => valueOf(stub.openToClients()),
    stop: (reason) => valueOf(stub.stop(reason)),
    keeping: () => valueOf(stub.keeping()),
    heldFrom: (fromSeq) => valueOf(stub.heldFrom(fromSeq)),
    prune: (call) => valueOf(stub.prune(call)),
    expire: (call) => valueOf(stub.expire(call)),
  };
}

export interface DomainKeeperGate extends DomainKeeperCalls {
  /** The log has grown. False: nobody listens. */
  grew(growth: Growth): Promise<boolean>;
  /** Somebody is erased (src/services/erasure/steps.ts). */
  dropPrivateExports(): Promise<number>;
  /** Runs retention of the entries now. */
  retainSoon(): Promise<void>;
}

export function domainKeeper(env: CellEnv, config: CellConfig, domainId: string): DomainKeeperGate {
  const stub = pinnedStub(env.DOMAIN_KEEPER, config, domainId);
  return {
    verify: (call) => valueOf(stub.verify(call)),
    search: (call) => valueOf(stub.search(call)),
    reveal: (call) => valueOf(stub.reveal(call)),
    scanForHold: (call) => valueOf(stub.scanForHold(call)),
    tail: (call, kind) => askForTail(stub, call, kind),
    grew: (growth) => valueOf(stub.grew(growth)),
    dropPrivateExports: () => valueOf(stub.dropPrivateExports()),
    exports: exportGate((name, args) => stub.exportCall(name, args)),
    restoring: restoreGate((name, args) => stub.restoreCall(name, args)),
    imports: importGate((name, args) => stub.importCall(name, args)),
    evidenceSet: (wanted) => valueOf(stub.evidenceSet(wanted)),
    coldPage: (call) => valueOf(stub.coldPage(call)),
    coldEntry: (call) => valueOf(stub.coldEntry(call)),
    coldFind: (call) => valueOf(stub.coldFind(call)),
    bundle: (call) => valueOf(stub.bundle(call) as Promise<Outcome<BundleAnswer>>),
    indexSoon: () => valueOf(stub.indexSoon()),
    health: () => valueOf(stub.health()),
    checkAnew: (call) => valueOf(stub.checkAnew(call)),
    retainSoon: () => valueOf(stub.retainSoon()),
    catchUp: (call) => valueOf(stub.catchUp(call)),
  };
}

/** By `fetch`, because a WebSocket does not cross RPC. A connection, or an outcome as JSON. */
async function askForTail(stub: Pick<Fetcher, "fetch">, call: TailCall, kind: TailKind): Promise<Response> {
  const headers: Record<string, string> = { [TAIL_CALL_HEADER]: encodeURIComponent(JSON.stringify({ call, kind })) };
  if (kind === "socket") headers.Upgrade = "websocket";
  const asked = stub.fetch("https://keeper/tail", { headers });
  const answer = await valueOf<Response>(asked.then((value) => ({ ok: true, value })));
  if (answer.headers.get("Content-Type") !== "application/json") return answer;
  await valueOf(answer.json<Outcome<never>>());
  throw new AppError("internal", { internal: "a keeper answered neither a connection nor a failure" });
}

/** What the objects of this cell have planned (src/services/dead-man/table.ts). */
export function plannedIn(env: CellEnv, config: CellConfig) {
  return {
    ofLog: (domainId: string) => valueOf(pinnedStub(env.DOMAIN_LOG, config, domainId).tasks()),
    ofKeeper: (domainId: string) => valueOf(pinnedStub(env.DOMAIN_KEEPER, config, domainId).tasks()),
    lastExport: (domainId: string) => valueOf(pinnedStub(env.DOMAIN_KEEPER, config, domainId).lastExport()),
    ofDesk: (tenantId: string) => valueOf(pinnedStub(env.TENANT_DESK, config, tenantId).planned()),
  };
}

/** The objects of a domain, as the deletion of its tenant needs them. */
export function dyingDomain(env: CellEnv, config: CellConfig, domainId: string): DyingDomain {
  const log = pinnedStub(env.DOMAIN_LOG, config, domainId);
  const keeper = pinnedStub(env.DOMAIN_KEEPER, config, domainId);
  return {
    close: () => valueOf(log.closeForDeletion()),
    reopen: () => valueOf(log.reopen()),
    async retire() {
      await valueOf(keeper.closeExports());
      return valueOf(log.retire());
    },
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
    updateTenant: (wanted) => valueOf(stub.updateTenant(wanted)),
    changeTier: (tier, by) => valueOf(stub.changeTier(tier, by)),
    counted: () => valueOf(stub.counted()),
    createDomain: (wanted) => valueOf(stub.createDomain(wanted)),
    changeDomainSettings: (wish) => valueOf(stub.changeDomainSettings(wish)),
    changeEventType: (wish) => valueOf(stub.changeEventType(wish as never) as Promise<Outcome<EventTypeView>>),
    createKey: (wanted) => valueOf(stub.createKey(wanted)),
    revokeKey: (keyId, by) => valueOf(stub.revokeKey(keyId, by)),
    rotateApiKey: (wish) => valueOf(stub.rotateApiKey(wish)),
    keyLeaked: (keyId, host) => valueOf(stub.keyLeaked(keyId, host)),
    createServiceAccount: (wish) => valueOf(stub.createServiceAccount(wish)),
    describeServiceAccount: (id, words, by) => valueOf(stub.describeServiceAccount(id, words, by)),
    removeServiceAccount: (id, by) => valueOf(stub.removeServiceAccount(id, by)),
    rateLimits: () => valueOf(stub.rateLimits()),
    setRateLimits: (wish) => valueOf(stub.setRateLimits(wish)),
    eraseEverywhere: (call) => valueOf(stub.eraseEverywhere(call)),
    placeHold: (wish) => valueOf(stub.placeHold(wish)),
    hold: (holdId) => valueOf(stub.hold(holdId)),
    reviewHold: (holdId, wish) => valueOf(stub.reviewHold(holdId, wish)),
    releaseHold: (holdId, wish) => valueOf(stub.releaseHold(holdId, wish)),
    holds: () => valueOf(stub.holds()),
    requestAccess: (wish) => valueOf(stub.requestAccess(wish)),
    breakGlass: (wish) => valueOf(stub.breakGlass(wish)),
    approveAccess: (id, wish) => valueOf(stub.approveAccess(id, wish)),
    denyAccess: (id, by) => valueOf(stub.denyAccess(id, by)),
    endAccess: (id, by) => valueOf(stub.endAccess(id, by)),
    withdrawAccess: (id, by) => valueOf(stub.withdrawAccess(id, by)),
    access: (id, staffId) => valueOf(stub.access(id, staffId)),
    accesses: (staffId) => valueOf(stub.accesses(staffId)),
    useAccess: (use) => valueOf(stub.useAccess(use)),
    recoverTenant: (wish) => valueOf(stub.recoverTenant(wish)),
    stopRecovery: (by) => valueOf(stub.stopRecovery(by)),
    withdrawRecovery: (by) => valueOf(stub.withdrawRecovery(by)),
    recoveries: () => valueOf(stub.recoveries()),
    keys: () => valueOf(stub.keys()),
    rotateKey: (by) => valueOf(stub.rotateKey(by)),
    wake: () => valueOf(stub.wake()),
    resealSlot: (slot) => valueOf(stub.resealSlot(slot)),
    keyService: () => valueOf(stub.keyService()),
    setKeyService: (config, by) => valueOf(stub.setKeyService(config, by)),
    removeKeyService: (by) => valueOf(stub.removeKeyService(by)),
    keyServiceObserved: (observation) => valueOf(stub.keyServiceObserved(observation)),
    session: (sessionId, memberId) => valueOf(stub.session(sessionId, memberId)),
    memberPermissions: (memberId) => valueOf(stub.memberPermissions(memberId)),
    people: peopleGate((name, args) => stub.people(name, args)),
    factors: factorCallsBy((call) => valueOf(stub.factors(call) as Promise<Outcome<unknown>>)),
    sso: ssoGate((name, args) => stub.signInWith(name, args)),
    retention: retentionGate((name, args) => stub.retain(name, args)),
    resetFactors: (memberId, by, holding) => valueOf(stub.resetFactors(memberId, by, holding)),
    requestDeletion: (wanted) => valueOf(stub.requestDeletion(wanted)),
    deletion: () => valueOf(stub.deletion()),
    continueDeletion: () => valueOf(stub.continueDeletion()),
  };
}

const PEOPLE_CALLS = [
  ...(["invite", "invitations", "withdrawInvitation", "resendInvitation", "acceptInvitation"] as const),
  ...(["people", "updatePerson", "removePerson", "requestLogin", "confirmLogin"] as const),
  ...(["openSession", "sessions", "endSession", "endSessions"] as const),
] satisfies (keyof PeopleCalls)[];

function exportGate(ask: (name: keyof ExportCalls, args: never) => Promise<Outcome<unknown>>): ExportCalls {
  const call = (name: keyof ExportCalls) => [name, (...args: unknown[]) => valueOf(ask(name, args as never))] as const;
  return Object.fromEntries(EXPORT_CALLS.map(call)) as unknown as ExportCalls;
}

function importGate(ask: (name: keyof ImportCalls, args: never) => Promise<Outcome<unknown>>): ImportCalls {
  const call = (name: keyof ImportCalls) => [name, (...args: unknown[]) => valueOf(ask(name, args as never))] as const;
  return Object.fromEntries(IMPORT_CALLS.map(call)) as unknown as ImportCalls;
}

function restoreGate(ask: (name: keyof RestoreCalls, args: never) => Promise<Outcome<unknown>>): RestoreCalls {
  const call = (name: keyof RestoreCalls) => [name, (...args: unknown[]) => valueOf(ask(name, args as never))] as const;
  return Object.fromEntries(RESTORE_CALLS.map(call)) as unknown as RestoreCalls;
}

/** The object of a log, as a restore needs it. */
export function restoringLog(env: CellEnv, config: CellConfig, domainId: string): LogRestoreCalls {
  const stub = pinnedStub(env.DOMAIN_LOG, config, domainId);
  const call = (name: keyof LogRestoreCalls) =>
    [name, (...args: unknown[]) => valueOf(stub.restoreCall(name, args as never))] as const;
  return Object.fromEntries(LOG_RESTORE_CALLS.map(call)) as unknown as LogRestoreCalls;
}

function retentionGate(ask: (name: keyof RetentionCalls, args: never) => Promise<Outcome<unknown>>): RetentionCalls {
  const call = (name: keyof RetentionCalls) =>
    [name, (...args: unknown[]) => valueOf(ask(name, args as never))] as const;
  return Object.fromEntries(RETENTION_CALLS.map(call)) as unknown as RetentionCalls;
}

function ssoGate(ask: (name: keyof SsoCalls, args: never) => Promise<Outcome<unknown>>): SsoCalls {
  const call = (name: keyof SsoCalls) => [name, (...args: unknown[]) => valueOf(ask(name, args as never))] as const;
  return Object.fromEntries(SSO_CALLS.map(call)) as unknown as SsoCalls;
}

/** Everything about the people of one object goes through one call of it. */
export function peopleGate(ask: (name: keyof PeopleCalls, args: never) => Promise<Outcome<unknown>>): PeopleCalls {
  const calls = PEOPLE_CALLS.map((name) => [name, (...args: unknown[]) => valueOf(ask(name, args as never))]);
  return Object.fromEntries(calls);
}

export function cellDesk(env: CellEnv, config: CellConfig) {
  const stub = pinnedStub(env.CELL_DESK, config, CELL_DESK_NAME);
  return {
    ensurePlatform: () => valueOf(stub.ensurePlatform()),
    /** Whether the blind key of an address is of this one of the operator's people. */
    isStaffAddress: (lookup: string, staffId: string) => valueOf(stub.isStaffAddress(lookup, staffId)),
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
    setMailIndex: (tenantId: string, revision: number, lookups: string[]) =>
      valueOf(stub.setMailIndex(tenantId, revision, lookups)),
    countInvitation: (lookup: string, tenantId: string) => valueOf(stub.countInvitation(lookup, tenantId)),
    requestLogin: (wish: AskedLogin) => valueOf(stub.requestLogin(wish)),
    knowBrowser: (lookup: string, browserHash: string) => valueOf(stub.knowBrowser(lookup, browserHash)),
    addDevice: (deviceHash: string, userCode: string, device: string) =>
      valueOf(stub.addDevice(deviceHash, userCode, device)),
    waitingDevice: (userCode: string, sessionId: string) => valueOf(stub.waitingDevice(userCode, sessionId)),
    decideDevice: (userCode: string, by: Approver | null) => valueOf(stub.decideDevice(userCode, by)),
    pollDevice: (deviceHash: string) => valueOf(stub.pollDevice(deviceHash)),
    keepMail: (mail: Mail) => valueOf(stub.keepMail(mail)),
    outbox: () => valueOf(stub.outbox()),
    staffSession: (sessionId: string, staffId: string) =>
      valueOf(stub.staffSession(sessionId, staffId) as Promise<Outcome<SessionPrincipal | null>>),
    staffPeople: peopleGate((name, args) => stub.staffPeople(name, args)),
    staff: {
      factors: factorCallsBy((call) => valueOf(stub.staffFactors(call) as Promise<Outcome<unknown>>)),
      resetFactors: (staffId: string, by: AskedBy) => valueOf(stub.resetStaffFactors(staffId, by)),
      login: (wish: PasswordLogin) => valueOf(stub.staffLogin(wish)),
      setPassword: (asker: FactorAsker, password: string) => valueOf(stub.setStaffPassword(asker, password)),
    },
    resealStaff: (slot: "contact" | "totp_secrets", version: number) => valueOf(stub.resealStaff(slot, version)),
    observedJurisdiction: () => stub.observedJurisdiction(),
    monitoring: monitoringGate((name, args) => stub.monitor(name, args)),
  };
}

function monitoringGate(ask: (name: keyof MonitoringCalls, args: never) => Promise<Outcome<unknown>>): MonitoringCalls {
  const call = (name: keyof MonitoringCalls) =>
    [name, (...args: unknown[]) => valueOf(ask(name, args as never))] as const;
  return Object.fromEntries(MONITORING_CALLS.map(call)) as unknown as MonitoringCalls;
}

/** What counts for a tenant; or, by a name of its own, for those who show no credential. */
export function rateDesk(env: CellEnv, config: CellConfig, name: string): RateDeskCalls {
  const stub = pinnedStub(env.RATE_DESK, config, name);
  return {
    lease: (call) => valueOf(stub.lease(call)),
    leaseForAsker: (call) => valueOf(stub.leaseForAsker(call)),
    setLimits: (version, settings) => valueOf(stub.setLimits(version, settings)),
    lastUses: () => valueOf(stub.lastUses()),
    countTails: (domainId, listening) => valueOf(stub.countTails(domainId, listening)),
    empty: () => valueOf(stub.empty()),
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

/** Commits an entry of the product's own. `idempotencyKey` null: a second call is a second entry. */
export async function recordInLog(
  env: CellEnv,
  config: CellConfig,
  domainId: string,
  event: ProductEvent,
  idempotencyKey: string | null = null,
): Promise<void> {
  const body = JSON.stringify(event);
  const call = { body, form: "json" as const, scope: PRODUCT_SCOPE, idempotencyKey, waitForCopy: false };
  await domainLog(env, config, domainId).append(call);
}

/** The logs of this cell, as the tenancy jobs need them. */
export function logGate(env: CellEnv, config: CellConfig): LogGate {
  return {
    async create({ id: domainId, tenantId, kind, segmentEntries }) {
      await domainLog(env, config, domainId).create({ domainId, tenantId, kind, segmentEntries });
    },
    configure: (domainId, settings) => domainLog(env, config, domainId).configure(settings),
    promiseErasure: (domainId, call) => domainLog(env, config, domainId).promiseErasure(call),
    erase: (domainId, call) => domainLog(env, config, domainId).erase(call),
    record: (domainId, event, idempotencyKey) => recordInLog(env, config, domainId, event, idempotencyKey),
  };
}
