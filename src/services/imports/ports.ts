/** What an import is made with, of one domain. */
import type { ProductEvent } from "../../core/actions/product.ts";
import type { Platform } from "../../verifier/report.ts";
import type { TrustedKey } from "../../verifier/trusted-key.ts";
import type { ReadRow } from "../log/read-through.ts";
import type { Clock, ImportStore } from "../ports.ts";
import type { ImportStatus, ImportView, ImportWish } from "./calls.ts";

/** A file of the archive: where its bytes lie in it. */
export interface PlacedFile {
  name: string;
  start: number;
  bytes: number;
  /** As the signed manifest lists it, lower-case hex. */
  sha256: string;
}

/** One group of entries: its lines, and its values in clear where some came along. */
export interface ImportGroup {
  firstSeq: number;
  /** Of the entry before its first one. */
  prevHash: string;
  lines: PlacedFile;
  disclosures: PlacedFile | null;
}

export interface ImportPlan {
  from: NonNullable<ImportView["from"]>;
  total: number;
  values: NonNullable<ImportView["values"]>;
  groups: ImportGroup[];
  /** Files that are kept as evidence, with their places. */
  evidence: PlacedFile[];
}

export interface ImportRecord {
  wish: ImportWish;
  status: ImportStatus;
  phase: "check" | "keep" | "entries" | "end";
  startedAtMs: number;
  finishedAtMs: number | null;
  plan: ImportPlan | null;
  /** The old seq that is next. */
  next: number;
  refusal: ImportView["refusal"];
}

/** Of one domain: there is one import, or none. */
export interface ImportBook {
  get(): ImportRecord | null;
  put(record: ImportRecord): void;
}

export interface ImportDeps {
  domainId: string;
  book: ImportBook;
  store: ImportStore;
  log: {
    size(): Promise<number>;
    /** Clients' events are refused from then on; resolves to the log's size once none of them is under way. */
    closeToClients(): Promise<number>;
    openToClients(): Promise<void>;
    /** NDJSON, committed once however often it is called with one key. */
    append(body: string, idempotencyKey: string): Promise<void>;
  };
  /** The log's own entries [0, size), from wherever they are. */
  ownRows(size: number): Promise<ReadRow[]>;
  record(event: ProductEvent, idempotencyKey: string): Promise<void>;
  /** Every key that may have signed a log of this cell; null: the origin is none of this cell's. */
  keysHere(origin: string): readonly TrustedKey[] | null;
  platform: Platform;
  clock: Clock;
}
