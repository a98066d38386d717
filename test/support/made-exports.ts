/** Exports of a small log, made by the product's own steps without a cell: book and bucket are maps. Runs in Node. */
import { concatBytes, toHex } from "../../src/core/bytes.ts";
import { proveInclusion } from "../../src/core/merkle/inclusion.ts";
import type { DocumentSigner } from "../../src/crypto/document-signer.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { VERIFY_PAGE } from "../../src/services/bundle/verify-page.ts";
import { VERIFY_SCRIPT } from "../../src/services/bundle/verify-script.ts";
import type { ExportWish } from "../../src/services/exports/calls.ts";
import { EXPORT_BOUNDS, type ExportBounds, type ExportDeps } from "../../src/services/exports/deps.ts";
import type { ExportReveal } from "../../src/services/exports/disclosures.ts";
import type { ExportBook, ExportRecord, ListedFile } from "../../src/services/exports/ports.ts";
import { exportStep } from "../../src/services/exports/step.ts";
import type { ReadRow } from "../../src/services/log/read-through.ts";
import type { ExportStore } from "../../src/services/ports.ts";
import { type ProvedLog, policyJson } from "../verifier/proved-log.ts";

export interface MadeFrom {
  /** What stood before is gone by policy, and the evidence that says so. */
  firstKept?: number;
  expired?: string | null;
  log: ProvedLog;
  wish?: Partial<ExportWish>;
  bounds?: Partial<ExportBounds>;
  policy?: object;
  reveal?: ExportReveal;
  documents?: DocumentSigner | null;
}

const NOTHING_SEALED: ExportReveal = {
  log: { openSealed: async () => ({ privates: [], mappings: [], erased: [] }) },
  sealedRows: { privateSizes: async () => [], privateRows: async () => [] },
};

export async function madeExport({
  log,
  wish = {},
  bounds = {},
  policy = policyJson(),
  reveal = NOTHING_SEALED,
  documents = null,
  firstKept = 0,
  expired = null,
}: MadeFrom): Promise<Uint8Array> {
  const book = new MapBook();
  const store = new MapStore();
  const rows = (fromSeq: number, toSeq: number, limit: number) =>
    log.rows.filter(({ seq }) => seq >= fromSeq && seq <= toSeq).slice(0, limit);
  const checkpoint = { size: log.rows.length, root: toHex(log.root()), note: log.checkpoint(), signedAt: "" };
  const deps: ExportDeps = {
    bounds: { ...EXPORT_BOUNDS, ...bounds },
    domainId: log.origin.slice(log.origin.indexOf("/") + 1),
    log: {
      head: async () => ({ size: log.rows.length, firstKept }),
      flush: async () => [],
      setProof: async (wanted) => {
        const { hashes } =
          wanted.kind === "range" ? log.rangeSet(wanted.from, wanted.to).proof : log.selectionSet(wanted.seqs).proof;
        return { hashes, checkpoint };
      },
      entryProof: async ({ seq }) => ({ hashes: proveInclusion(sha256, seq, log.rows.length, log.read), checkpoint }),
    },
    shards: async () => [],
    places: () => ({
      ledger: {
        rows: async ({ fromSeq, toSeq, limit }) => rows(fromSeq, toSeq, limit),
        lines: async ({ fromSeq, toSeq, limit }) => {
          const found = rows(fromSeq, toSeq, limit);
          const text = found.map(({ payload }) => payload).join("\n");
          return { count: found.length, text, entryHash: found.at(-1)?.entryHash ?? "" };
        },
      },
      segments: { get: async () => null, list: async () => [] },
      waiting: async () => [],
      sha256,
    }),
    ...{ book, store, signer: log.signer, documents, policy: () => policy, script: VERIFY_SCRIPT, page: VERIFY_PAGE },
    ...{
      madeBy: "moonseal 0.1.0",
      sha256,
      clock: () => Date.UTC(2026, 10, 21, 12),
      newLinkId: () => "",
      held: async () => false,
    },
    expiredProof: async () => expired,
    reveal: () => reveal,
    record: async () => {},
    random: (byteLength) => new Uint8Array(byteLength),
  };
  let record: ExportRecord = recordOf(wish);
  book.add(record);
  while (record.status !== "done") record = await exportStep(record, deps);
  return store.file as Uint8Array;
}

const recordOf = (wish: Partial<ExportWish>): ExportRecord => ({
  wish: {
    ...{
      id: "exp_eu_01jegc8qvyfgx9tmvc3w70yjrh",
      by: { type: "service", id: "test" },
      from: 0,
      to: null,
      filter: null,
    },
    ...{ filterText: null, formats: ["ndjson", "json", "csv"], lifeS: 60, recordIn: "", isPrivate: false },
    ...wish,
  },
  ...{
    createdAtMs: 0,
    version: 1,
    status: "queued",
    phase: "begin",
    plan: null,
    uploadId: null,
    next: 0,
    lastHash: "",
  },
  ...{ entries: 0, bytes: 0, parts: 0, failures: 0, restarts: 0, dueMs: 0, finishedAtMs: null, expiresAtMs: null },
  ...{ failure: null, revokedBy: null, told: [], deleted: 0, values: 0 },
});

/** Of one export. Stricter than the contract: a commit of any other version than the next throws. */
class MapBook implements ExportBook {
  #record: ExportRecord | null = null;
  readonly #files: ListedFile[] = [];
  readonly #parts: { number: number; etag: string }[] = [];
  #tail: Uint8Array = new Uint8Array();
  #pending: ReadRow[] = [];

  add(record: ExportRecord): boolean {
    this.#record = record;
    return true;
  }
  get = () => this.#record;
  all = () => (this.#record ? [this.#record] : []);
  commit(...[record, added]: Parameters<ExportBook["commit"]>): boolean {
    if (record.version !== (this.#record?.version ?? 0) + 1) throw new Error("a step was lost");
    this.#record = structuredClone(record);
    if (!added) return true;
    this.#files.push(...added.files);
    this.#parts.push(...added.parts);
    if (added.tail) this.#tail = added.tail.slice();
    if (added.pending) this.#pending = [...added.pending];
    return true;
  }
  restart(): boolean {
    throw new Error("nothing begins anew here");
  }
  tail = () => this.#tail;
  pending = () => this.#pending;
  files = () => this.#files;
  parts = () => this.#parts;
  forget(): void {}
  addLink(): void {}
  links = () => [];
  linkOf = () => null;
  changeLink(): void {}
}

/** R2's rule: all parts but the last have one size. */
class MapStore implements ExportStore {
  file: Uint8Array | null = null;
  readonly #parts = new Map<number, Uint8Array>();

  begin = async () => "upload";
  async putPart(_: string, __: string, number: number, bytes: Uint8Array): Promise<string> {
    this.#parts.set(number, bytes.slice());
    return toHex(sha256(bytes));
  }
  async complete(_: string, __: string, named: readonly { number: number }[]): Promise<boolean> {
    const parts = named.map(({ number }) => this.#parts.get(number) as Uint8Array);
    if (new Set(parts.slice(0, -1).map(({ length }) => length)).size > 1) throw new Error("parts differ in size");
    this.file = concatBytes(...parts);
    return true;
  }
  size = async () => this.file?.length ?? null;
  async abort(): Promise<void> {}
  async delete(): Promise<void> {}
}
