/** The self-check of a domain, wired to the objects and stores of its cell. */
import { settingsOf } from "../src/core/domain-settings.ts";
import { isAppError } from "../src/core/errors.ts";
import { platformDomainId } from "../src/core/ids.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import { verifyEd25519 } from "../src/crypto/verify.ts";
import type { CellEnv } from "../src/env.ts";
import { type CellConfig, cellConfig } from "../src/services/cell-config.ts";
import type { CheckedLog, SelfCheckDeps, Surroundings } from "../src/services/self-check/deps.ts";
import { jurisdictionFaults, keyFaults } from "../src/services/self-check/places.ts";
import { witnessesOf } from "../src/services/witness/config.ts";
import { logKeysOf } from "../src/services/witness/log-keys.ts";
import { D1ControlStore } from "../src/storage/control-store.ts";
import { controlTimeMs } from "../src/storage/retained-rejected.ts";
import { R2RootStore } from "../src/storage/root-store.ts";
import { R2SegmentStore } from "../src/storage/segment-store.ts";
import { R2SubjectPageStore } from "../src/storage/subject-page-store.ts";
import { R2TenantKeyStore } from "../src/storage/tenant-key-store.ts";
import { R2TreeMirror } from "../src/storage/tree-mirror.ts";
import { KvCheckBook } from "./domain-keeper/check-book.ts";
import { CheckRoom } from "./domain-keeper/check-room.ts";
import { ledgerAt } from "./domain-log/stores.ts";
import { witnessExchange } from "./domain-log/witness-exchange.ts";
import { cellDesk, domainLog, logGate, restoringLog } from "./gates.ts";

/** `plan`: has the room's `turn` called. Nothing is asked or stored before. */
export function checkRoom(ctx: DurableObjectState, env: CellEnv, plan: (atMs: number) => void): CheckRoom {
  const book = new KvCheckBook(ctx.storage);
  return new CheckRoom({ book, plan, deps: () => checkDeps(ctx, env, book) });
}

function checkDeps(ctx: DurableObjectState, env: CellEnv, book: KvCheckBook): SelfCheckDeps {
  const config = cellConfig(env);
  const domainId = ctx.id.name ?? "";
  const origin = `${config.logHost}/${domainId}`;
  const control = new D1ControlStore(env.CONTROL);
  return {
    domainId,
    origin,
    book,
    log: checkedLog(env, config, domainId),
    ledger: ({ shards, firstHot }) => ledgerAt(env, domainId, shards, firstHot),
    segments: new R2SegmentStore(env.LOG, domainId),
    mirror: new R2TreeMirror(env.LOG, domainId),
    witnesses: witnessesOf(config.witnesses, origin),
    exchange: witnessExchange(),
    logKeys: logKeysOf(sha256, config.signer.named(origin), config.retiredKeys),
    verify: verifyEd25519,
    surroundings: surroundings(ctx, env, config, domainId),
    onViolation: async () => settingsOf((await control.domain(domainId)) ?? { settings: {} }).on_violation,
    alerts: cellDesk(env, config).monitoring,
    record: (event, key) => recordOnPlatform(env, config, domainId, event, key),
    sha256,
    clock: Date.now,
    random: Math.random,
    intervalMs: config.selfCheckIntervalMs,
    backlogBytes: config.backlogBytes,
  };
}

function checkedLog(env: CellEnv, config: CellConfig, domainId: string): CheckedLog {
  const { head, checkpoint, treeTile, entryProof, growthProof, stop } = domainLog(env, config, domainId);
  const compareAgain = () => restoringLog(env, config, domainId).compareAgain({ eraseAgain: false });
  return { head, checkpoint, treeTile, entryProof, growthProof, stop, compareAgain };
}

function surroundings(ctx: DurableObjectState, env: CellEnv, config: CellConfig, domainId: string): Surroundings {
  const control = new D1ControlStore(env.CONTROL);
  return {
    databaseMs: () => controlTimeMs(env.CONTROL),
    archiveWrittenMs: () => new R2TreeMirror(env.LOG, domainId).checkpointWrittenMs(),
    keyFaults: async () => {
      const roots = new R2RootStore(env.KEYS);
      const [tenantKeys, subjectPages] = [new R2TenantKeyStore(env.KEYS), new R2SubjectPageStore(env.KEYS)];
      return keyFaults((await control.domain(domainId))?.tenantId ?? null, domainId, {
        roots,
        tenantKeys,
        subjectPages,
      });
    },
    jurisdictionFaults: () =>
      jurisdictionFaults(domainId, config, ctx.id.jurisdiction ?? null, () => control.provisioned()),
  };
}

/** The platform's log cannot append to itself once it is stopped: its head and the alert say it. */
async function recordOnPlatform(
  env: CellEnv,
  config: CellConfig,
  domainId: string,
  event: Parameters<SelfCheckDeps["record"]>[0],
  key: string,
): Promise<void> {
  const platform = platformDomainId(config.jurisdiction);
  try {
    await cellDesk(env, config).ensurePlatform();
    await logGate(env, config).record(platform, event, key);
  } catch (error) {
    if (domainId !== platform || !isAppError(error) || error.code !== "domain.stopped") throw error;
  }
}
