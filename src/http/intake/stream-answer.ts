/**
 * The answer to a stream, NDJSON too: a line a result, as groups are committed, and at the end a line with the summary. It is
 * made as it is read: nobody who does not read it fills memory.
 */
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Pause } from "../../services/intake/groups.ts";
import type { Step } from "../../services/intake/stream.ts";
import { resultView, summaryView } from "./answers.ts";

/** `all`: a line for every event. `refused`: only for those that were not stored. */
export const RESULTS = ["all", "refused"] as const;
export type Results = (typeof RESULTS)[number];

/**
 * Resolves once the first group is committed, or the stream has ended: what refuses the stream before anything of it was stored
 * is thrown, and is an answer of its own. `cancel` is called when the answer ends or nobody reads it any more.
 */
export async function streamAnswer(
  steps: AsyncGenerator<Step>,
  results: Results,
  cancel: () => void,
): Promise<ReadableStream<Uint8Array>> {
  const encoder = new TextEncoder();
  const end = () => {
    cancel();
    void steps.return(undefined).catch(() => {});
  };
  let upcoming: Promise<IteratorResult<Step>> | null = Promise.resolve(await firstOf(steps, end));
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } = await (upcoming ?? steps.next());
          upcoming = null;
          if (done) {
            cancel();
            return controller.close();
          }
          const lines = linesOf(value, results);
          if (lines === "") continue;
          return controller.enqueue(encoder.encode(lines));
        }
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}

async function firstOf(steps: AsyncGenerator<Step>, end: () => void): Promise<IteratorResult<Step>> {
  try {
    const first = await steps.next();
    const summary = !first.done && "summary" in first.value ? first.value.summary : null;
    if (summary?.stopped) throw summary.stopped.error;
    if (summary?.events === 0) {
      const detail = "must hold at least one event";
      throw new AppError("request.invalid", { errors: [{ pointer: "", detail }] });
    }
    return first;
  } catch (error) {
    end();
    throw error;
  }
}

function linesOf(step: Step, wanted: Results): string {
  if ("summary" in step) return `${JSON.stringify({ summary: summaryView(step.summary) })}\n`;
  return step.results
    .filter(({ status }) => wanted === "all" || status === "refused")
    .map((result) => `${JSON.stringify(resultView(result, (errors) => [...errors]))}\n`)
    .join("");
}

export function ingestPause(): Pause {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<"paused">((resolve) => {
    timer = setTimeout(() => resolve("paused"), LIMITS.ingestPauseMs);
  });
  return { over, cancel: () => clearTimeout(timer) };
}
