/** The stores of one domain, wired to the cell's bindings. */
import { AppError } from "../../src/core/errors.ts";
import type { ShardGauge, ShardRange } from "../../src/core/shards.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import type { CellEnv } from "../../src/env.ts";
import type {
  Clock,
  EntryIndex,
  EntryRow,
  ErasablePages,
  ErasableRows,
  HoldMirror,
  IndexShard,
  LedgerHashes,
  LedgerStore,
  ResealLedger,
  RootStore,
  SealedPageStore,
  SealedStore,
  SegmentStore,
  SubjectPageStore,
  TenantKeyStore,
  TenantSweep,
  TreeMirror,
} from "../../src/services/ports.ts";
import { bookmarksSeen } from "../../src/storage/bookmark-store.ts";
import { D1ControlStore } from "../../src/storage/control-store.ts";
import { D1EntryIndex } from "../../src/storage/entry-index.ts";
import { EntryIndexShard } from "../../src/storage/entry-index-shard.ts";
import { entriesWithAction } from "../../src/storage/erased-entries.ts";
import { D1HoldMirror } from "../../src/storage/hold-mirror.ts";
import { D1IndexShard } from "../../src/storage/index-writer.ts";
import { D1LedgerHashes } from "../../src/storage/ledger-hashes.ts";
import { D1LedgerStore } from "../../src/storage/ledger-store.ts";
import { D1ResealLedger } from "../../src/storage/reseal-ledger.ts";
import { R2RootStore } from "../../src/storage/root-store.ts";
import { R2SealedPageStore } from "../../src/storage/sealed-page-store.ts";
import { D1SealedStore } from "../../src/storage/sealed-store.ts";
import { R2SegmentStore } from "../../src/storage/segment-store.ts";
import { ShardedLedger } from "../../src/storage/sharded-ledger.ts";
import { R2SubjectPageStore } from "../../src/storage/subject-page-store.ts";
import { R2TenantKeyStore } from "../../src/storage/tenant-key-store.ts";
import { CellTenantSweep } from "../../src/storage/tenant-sweep.ts";
import { R2TreeMirror } from "../../src/storage/tree-mirror.ts";
import { entriesOf } from "../../src/storage/usage-store.ts";

export interface DomainStores {
  ledger: LedgerStore;
  segments: SegmentStore;
  /** What is sealed beside the entries, in the ledger. */
  sealedRows: SealedStore & ErasableRows;
  /** Sealed rows beside the segments. */
  sealedPages: SealedPageStore & ErasablePages;
  /** Legal holds, in the ledger. */
  holdMirror: HoldMirror;
  /** Sealed values of the ledger, for sealing them anew. */
  resealLedger: ResealLedger;
  ledgerHashes: LedgerHashes;
  treeMirror: TreeMirror;
  /** Entries of one action. */
  entriesWithAction: (action: string, range: { fromSeq: number; toSeq: number }) => Promise<EntryRow[]>;
  roots: RootStore;
  /** Keys of the tenant, and of the subjects of this domain. */
  tenantKeys: TenantKeyStore;
  subjectPages: SubjectPageStore;
  clock: Clock;
  /** Size of a shard as it was after the last insert; null: nothing was inserted since the start. Bytes. */
  lastSize: (shard: string) => number | null;
  gauges: () => Promise<ShardGauge[]>;
  /** Tells the control database where the domain's rows are. Idempotent. */
  mirrorShards: (ranges: readonly ShardRange[]) => Promise<void>;
}

export function domainStores(
  env: CellEnv,
  domainId: string,
  ranges: () => readonly ShardRange[],
  firstHot: () => number,
): DomainStores {
  const open = shardOpener(env, domainId);
  return {
    ledger: new ShardedLedger(ranges, open, firstHot),
    segments: new R2SegmentStore(env.LOG, domainId),
    sealedRows: sealedRowsAt(env, domainId, ranges),
    sealedPages: new R2SealedPageStore(env.LOG, domainId),
    holdMirror: new D1HoldMirror(() => shardsOf(env, ranges), domainId),
    resealLedger: new D1ResealLedger(
      () => ranges().map(({ shard }) => shard),
      (shard) => ledgerShard(env, shard),
      domainId,
    ),
    ledgerHashes: new D1LedgerHashes(() => shardsOf(env, ranges), domainId),
    treeMirror: new R2TreeMirror(env.LOG, domainId),
    entriesWithAction: (action, range) => {
      const shards = [...new Set(ranges().map(({ shard }) => shard))].map((shard) => ledgerShard(env, shard));
      return entriesWithAction(shards, domainId, action, range);
    },
    roots: new R2RootStore(env.KEYS),
    tenantKeys: new R2TenantKeyStore(env.KEYS),
    subjectPages: new R2SubjectPageStore(env.KEYS),
    clock: Date.now,
    lastSize: (shard) => open(shard).lastSize,
    gauges: () => shardGauges(env),
    mirrorShards: (ranges) => new D1ControlStore(env.CONTROL).putShards(domainId, ranges),
  };
}

/** A domain's store in each shard, made once. */
function shardOpener(env: CellEnv, domainId: string): (shard: string) => D1LedgerStore {
  const open = new Map<string, D1LedgerStore>();
  return (shard) => {
    const store = open.get(shard) ?? new D1LedgerStore(ledgerShard(env, shard), domainId);
    open.set(shard, store);
    return store;
  };
}

/** The ledger of a domain for whoever knows where its rows are. `firstHot`: for its `tip`, where rows before it were pruned. */
export function ledgerAt(env: CellEnv, domainId: string, ranges: readonly ShardRange[], firstHot = 0): ShardedLedger {
  return new ShardedLedger(
    () => ranges,
    shardOpener(env, domainId),
    () => firstHot,
  );
}

/** What a domain's entries are found by, for whoever knows where its rows are. `behind`: entries are copied and not indexed. */
export function entryIndexAt(
  env: CellEnv,
  domainId: string,
  ranges: readonly ShardRange[],
  behind?: () => void,
): EntryIndex {
  const open = (shard: string) => new EntryIndexShard(shard, ledgerShard(env, shard), domainId, sha256);
  return new D1EntryIndex(ranges, open, behind);
}

export function indexShardAt(env: CellEnv, domainId: string, shard: string): IndexShard {
  return new D1IndexShard(ledgerShard(env, shard), domainId);
}

/** How many entries these domains have, wherever their rows lie. */
export function entriesInCopy(env: CellEnv, domainIds: readonly string[]): Promise<number> {
  return entriesOf(
    shardNames(env).map((shard) => ledgerShard(env, shard)),
    domainIds,
  );
}

/** A domain's archive. */
export const segmentsAt = (env: CellEnv, domainId: string): SegmentStore => new R2SegmentStore(env.LOG, domainId);
/** What is sealed beside it. */
export const sealedPagesAt = (env: CellEnv, domainId: string): SealedPageStore =>
  new R2SealedPageStore(env.LOG, domainId);

export function sealedRowsAt(env: CellEnv, domainId: string, ranges: () => readonly ShardRange[]): D1SealedStore {
  return new D1SealedStore(() => shardsOf(env, ranges), domainId);
}

function shardsOf(env: CellEnv, ranges: () => readonly ShardRange[]): D1Database[] {
  return [...new Set(ranges().map(({ shard }) => shard))].map((shard) => ledgerShard(env, shard));
}

/** Everything about one tenant in the stores of this cell. */
export function tenantSweep(env: CellEnv): TenantSweep {
  const shards = Object.fromEntries(shardNames(env).map((shard) => [shard, ledgerShard(env, shard)]));
  return new CellTenantSweep({ control: env.CONTROL, shards, log: env.LOG, keys: env.KEYS });
}

export const shardNames = (env: CellEnv) =>
  Object.keys(env)
    .filter((name) => SHARD.test(name))
    .sort();

/** The present size of every shard of this cell. */
/** Bookmarks that the operator took down. Throws `storage.unavailable`. */
export const bookmarks = (env: CellEnv) => bookmarksSeen(env.CONTROL);

export function shardGauges(env: CellEnv): Promise<ShardGauge[]> {
  return Promise.all(
    shardNames(env).map(async (shard) => {
      const { meta } = await ledgerShard(env, shard).prepare("SELECT 1").run();
      return { shard, bytes: meta.size_after };
    }),
  );
}

const SHARD = /^LEDGER_\d\d$/;

/** The database of a shard by its binding's name. A shard without a binding is a deployment fault. */
export function ledgerShard(env: CellEnv, shard: string): D1Database {
  const database = (env as unknown as Record<string, unknown>)[shard];
  if (!SHARD.test(shard) || !database) {
    throw new AppError("internal", { internal: `no binding for the ledger shard ${shard}` });
  }
  return database as D1Database;
}
