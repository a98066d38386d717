/** A whole log from its tiles in a folder, as a bucket mirrors it (C2SP tlog-tiles): every leaf is read, and the root recomputed. */
import { parseCheckpointNote } from "../../core/checkpoint.ts";
import { Frontier } from "../../core/merkle/tree.ts";
import { entries } from "../../verifier/checkpoint-steps.ts";
import { rememberedHead, type TrustPolicy } from "../../verifier/policy.ts";
import { reportOfOneStep, type Step, type VerifierReport, worstVerdict } from "../../verifier/report.ts";
import { TileError } from "../../verifier/tiles/tile-error.ts";
import { TileReader } from "../../verifier/tiles/tile-reader.ts";
import type { Io } from "../io.ts";
import { readLeaves } from "../monitor/read-leaves.ts";
import { type LogSource, tilesSource } from "../monitor/source.ts";
import { judgeLogCheckpoint } from "./log-checkpoint.ts";
import { NODE } from "./trust.ts";

/** What the mirror names its checkpoint; a bundle that was unpacked has none of that name. */
export const TILES_CHECKPOINT = "checkpoint";

/** Throws `NoAnswer` for a file that cannot be read. Memory is bounded. */
export async function verifyTiles(io: Io, folder: string, policy: TrustPolicy): Promise<VerifierReport> {
  const source = await tilesSource(io, folder);
  const note = (await source.checkpoint()) ?? "";
  const head = parseCheckpointNote(note)?.checkpoint;
  if (!head) {
    const fault = "this is not a checkpoint (c2sp.org/tlog-checkpoint) in its one spelling";
    return reportOfOneStep("log", "tiles of a log", "refuted", fault);
  }
  const roots = new Map<number, Uint8Array>();
  const tiles = await stepOfTiles(source, new TileReader(NODE.sha256, head, source.fetchTile), roots, () =>
    rememberedSize(policy, head),
  );
  const domainId = head.origin.slice(head.origin.lastIndexOf("/") + 1);
  const judged = judgeLogCheckpoint(note, { domainId, size: head.size, roots, policy, of: "leaves" });
  const read = tiles.status === "ok" ? "verified" : tiles.status === "failed" ? "refuted" : "could_not_check";
  return {
    kind: "log",
    subject: `tiles of ${head.origin} with ${entries(head.size)}`,
    verdict: worstVerdict([judged.verdict, read]),
    steps: [tiles, ...judged.steps],
    notChecked: [...judged.notChecked, "what the entries say: tiles hold their hashes only"],
    advice: judged.advice,
    heads: judged.heads,
  };
}

const rememberedSize = (policy: TrustPolicy, { origin, size }: { origin: string; size: number }): number | null => {
  const remembered = rememberedHead(policy, origin);
  return remembered && remembered.size <= size ? remembered.size : null;
};

/** Puts the roots that were recomputed into `roots`. */
async function stepOfTiles(
  source: LogSource,
  reader: TileReader,
  roots: Map<number, Uint8Array>,
  remembered: () => number | null,
): Promise<Step> {
  const frontier = new Frontier(NODE.sha256);
  try {
    await readLeaves(reader, { frontier, lastLeaf: null }, null, async () => {});
    roots.set(frontier.size, frontier.root());
    const size = remembered();
    if (size !== null) roots.set(size, await reader.rootAt(size));
  } catch (error) {
    if (!(error instanceof TileError)) throw error;
    return { step: "tiles", status: error.reason === "wrong" ? "failed" : "not_checked", detail: error.message };
  }
  return { step: "tiles", status: "ok", detail: `every leaf was read from ${source.name}` };
}
