/** What a restore keeps, and what it works with. */
import type { Jurisdiction } from "../../core/ids.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { ShardRange } from "../../core/shards.ts";
import type {
  Clock,
  ControlStore,
  ErasablePages,
  LedgerPack,
  LedgerStore,
  SealedPageStore,
  SegmentStore,
  TreeMirror,
} from "../ports.ts";
import type { RestoreRefusal, RestoreView, RestoreWish } from "./calls.ts";
import type { LogRestoreCalls } from "./log-calls.ts";

/** Pages of sealed rows, and which there are. */
export type SealedPages = Pick<SealedPageStore, "get"> & Pick<ErasablePages, "list">;

/** In the keeper's storage; replaced as a whole after each step. */
export interface RestoreRecord extends RestoreView {
  wish: RestoreWish;
  /** Entry hash of the entry before `seq`, lower-case hex; null: what is read first says it, and its leaf proves it. */
  prevHash: string | null;
  /** Comparing is here. */
  compareSeq: number;
  /** Entry hash before that; null: what is read first says it. */
  comparePrevHash: string | null;
}

/** Throws `storage.unavailable`. */
export interface RestoreDeps {
  domainId: string;
  jurisdiction: Jurisdiction;
  log: LogRestoreCalls;
  /** Brings what waits in the object to D1. */
  flush(): Promise<ShardRange[]>;
  ledger: (ranges: readonly ShardRange[]) => LedgerStore & LedgerPack;
  segments: SegmentStore;
  sealedPages: SealedPages;
  mirror: Pick<TreeMirror, "checkpoint" | "tile">;
  control: Pick<ControlStore, "tenant" | "domain" | "shards" | "addTenant" | "addDomain">;
  /** The tenant is being deleted, or was. */
  isDeleted(tenantId: string): Promise<boolean>;
  /** The genesis value that the tenant's root gives; null: the root is lost. */
  genesisOf(tenantId: string): Promise<string | null>;
  /** The note is signed by this cell's log key for this log. */
  isOurs(note: string): boolean;
  rebuildIndex(): Promise<void>;
  /** An entry of the platform's log, once for each key. */
  tell(action: "log.restore_started" | "log.restored" | "log.restore_refused", record: RestoreRecord): Promise<void>;
  sha256: Sha256;
  clock: Clock;
}

/** Ends a restore: nothing more is done until somebody asks again. */
export class RestoreRefused extends Error {
  override readonly name = "RestoreRefused";
  readonly code: RestoreRefusal;
  readonly seq: number | null;

  constructor(code: RestoreRefusal, seq: number | null = null) {
    super(code);
    this.code = code;
    this.seq = seq;
  }
}
