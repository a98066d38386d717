/**
 * The mirror of a log's tree in the archive bucket (C2SP tlog-tiles): a bucket alone serves the log to whoever may read it.
 *
 * Commit order, with the crash after each:
 *  1. tiles that the checkpoint needs and the mirror lacks, the partial ones too   again; the same bytes
 *  2. the checkpoint                                                               again; a mirror never goes back
 *  3. its size in the object                                                       done
 * Tiles come before the checkpoint that needs them, as the specification demands.
 */
import { parseCheckpointNote } from "../../core/checkpoint.ts";
import { bundlePath, TILE_WIDTH, type Tile, tilePath, tileWidth } from "../../core/merkle/tiles.ts";
import type { TreeMirror } from "../ports.ts";
import type { SignedCheckpoint } from "./checkpoints.ts";

export interface MirrorJournal {
  mirroredSize(): number;
  setMirroredSize(size: number): void;
}

export interface MirrorDeps {
  journal: MirrorJournal;
  mirror: TreeMirror;
  /** Bytes of a tile of the tree. */
  tile: (tile: Tile) => Uint8Array;
  /** Bytes of a bundle of leaves. */
  bundle: (bundle: Omit<Tile, "level">) => Promise<Uint8Array>;
}

/** Tiles of one step; the rest comes with the next one. */
const TILES_A_STEP = 64;

/** Brings the mirror closer to `checkpoint`; true: it is there. */
export async function mirrorStep(checkpoint: SignedCheckpoint, deps: MirrorDeps): Promise<boolean> {
  const { journal, mirror } = deps;
  const from = journal.mirroredSize();
  if (checkpoint.size <= from) return true;
  // As far as one step goes, in whole tiles: what lies below `reach` need not be looked at again.
  const reach = Math.min(checkpoint.size, (Math.floor(from / TILE_WIDTH) + TILES_A_STEP) * TILE_WIDTH);
  for (const tile of tilesBetween(from, reach)) {
    await mirror.putTile(tilePath(tile), deps.tile(tile), endsPartials(tile, from));
  }
  for (const bundle of tilesAtLevel(0, from, reach)) {
    await mirror.putTile(bundlePath(bundle), await deps.bundle(bundle), endsPartials({ ...bundle, level: 0 }, from));
  }
  if (reach === checkpoint.size) await mirror.putCheckpoint(checkpoint.note);
  journal.setMirroredSize(reach);
  return reach === checkpoint.size;
}

/** A tile is whole now, and was mirrored before as a shorter one. */
const endsPartials = ({ level, index, width }: Tile, from: number): boolean =>
  width === TILE_WIDTH && tileWidth(level, index, from) > 0;

/** Tiles of a tree of `size` leaves that the tree of `from` leaves lacks or has shorter, every level. */
export function tilesBetween(from: number, size: number): Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0; tileWidth(level, 0, size) > 0; level++) tiles.push(...tilesAtLevel(level, from, size));
  return tiles;
}

function tilesAtLevel(level: number, from: number, size: number): Tile[] {
  const tiles: Tile[] = [];
  const first = Math.floor(Math.floor(from / TILE_WIDTH ** level) / TILE_WIDTH);
  for (let index = first; tileWidth(level, index, size) > 0; index++) {
    const width = tileWidth(level, index, size);
    if (width > tileWidth(level, index, from)) tiles.push({ level, index, width });
  }
  return tiles;
}

/** Size of the checkpoint that the mirror shows; 0: none, or none that can be read. */
export function mirroredCheckpointSize(note: string | null): number {
  return (note === null ? null : parseCheckpointNote(note))?.checkpoint.size ?? 0;
}
