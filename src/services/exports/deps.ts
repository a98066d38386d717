import type { ProductEvent } from "../../core/actions/product.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { ShardRange } from "../../core/shards.ts";
import type { DocumentSigner } from "../../crypto/document-signer.ts";
import type { NoteSigner } from "../../crypto/signer.ts";
import type { SetProver } from "../log/evidence-set.ts";
import type { LogTreeCalls } from "../log/tree-calls.ts";
import type { Clock, ExportStore, RandomBytes } from "../ports.ts";
import type { ExportReveal } from "./disclosures.ts";
import type { ExportBook } from "./ports.ts";
import type { ExportPlaces } from "./read-group.ts";

/** How much is done and held at a time. */
export interface ExportBounds {
  /** Of one group. */
  entries: number;
  payloadBytes: number;
  /** Looked through in one step. */
  scanEntries: number;
  /** Of one part of the upload. */
  partBytes: number;
}

export const EXPORT_BOUNDS: ExportBounds = {
  entries: LIMITS.exportGroupEntries,
  payloadBytes: LIMITS.exportGroupBytes,
  scanEntries: LIMITS.exportScanEntries,
  partBytes: LIMITS.exportPartBytes,
};

/** What an export is made with, of one domain. */
export interface ExportDeps {
  bounds: ExportBounds;
  domainId: string;
  log: SetProver & Pick<LogTreeCalls, "entryProof"> & { head(): Promise<{ size: number; firstKept: number }> };
  /** Where the rows lie, with the copy as up to date as it can be brought when an export begins. */
  shards(): Promise<ShardRange[]>;
  places(ranges: readonly ShardRange[]): ExportPlaces;
  /** Evidence for the entry that says that everything before `firstKept` is gone by policy (src/services/log/expired-proof.ts). */
  expiredProof(firstKept: number): Promise<string | null>;
  /** For exports with private values. */
  reveal(ranges: readonly ShardRange[]): ExportReveal;
  book: ExportBook;
  store: ExportStore;
  /** Appends once, however often it is called with the same key. */
  record(domainId: string, event: ProductEvent, idempotencyKey: string): Promise<void>;
  /** Named like the log's origin. */
  signer: NoteSigner;
  /** Null: no PDF is made. */
  documents: DocumentSigner | null;
  policy(): object;
  script: string;
  page: string;
  madeBy: string;
  sha256: Sha256;
  clock: Clock;
  random: RandomBytes;
  newLinkId(): string;
  /** Whether a legal hold keeps the tenant's exports. Throws `storage.unavailable` while it is not known: then nothing goes. */
  held(): Promise<boolean>;
}
