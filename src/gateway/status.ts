/** How both cells are, each from its own mouth; one that does not answer in time is away, and that is an answer. */
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import type { GatewayEnv } from "../env.ts";
import type { StatusCell } from "../http/schemas/status.ts";

/** A page that waits longer than this helps nobody. */
const ANSWER_MS = 5000;

/** Asks both at once. No header of the caller's reaches them. Never throws. */
export function statusOfCells(env: GatewayEnv, origin: string, answerMs = ANSWER_MS): Promise<StatusCell[]> {
  const cells: Record<Jurisdiction, Fetcher> = { eu: env.CELL_EU, us: env.CELL_US };
  return Promise.all(
    JURISDICTIONS.map((jurisdiction) => statusOf(cells[jurisdiction], jurisdiction, origin, answerMs)),
  );
}

async function statusOf(
  cell: Fetcher,
  jurisdiction: Jurisdiction,
  origin: string,
  answerMs: number,
): Promise<StatusCell> {
  const away = { reachable: false, jurisdiction, state: "away" } as const;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<StatusCell>((resolve) => {
    timer = setTimeout(() => resolve(away), answerMs);
  });
  const asked = cell
    .fetch(new Request(new URL("/v1/status", origin)))
    .then(async (answer) => {
      if (!answer.ok) return away;
      const { cells } = (await answer.json()) as { cells?: StatusCell[] };
      // A cell speaks for itself alone.
      return cells?.find((one) => one.jurisdiction === jurisdiction) ?? away;
    })
    .catch(() => away);
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
