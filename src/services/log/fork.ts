/**
 * What a stopped object leaves its operator: the checkpoint that it signed, what it holds now, and, where the log's key has
 * signed two histories, the evidence that proves it to everybody (SPEC.md §15). An object that works as it should never signs
 * a second one, so as a rule there is an alarm and no evidence: it was set back or changed, and nobody was lied to yet.
 */
import type { ProductEvent } from "../../core/actions/product.ts";
import { equalBytes, toHex, utf8 } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/canonical.ts";
import { type Checkpoint, parseCheckpointNote } from "../../core/checkpoint.ts";
import { SYSTEM_ACTOR_ID } from "../../core/event.ts";
import { type Contradiction, formatForkEvidence, orderedEvidence } from "../../core/fork-evidence.ts";
import { LIMITS } from "../../core/limits.ts";
import { nodesOf } from "../../core/merkle/subtree.ts";
import { readFromTiles } from "../../core/merkle/tiles.ts";
import { findInClearText } from "../../core/payload/guard.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import type { NoteSigner } from "../../crypto/signer.ts";
import { findFork, type KnownHead } from "../../verifier/tiles/find-fork.ts";
import { TileError } from "../../verifier/tiles/tile-error.ts";
import { TileReader } from "../../verifier/tiles/tile-reader.ts";
import type { TreeMirror } from "../ports.ts";
import type { CheckpointJournal } from "./checkpoints.ts";
import { proofOfGrowth, rootAt, rootOf, type TreeJournal } from "./tree.ts";

export interface AlarmDeps {
  tree: TreeJournal;
  checkpoints: Pick<CheckpointJournal, "lastCheckpoint">;
  mirror: Pick<TreeMirror, "checkpoint" | "tile">;
  /** Named like the origin. */
  signer: NoteSigner;
  sha256: Sha256;
}

export interface Alarm {
  /** Of the divergence. */
  reason: string;
  origin: string;
  /** What the object's tree is now; the root in hex. */
  held: { size: number; root: string };
  /** The checkpoint that contradicts it, verbatim; null: the tree is that of all that was signed, something else is wrong. */
  checkpoint: string | null;
  /** Evidence for everybody, when there are two signed histories. */
  fork: string | null;
}

/**
 * Throws the mirror's error when it does not answer. Reads O(log size) tiles. A checkpoint in the mirror counts only when this
 * log's key has signed it.
 */
export async function alarmOf(reason: string, deps: AlarmDeps): Promise<Alarm> {
  const { tree, checkpoints, mirror, signer, sha256 } = deps;
  const last = checkpoints.lastCheckpoint();
  const note = await mirror.checkpoint();
  const mirrored = note === null ? null : ownCheckpoint(note, signer);
  const { size, root } = rootOf(tree, sha256);
  const signed = [
    ...(last ? [{ note: last.note, head: last }] : []),
    ...(mirrored && note ? [{ note, head: mirrored }] : []),
  ];
  const broken = signed.find(({ head }) => !isOfTree(head, deps));
  return {
    reason,
    origin: signer.name,
    held: { size, root: toHex(root) },
    checkpoint: broken?.note ?? null,
    fork: last && mirrored && note ? await forkBetween(last, { note, head: mirrored }, deps) : null,
  };
}

function ownCheckpoint(note: string, signer: NoteSigner): Checkpoint | null {
  const parsed = parseCheckpointNote(note);
  return parsed?.checkpoint.origin === signer.name && signer.hasSigned(parsed.note) ? parsed.checkpoint : null;
}

/** A tree that lacks a tile of its own is none that was signed. */
function isOfTree({ size, root }: { size: number; root: Uint8Array }, { tree, sha256 }: AlarmDeps): boolean {
  if (size > tree.frontier().size) return false;
  try {
    return equalBytes(rootAt(tree, size, sha256), root);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Null as well when neither tree can be read far enough to show where the two part. */
async function forkBetween(
  last: { size: number; root: Uint8Array; note: string },
  other: { note: string; head: Checkpoint },
  deps: AlarmDeps,
): Promise<string | null> {
  const { tree, mirror, sha256 } = deps;
  if (last.size !== other.head.size && !isOfTree(last, deps)) return null;
  const nodes = last.size === other.head.size ? [] : nodesOf({ from: 0, to: last.size });
  const read = readFromTiles(sha256, last.size, ({ level, index }) => tree.tile(level, index) ?? new Uint8Array());
  const known: KnownHead = { ...last, frontier: read(nodes) };
  const reader = new TileReader(sha256, other.head, (path) => mirror.tile(path));
  const evidence = await findFork(known, reader, other.note).catch((error: unknown) => {
    if (error instanceof TileError) return null;
    throw error;
  });
  return evidence && formatForkEvidence(evidence);
}

/**
 * Evidence against this log, from a checkpoint of it that somebody else kept and its own key has signed: its present tree does
 * not begin so. Null when it does, when the kept one is larger (an older tree proves nothing against it), or was not signed here.
 */
export function forkAgainst(
  kept: string,
  deps: Pick<AlarmDeps, "tree" | "checkpoints" | "signer" | "sha256">,
): string | null {
  const { tree, sha256 } = deps;
  const head = ownCheckpoint(kept, deps.signer);
  const last = deps.checkpoints.lastCheckpoint();
  if (!head || !last || head.size < 1 || head.size > last.size) return null;
  const root = rootAt(tree, head.size, sha256);
  if (equalBytes(root, head.root)) return null;
  const contradiction: Contradiction =
    head.size === last.size
      ? { kind: "same_size" }
      : { kind: "prefix", root, hashes: proofOfGrowth(tree, head.size, last.size, sha256) };
  const evidence = orderedEvidence({ contradiction, checkpoints: [kept, last.note] });
  return evidence && formatForkEvidence(evidence);
}

/** The entry `integrity.violation` of the platform's log. Sizes, hashes and signed notes only: nothing about people. */
export function violationEvent(domainId: string, reason: string, alarm: Alarm | null): ProductEvent {
  const metadata = alarm ? boundedMetadata(reason, alarm) : { reason };
  return {
    action: "integrity.violation",
    actor: { type: "system", id: SYSTEM_ACTOR_ID },
    outcome: "failure",
    targets: [{ type: "domain", id: domainId }],
    metadata,
    clear_metadata: Object.keys(metadata),
  };
}

/**
 * The longest parts are left out where an entry has no room for them, and where base64 happens to look like what the guard of
 * clear fields refuses: the violation itself must always be said.
 */
function boundedMetadata(reason: string, { held, checkpoint, fork }: Alarm): { [key: string]: JsonValue } {
  let metadata: { [key: string]: JsonValue } = { reason, held };
  for (const [name, text] of [
    ["checkpoint", checkpoint],
    ["fork", fork],
  ] as const) {
    if (text === null || findInClearText(text) !== null) continue;
    const longer = { ...metadata, [name]: text };
    if (utf8(canonicalJson(longer)).length <= LIMITS.metadataBytes) metadata = longer;
  }
  return metadata;
}
