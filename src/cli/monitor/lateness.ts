/** How late checkpoints are: a log may have entries that it signs for nobody. Asked of the log itself, so not proved. */
import type { Head, MoonsealClient } from "../../client/index.ts";
import { MoonsealProblem, MoonsealUnreachable } from "../../client/index.ts";
import type { Io } from "../io.ts";
import { readState, saveState } from "./state.ts";

/**
 * For how long at least the log has had entries beyond a checkpoint of `size`; null: it has none, or does not tell. Remembers
 * since when, because the newest entry of a busy log is always new. Milliseconds.
 */
export async function latenessOf(
  io: Io,
  client: Pick<MoonsealClient, "head">,
  { domainId, size, statePath }: { domainId: string; size: number; statePath: string },
): Promise<number | null> {
  const head = await client.head(domainId, { signal: io.signal }).catch(ignoreOutage);
  const state = await readState(statePath);
  if (!state || !head) return null;
  const isBehind = Number.isSafeInteger(head.size) && head.size > size;
  const known = state.behind?.size === size ? state.behind : null;
  const behind = isBehind ? (known ?? { size, since: new Date(io.now()).toISOString() }) : null;
  if (behind?.since !== state.behind?.since) await saveState(statePath, { ...state, behind });
  if (!behind) return null;
  const times = [Date.parse(behind.since), Date.parse(head.recorded_at ?? "")].filter(Number.isFinite);
  return Math.max(0, io.now() - Math.min(...times));
}

/** The checkpoint was read; that its lateness is not known spoils nothing. */
function ignoreOutage(error: unknown): Head | null {
  if (error instanceof MoonsealProblem || error instanceof MoonsealUnreachable) return null;
  throw error;
}
