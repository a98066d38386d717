/** Whether a checkpoint that a trusted key signed contradicts what is remembered of its log. */
import { equalBytes, toBase64 } from "../../core/bytes.ts";
import type { Checkpoint } from "../../core/checkpoint.ts";
import { formatForkEvidence } from "../../core/fork-evidence.ts";
import { entries as entriesOf } from "../../verifier/checkpoint-steps.ts";
import { rememberedHead, type TrustPolicy } from "../../verifier/policy.ts";
import { findFork } from "../../verifier/tiles/find-fork.ts";
import type { TileReader } from "../../verifier/tiles/tile-reader.ts";
import { type RoundDeps, timeOf } from "./deps.ts";
import { keepEvidence } from "./evidence-file.ts";
import type { Round } from "./outcome.ts";
import { type MonitorState, saveState } from "./state.ts";

/** Whether the new tree is no continuation of the remembered one. Writes the evidence before anything is said. */
export async function contradicts(
  deps: RoundDeps,
  before: MonitorState,
  reader: TileReader,
  note: string,
  round: Round,
): Promise<boolean> {
  const { head } = reader;
  const known = before.head;
  const shrinks = head.size < known.size;
  const same = shrinks
    ? false
    : equalBytes(known.size === head.size ? head.root : await reader.rootAt(known.size), known.root);
  if (same) return false;
  // Of a shorter log the tiles may be gone too: then its checkpoint is all there is.
  const evidence = await findFork(known, reader, note).catch((error) => {
    if (shrinks) return null;
    throw error;
  });
  Object.assign(round, { event: evidence ? "fork" : "shrink", verdict: "contradicts_remembered_head" });
  const lengths = `${entriesOf(head.size)} now, ${entriesOf(known.size)} remembered since ${before.seenAt}`;
  if (!evidence) {
    round.detail = `the log became shorter: ${lengths}. What is there now is no proof by itself: it may be old`;
    round.evidence = before.fork?.file ?? (await keepEvidence(deps.statePath, "shrink", note));
    return true;
  }
  round.detail = `the log has shown two histories: ${lengths}, and one does not continue the other`;
  // One proof is enough: a log that makes up a new history every minute fills no disk.
  if (before.fork) return true;
  const file = await keepEvidence(deps.statePath, "fork", formatForkEvidence(evidence));
  await saveState(deps.statePath, { ...before, fork: { seenAt: timeOf(deps), file } });
  round.evidence = file;
  return true;
}

/** A policy may remember a head that this machine has never seen. There is no note of it, so no evidence either. */
export async function contradictsPolicy(
  policy: TrustPolicy,
  { origin, size }: Checkpoint,
  reader: TileReader,
  round: Round,
): Promise<boolean> {
  const remembered = rememberedHead(policy, origin);
  if (!remembered) return false;
  const shrinks = size < remembered.size;
  if (!shrinks && toBase64(await reader.rootAt(remembered.size)) === remembered.root) return false;
  Object.assign(round, { event: shrinks ? "shrink" : "fork", verdict: "contradicts_remembered_head" });
  const now = shrinks ? `has ${entriesOf(size)}` : "has another root for them";
  round.detail = `your policy remembers ${entriesOf(remembered.size)} of this log, which ${now}`;
  return true;
}
