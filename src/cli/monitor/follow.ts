/** Round after round until Ctrl-C. A log that does not answer is asked again soon, then less and less often. */
import { MoonsealProblem, MoonsealUnreachable } from "../../client/index.ts";
import { LIMITS } from "../../core/limits.ts";
import { describeError } from "../errors.ts";
import type { Io } from "../io.ts";
import { NoAnswer } from "./fetch-bytes.ts";
import { emptyRound, type Round } from "./outcome.ts";

/** A round whose log did not answer. Throws on everything that waiting does not heal. */
export function roundOfOutage(error: unknown): Round {
  const passing =
    error instanceof NoAnswer ||
    error instanceof MoonsealUnreachable ||
    (error instanceof MoonsealProblem && (error.status >= 500 || error.status === 429));
  if (!passing) throw error;
  const detail = error instanceof NoAnswer ? error.message : describeError(error).message;
  return { ...emptyRound(null), detail };
}

/** Never returns while the reader of its lines is there. */
export async function followForEver(
  io: Io,
  intervalMs: number,
  once: () => Promise<Round>,
  show: (round: Round) => void,
): Promise<void> {
  let failures = 0;
  while (!io.stdout.closed) {
    const round = await once();
    show(round);
    failures = round.event === "no_answer" ? failures + 1 : 0;
    await io.sleep(failures > 0 ? Math.min(backOffMs(failures), LIMITS.monitorRetryMaxMs) : intervalMs, io.signal);
  }
}

/** After the n-th failure in a row. */
const backOffMs = (failures: number): number => LIMITS.monitorRetryMs * 2 ** Math.min(failures - 1, 30);
