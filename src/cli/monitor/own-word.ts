/** What the log says of itself beside what it signs, so not proved: entries that no checkpoint covers yet, and whether it was stopped. */
import { type Head, type MoonsealClient, MoonsealProblem, MoonsealUnreachable } from "../../client/index.ts";
import type { Io } from "../io.ts";
import type { Round } from "./outcome.ts";
import { readState, saveState } from "./state.ts";

type OwnWord = Pick<Round, "lateMs" | "stoppedReason">;

/**
 * For how long at least the log has had entries beyond a checkpoint of `size`, and why it was stopped; nothing when it does
 * not answer. Remembers since when it is late, because the newest entry of a busy log is always new.
 */
export async function askLog(
  io: Io,
  client: Pick<MoonsealClient, "head">,
  { domainId, size, statePath }: { domainId: string; size: number; statePath: string },
): Promise<OwnWord> {
  const head = await client.head(domainId, { signal: io.signal }).catch(ignoreOutage);
  if (!head) return { lateMs: null, stoppedReason: null };
  const stoppedReason = head.status === "stopped" ? String(head.stopped_reason) : null;
  return { lateMs: await latenessOf(io, head, size, statePath), stoppedReason };
}

async function latenessOf(io: Io, head: Head, size: number, statePath: string): Promise<number | null> {
  const state = await readState(statePath);
  if (!state) return null;
  const isBehind = Number.isSafeInteger(head.size) && head.size > size;
  const known = state.behind?.size === size ? state.behind : null;
  const behind = isBehind ? (known ?? { size, since: new Date(io.now()).toISOString() }) : null;
  if (behind?.since !== state.behind?.since) await saveState(statePath, { ...state, behind });
  if (!behind) return null;
  const times = [Date.parse(behind.since), Date.parse(head.recorded_at ?? "")].filter(Number.isFinite);
  return Math.max(0, io.now() - Math.min(...times));
}

/** The checkpoint was read; that the log says no more spoils nothing. */
function ignoreOutage(error: unknown): Head | null {
  if (error instanceof MoonsealProblem || error instanceof MoonsealUnreachable) return null;
  throw error;
}
