/**
 * A domain's tree, as its object sees to it: it grows with every append, its head is signed within a second, and what is
 * published is mirrored to R2. What a step does, and the crash after it, is in src/services/log.
 */
import { concatBytes, equalBytes, fromHex, toHex } from "../../src/core/bytes.ts";
import { AppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { bundlePath, parseTilePath, TILE_WIDTH, type Tile, tileWidth } from "../../src/core/merkle/tiles.ts";
import { leafHash } from "../../src/core/merkle/tree.ts";
import { HASH_BYTES } from "../../src/core/sha256.ts";
import { formatTlogProof } from "../../src/core/tlog-proof.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import type { NoteSigner } from "../../src/crypto/signer.ts";
import { catchUpStep } from "../../src/services/log/catch-up.ts";
import { type SignedCheckpoint, signHead } from "../../src/services/log/checkpoints.ts";
import { compareTree } from "../../src/services/log/compare-tree.ts";
import { Divergence } from "../../src/services/log/divergence.ts";
import { lastOf, proveSet, type SetHashes, type WantedSet } from "../../src/services/log/evidence-set.ts";
import { type Alarm, alarmOf, forkAgainst } from "../../src/services/log/fork.ts";
import { mirrorStep } from "../../src/services/log/mirror.ts";
import { extendTree, proofOfEntry, proofOfGrowth } from "../../src/services/log/tree.ts";
import type { CheckpointView, GrowthProof } from "../../src/services/log/tree-calls.ts";
import type { EntryRow } from "../../src/services/ports.ts";
import { SqliteCheckpointJournal } from "./checkpoint-journal.ts";
import type { BesideJournal, SqliteJournal } from "./journal.ts";
import type { DomainStores } from "./stores.ts";
import { SqliteTreeJournal } from "./tree-journal.ts";

export interface DomainTreeContext {
  storage: DurableObjectStorage;
  journal: () => SqliteJournal;
  stores: () => DomainStores;
  /** Named like the log's origin. */
  signer: () => NoteSigner;
  /** The object has compared itself with its copies since it started. */
  isCompared: () => boolean;
  /** The object contradicts what it published. */
  stop: (reason: string) => void;
  /** The alarm has to sign, or to mirror, at this time. */
  plan: (task: "sign" | "mirror", atMs: number) => void;
}

type GrownTo = Omit<GrowthProof, "checkpoint"> & { checkpoint: SignedCheckpoint };

/** Pages of one catch-up, and steps of one mirroring; the alarm goes on. */
const STEPS_PER_ALARM = 20;

export class DomainTree {
  readonly tree: SqliteTreeJournal;
  readonly checkpoints: SqliteCheckpointJournal;
  readonly #context: DomainTreeContext;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #mirroring: Promise<boolean> | null = null;
  #mirroredAtMs = 0;

  constructor(context: DomainTreeContext) {
    this.#context = context;
    this.tree = new SqliteTreeJournal(context.storage);
    this.checkpoints = new SqliteCheckpointJournal(context.storage);
  }

  /** Part of the transactions of the chain. */
  get beside(): BesideJournal {
    return {
      appended: (rows: readonly EntryRow[]) => extendTree(this.tree, rows, sha256),
      undone: () => this.tree.undone(),
    };
  }

  get isCovered(): boolean {
    return (this.checkpoints.lastCheckpoint()?.size ?? 0) >= this.#context.journal().head().size;
  }

  /** After an append: signs soon. By a timer, because the alarm may be busy with a store; the alarm signs when this is lost. */
  signSoon(): void {
    if (this.#timer !== null || this.isCovered) return;
    this.#context.plan("sign", this.#context.stores().clock() + 2 * LIMITS.checkpointAfterMs);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      try {
        this.sign();
      } catch {
        // The alarm signs, or the log is gone.
      }
    }, LIMITS.checkpointAfterMs);
  }

  /** Signs the head unless it is signed, or may not be signed yet. The newest checkpoint. */
  sign(): SignedCheckpoint | null {
    const { storage, journal, isCompared, signer, stores, stop, plan } = this.#context;
    const last = this.checkpoints.lastCheckpoint();
    if (this.isCovered || !isCompared() || journal().stoppedReason() !== null) return last;
    if (this.tree.frontier().size < journal().head().size) return last;
    try {
      const signed = storage.transactionSync(() =>
        signHead({
          tree: this.tree,
          checkpoints: this.checkpoints,
          signer: signer(),
          sha256,
          clock: stores().clock,
        }),
      );
      plan("mirror", Math.max(stores().clock(), this.#mirroredAtMs + LIMITS.mirrorEveryMs));
      return signed;
    } catch (error) {
      if (!(error instanceof Divergence)) throw error;
      stop(error.message);
      return last;
    }
  }

  /** The alarm's call. Brings an older log's tree up to its head first. Throws `Divergence`, or the store's error. */
  async signLate(): Promise<void> {
    const { journal, stores } = this.#context;
    const { ledger, segments } = stores();
    const deps = { journal: journal(), tree: this.tree, ledger, segments, sha256 };
    for (let step = 0; step < STEPS_PER_ALARM && !(await catchUpStep(deps)); step++);
    this.sign();
  }

  /** Part of the comparison at every start. Throws `Divergence`, or the store's error. */
  compare(): Promise<void> {
    const { journal, stores, signer } = this.#context;
    const { tree, checkpoints } = this;
    const { treeMirror: mirror } = stores();
    return compareTree({ head: journal().head(), tree, checkpoints, mirror, signer: signer(), sha256 });
  }

  /** What a stopped object leaves its operator. Throws the mirror's error. */
  alarm(reason: string): Promise<Alarm> {
    const { stores, signer } = this.#context;
    const { tree, checkpoints } = this;
    return alarmOf(reason, { tree, checkpoints, mirror: stores().treeMirror, signer: signer(), sha256 });
  }

  /**
   * The newest checkpoint; signs when there is none that covers `size` entries. Throws `storage.unavailable` where it will be signed
   * soon, `log.unsigned` where it never will: the log has stopped.
   */
  covering(size: number): SignedCheckpoint {
    const last = this.checkpoints.lastCheckpoint();
    const checkpoint = last && last.size >= size ? last : this.sign();
    if (checkpoint && checkpoint.size >= size) return checkpoint;
    const stopped = this.#context.journal().stoppedReason();
    if (stopped !== null) {
      const least = size === 1 ? "the log has no signed checkpoint" : `no signed checkpoint covers entry ${size - 1}`;
      throw new AppError("log.unsigned", { detail: `${least}, and none will: ${stopped}` });
    }
    throw new AppError("storage.unavailable", {
      detail: "the newest entries are not under a signed checkpoint yet",
      retryAfterSeconds: 2,
    });
  }

  view({ size, root, note, signedAtMs }: SignedCheckpoint): CheckpointView {
    return { size, root: toHex(root), note, signedAt: new Date(signedAtMs).toISOString() };
  }

  get size(): number {
    return this.tree.frontier().size;
  }

  proofOfEntry(seq: number, size: number): Uint8Array[] {
    return proofOfEntry(this.tree, seq, size, sha256);
  }

  /** The first evidence that one of these checkpoints gives against the present tree. */
  forkAgainst(kept: readonly string[]): string | null {
    const { tree, checkpoints } = this;
    const deps = { tree, checkpoints, signer: this.#context.signer(), sha256 };
    return kept.map((note) => forkAgainst(note, deps)).find((evidence) => evidence !== null) ?? null;
  }

  /** The proof as a file, without the entry. Throws as `covering`. */
  proofText(seq: number): string {
    const { size, note } = this.covering(seq + 1);
    return formatTlogProof({ extra: null, index: seq, hashes: this.proofOfEntry(seq, size), checkpoint: note });
  }

  /** Under the checkpoint that `best` gives for a size. Null: the log does not have all of these entries. */
  setProof(wanted: WantedSet, size: number | null, best: (size: number) => SignedCheckpoint): SetHashes | null {
    const last = lastOf(wanted);
    // The tree may go on over entries that are lost (adoption.ts).
    const there = Math.min(this.tree.frontier().size, this.#context.journal().head().size);
    if (last >= Math.min(there, size ?? Number.POSITIVE_INFINITY)) return null;
    const checkpoint = best(last + 1);
    const hashes = proveSet(this.tree, wanted, size ?? checkpoint.size, sha256);
    return { hashes, checkpoint: this.view(checkpoint) };
  }

  /** Null: no checkpoint of that size is known, or the trees are in another order. */
  growthProof({ from, to }: { from: number; to: number | null }): GrownTo | null {
    const checkpoint = to === null ? this.covering(1) : this.checkpoints.checkpointOf(to);
    if (!checkpoint || from > checkpoint.size) return null;
    const hashes = proofOfGrowth(this.tree, from, checkpoint.size, sha256);
    return { from, hashes, checkpoint };
  }

  async byPath(path: string): Promise<Uint8Array | null> {
    const tile = parseTilePath(path);
    if (!tile) return null;
    const { level, index, width } = tile;
    return level === null ? this.bundle({ index, width }) : this.tile({ level, index, width });
  }

  /** Null when the tree has no such tile, or has it shorter. */
  tile({ level, index, width }: Tile): Uint8Array | null {
    if (tileWidth(level, index, this.tree.frontier().size) < width) return null;
    return this.tree.tile(level, index)?.slice(0, width * HASH_BYTES) ?? null;
  }

  /**
   * The leaves [256 × index, 256 × index + width) as C2SP tlog-tiles has bundles of entries: each with its length in two bytes
   * before it. A leaf is the 32 bytes of an entry hash. Null as above; throws `storage.unavailable` when the ledger does not
   * have them as the tree does. Those of entries that left the ledger stand in the mirror, also when their payloads are gone.
   */
  async bundle({ index, width }: Omit<Tile, "level">): Promise<Uint8Array | null> {
    const leaves = this.tile({ level: 0, index, width });
    if (!leaves) return null;
    const hashes = await this.#entryHashes(index * TILE_WIDTH, width);
    const isWhole = hashes.every((hash, i) =>
      equalBytes(leafHash(sha256, hash), leaves.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)),
    );
    if (hashes.length < width || !isWhole) {
      throw new AppError("storage.unavailable", { internal: "the ledger does not hold the leaves of the tree" });
    }
    return concatBytes(...hashes.flatMap((hash) => [LEAF_LENGTH, hash]));
  }

  async #entryHashes(fromSeq: number, count: number): Promise<Uint8Array[]> {
    const { journal, stores } = this.#context;
    const toSeq = fromSeq + count - 1;
    const copied = journal().copied().size;
    const pruned = Math.max(0, Math.min(count, journal().keptFrom().firstHot - fromSeq));
    const hotSeq = fromSeq + pruned;
    const mirrored = pruned > 0 ? await this.#mirroredHashes(fromSeq, pruned) : [];
    const stored = hotSeq < copied ? await stores().ledgerHashes.hashes(hotSeq, Math.min(toSeq, copied - 1)) : [];
    const next = hotSeq + stored.length;
    const waiting = next > toSeq ? [] : journal().pending(next, toSeq - next + 1, Number.POSITIVE_INFINITY);
    const hashes = [...stored, ...waiting].map(({ entryHash }) => fromHex(entryHash) ?? new Uint8Array());
    // Of a log that was made anew, the last may be lost: their hashes remain.
    const lost = toSeq + 1 - Math.max(fromSeq, journal().head().size);
    const tail = lost > 0 ? await this.#mirroredHashes(toSeq + 1 - lost, lost) : [];
    return [...mirrored, ...hashes, ...tail];
  }

  /** Hashes of one bundle, from its mirror: nothing is pruned before it is mirrored. Untrusted. */
  async #mirroredHashes(fromSeq: number, count: number): Promise<Uint8Array[]> {
    const { treeMirror } = this.#context.stores();
    const index = Math.floor(fromSeq / TILE_WIDTH);
    const first = fromSeq - index * TILE_WIDTH;
    const widths = [TILE_WIDTH, tileWidth(0, index, this.checkpoints.mirroredSize())];
    for (const width of new Set(widths)) {
      const bytes = width >= first + count ? await treeMirror.tile(bundlePath({ index, width })) : null;
      if (bytes?.length !== width * LEAF_BYTES) continue;
      return Array.from({ length: count }, (_, i) =>
        bytes.slice((first + i) * LEAF_BYTES + 2, (first + i + 1) * LEAF_BYTES),
      );
    }
    return [];
  }

  /** Mirrors the newest checkpoint, one run at a time; true: it is there. Throws the store's error. */
  mirror(): Promise<boolean> {
    this.#mirroring ??= this.#mirrorSteps().finally(() => {
      this.#mirroring = null;
    });
    return this.#mirroring;
  }

  /** No mirroring is under way. */
  get isIdle(): boolean {
    return this.#mirroring === null;
  }

  get isMirrored(): boolean {
    return this.checkpoints.mirroredSize() >= (this.checkpoints.lastCheckpoint()?.size ?? 0);
  }

  async #mirrorSteps(): Promise<boolean> {
    const checkpoint = this.checkpoints.lastCheckpoint();
    if (!checkpoint) return true;
    const deps = {
      journal: this.checkpoints,
      mirror: this.#context.stores().treeMirror,
      tile: (tile: Tile) => demand(this.tile(tile)),
      bundle: async (bundle: Omit<Tile, "level">) => demand(await this.bundle(bundle)),
    };
    this.#mirroredAtMs = this.#context.stores().clock();
    for (let step = 0; step < STEPS_PER_ALARM; step++) if (await mirrorStep(checkpoint, deps)) return true;
    return false;
  }
}

const LEAF_LENGTH = Uint8Array.of(0, HASH_BYTES);
const LEAF_BYTES = LEAF_LENGTH.length + HASH_BYTES;

function demand(bytes: Uint8Array | null): Uint8Array {
  if (!bytes) throw new RangeError("the tree lacks a tile of its own");
  return bytes;
}
