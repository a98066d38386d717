/**
 * What the object of a log does for a restore (src/services/restore): a log that lives tells its leaves and lets the restore copy; one
 * that was lost is made anew out of its archive, to be read and verified.
 *
 * A log that is made anew takes no entries, ever: what it had committed and not archived yet is lost, receipts about that were given
 * out, and witnesses may have seen it. Going on would be another history under the same name.
 */
import { equalBytes, fromHex, toHex } from "../../src/core/bytes.ts";
import { parseCheckpointNote } from "../../src/core/checkpoint.ts";
import { AppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { checkConsistency } from "../../src/core/merkle/consistency.ts";
import { TILE_WIDTH } from "../../src/core/merkle/tiles.ts";
import { leafHash } from "../../src/core/merkle/tree.ts";
import type { Note } from "../../src/core/note.ts";
import { HASH_BYTES } from "../../src/core/sha256.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { Divergence } from "../../src/services/log/divergence.ts";
import { extendTree, rootAt } from "../../src/services/log/tree.ts";
import type { LogPosition } from "../../src/services/ports.ts";
import type { AdoptedPage, KnownLog, LogRestoreCalls } from "../../src/services/restore/log-calls.ts";
import type { Copies } from "./copies.ts";
import type { DomainTree } from "./domain-tree.ts";
import type { SqliteJournal } from "./journal.ts";

const ADOPTED = "adopted";
/** Why the log takes nothing; an append is told so. */
export const ADOPTED_REASON = "the log was restored from its archive after its object was lost: it is read only";

export interface AdoptionContext {
  storage: DurableObjectStorage;
  domainId: string;
  journal: SqliteJournal;
  tree: DomainTree;
  copies: Copies;
  /** By a key of the log, one of now or of earlier. */
  isSigned: (note: Note) => boolean;
  /** A copy contradicts the object. */
  stop: (reason: string) => void;
  /** Whom D1 has brought back is erased again. */
  ledgerSetBack: () => void;
}

export class Adoption implements LogRestoreCalls {
  readonly #context: AdoptionContext;
  #isAdopted: boolean;

  constructor(context: AdoptionContext) {
    this.#context = context;
    this.#isAdopted = context.storage.kv.get<boolean>(ADOPTED) ?? false;
  }

  /** The object was made anew: there is nothing that it could be compared with. */
  get isAdopted(): boolean {
    return this.#isAdopted;
  }

  async known(): Promise<KnownLog> {
    const { journal, tree, copies } = this.#context;
    if (!journal.identity()) {
      const nothing = { size: 0, treeSize: 0, entryHash: "", archivedSize: 0, archiveDueMs: null };
      return { state: "lost", ...nothing, firstHot: 0, hotPrevHash: "", firstKept: 0, shards: [] };
    }
    const { size, entryHash } = journal.head();
    const state = this.#isAdopted ? "adopted" : "living";
    return {
      state,
      size,
      treeSize: tree.size,
      entryHash,
      archivedSize: journal.archived().size,
      archiveDueMs: this.#isAdopted ? null : copies.archiveDueAtMs,
      ...journal.keptFrom(),
      shards: journal.shards(),
    };
  }

  /** One transaction: mark, identity, stop. */
  async adopt({ identity, shards, kept }: Parameters<LogRestoreCalls["adopt"]>[0]): Promise<void> {
    const { journal, storage, domainId } = this.#context;
    if (identity.domainId !== domainId) throw new AppError("internal", { internal: "the object has another name" });
    if (this.#isAdopted) return;
    if (journal.identity()) throw new AppError("domain.stopped", { detail: "the log lives" });
    journal.transaction(() => {
      storage.kv.put(ADOPTED, true);
      journal.create(identity, { size: 0, entryHash: identity.genesis, recordedAtMs: 0 });
      journal.setShards(shards);
      journal.setShardsMirrored();
      journal.setKeptFrom(kept);
      journal.stop(ADOPTED_REASON);
    });
    this.#isAdopted = true;
  }

  /** Head, tree and both copies in one transaction: what is adopted is in the archive, and the caller has put it into D1. */
  async extend({ fromSeq, hashes, recordedAtMs }: AdoptedPage): Promise<LogPosition> {
    const { journal, tree } = this.#context;
    if (!this.#isAdopted) throw new AppError("domain.stopped", { detail: "the log lives" });
    const { size } = journal.head();
    const rows = rowsOf(fromSeq, hashes);
    if (fromSeq > size) throw new AppError("internal", { internal: `a log of ${size} goes on at ${fromSeq}` });
    const known = rows.filter(({ seq }) => seq < tree.size);
    const leaves = await this.leaves(fromSeq, known.length);
    for (const [i, { seq, entryHash }] of known.entries()) {
      const leaf = leaves.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
      if (!equalBytes(leaf, leafHash(sha256, fromHex(entryHash) ?? new Uint8Array()))) {
        throw new AppError("domain.stopped", { detail: `entry ${seq} is another one than the log was made of` });
      }
    }
    const last = rows.at(-1);
    if (!last || last.seq < size) return journal.head();
    const head = { size: last.seq + 1, entryHash: last.entryHash };
    journal.transaction(() => {
      extendTree(tree.tree, rows.slice(known.length), sha256);
      journal.adoptHead({ ...head, recordedAtMs });
    });
    return head;
  }

  async addLost({ fromSeq, hashes }: Parameters<LogRestoreCalls["addLost"]>[0]): Promise<void> {
    const { journal, tree } = this.#context;
    if (!this.#isAdopted) throw new AppError("domain.stopped", { detail: "the log lives" });
    const added = rowsOf(fromSeq, hashes).filter(({ seq }) => seq >= tree.size);
    journal.transaction(() => extendTree(tree.tree, added, sha256));
  }

  async conclude({ note, proof }: Parameters<LogRestoreCalls["conclude"]>[0]): Promise<boolean> {
    const { journal, tree, storage } = this.#context;
    const parsed = parseCheckpointNote(note);
    const checkpoint = parsed?.checkpoint;
    const { recordedAtMs } = journal.head();
    const own = tree.size;
    if (!this.#isAdopted || !checkpoint || checkpoint.origin !== journal.identity()?.origin) return false;
    const { size, root } = checkpoint;
    if (size > own) return checkConsistency(sha256, own, size, proof, rootAt(tree.tree, own, sha256), root);
    if (size === 0 || !equalBytes(rootAt(tree.tree, size, sha256), root)) return false;
    // Whoever can write to the bucket can put a note there: what this log never signed is not shown, and nothing is made under it.
    if (!this.#context.isSigned(parsed.note)) return true;
    if ((tree.checkpoints.lastCheckpoint()?.size ?? 0) < size) {
      storage.transactionSync(() => {
        tree.checkpoints.addCheckpoint({ size, root, note, signedAtMs: recordedAtMs });
        tree.checkpoints.setMirroredSize(size);
      });
    }
    return true;
  }

  async leaves(fromSeq: number, count: number): Promise<Uint8Array> {
    const { tree } = this.#context;
    const end = Math.min(fromSeq + Math.min(count, LIMITS.restoreRows + LIMITS.segmentEntriesMax), tree.size);
    const leaves = new Uint8Array(Math.max(0, end - fromSeq) * HASH_BYTES);
    for (let seq = fromSeq; seq < end; ) {
      const index = Math.floor(seq / TILE_WIDTH);
      const upTo = Math.min(end, (index + 1) * TILE_WIDTH);
      const place = seq - index * TILE_WIDTH;
      const tile = tree.tree.tile(0, index)?.subarray(place * HASH_BYTES, (place + upTo - seq) * HASH_BYTES);
      leaves.set(tile ?? new Uint8Array(), (seq - fromSeq) * HASH_BYTES);
      seq = upTo;
    }
    return leaves;
  }

  async holdCopier(forMs: number): Promise<void> {
    this.#context.copies.hold(forMs);
  }

  async compareAgain({ eraseAgain }: { eraseAgain: boolean }): Promise<void> {
    const { copies, stop, ledgerSetBack } = this.#context;
    if (this.#isAdopted) return;
    // Rows of somebody whose erasure was under way may have come back between its two looks.
    if (eraseAgain) ledgerSetBack();
    try {
      await copies.comparedAgain();
    } catch (error) {
      if (!(error instanceof Divergence)) throw error;
      stop(error.message);
      throw new AppError("domain.stopped", { detail: error.message });
    }
  }
}

const rowsOf = (fromSeq: number, hashes: Uint8Array) =>
  Array.from({ length: hashes.length / HASH_BYTES }, (_, i) => ({
    seq: fromSeq + i,
    entryHash: toHex(hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)),
  }));
