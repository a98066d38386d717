/** A stream of events in one request, and its results as they are stored (docs/ingesting.md). */
import { MoonsealUnreachable } from "./errors.ts";
import type { Watchdog } from "./live-body.ts";
import { auditPath, type CallOptions } from "./requests.ts";
import type { Transport } from "./transport.ts";
import type { AppendSummary, EventFormat, EventResult } from "./types.ts";

export interface IngestOptions extends CallOptions {
  /** Events without an id of their own get one of it: sent again from the beginning, none is stored twice. Default: a random UUID. */
  idempotencyKey?: string | undefined;
  /** What each line is; default: our own event. */
  format?: EventFormat | undefined;
  gzip?: boolean | undefined;
  /** `refused`: results only of events that were not stored. */
  results?: "all" | "refused" | undefined;
}

export type IngestResult = EventResult & { line: number };

/** Longer than a group of events takes to be stored, with what the server retries. */
const SILENCE_MS = 120_000;
/** Lines that are there are sent together; none waits longer for others. */
const CHUNK_CHARS = 64 * 1024;
const CHUNK_MS = 5;
const MAX_LINE_CHARS = 4 * 1024 * 1024;

/**
 * Lines are read as the server takes them, results come as it stores them: memory holds neither. Returns the summary; what refuses
 * the stream before anything was stored is thrown. `lines` hold one event each, without their ends.
 */
export async function* ingest(
  transport: Transport,
  domainId: string,
  lines: AsyncIterable<string> | Iterable<string>,
  { idempotencyKey, format, gzip, results, signal }: IngestOptions,
): AsyncGenerator<IngestResult, AppendSummary> {
  const source: Source = { failure: null };
  try {
    const chunks = await transport.stream({
      method: "POST",
      path: `${auditPath(domainId)}/entries`,
      query: Object.entries({ mode: "partial", format, results }).filter((pair): pair is [string, string] => !!pair[1]),
      accept: "application/x-ndjson",
      headers: {
        "content-type": "application/x-ndjson",
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
        ...(gzip ? { "content-encoding": "gzip" } : {}),
      },
      body: (heard) => {
        const body = bodyOf(lines, heard, source);
        return gzip
          ? body.pipeThrough(new CompressionStream("gzip") as ReadableWritablePair<Uint8Array, Uint8Array>)
          : body;
      },
      silenceMs: SILENCE_MS,
      signal,
    });
    for await (const line of linesOf(chunks)) {
      const answer = read(line);
      if ("summary" in answer) return answer.summary;
      yield answer;
    }
  } catch (error) {
    throw source.failure?.error ?? error;
  }
  throw new MoonsealUnreachable("the answer broke off: events of which no result came may be stored", 1);
}

/** What the caller's own lines failed with; without it the caller would hear of a broken connection. */
interface Source {
  failure: { error: unknown } | null;
}

/** While the source has nothing, the server has nothing to say either. */
function bodyOf(
  lines: AsyncIterable<string> | Iterable<string>,
  heard: Watchdog,
  source: Source,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const waiting = (lines as Partial<AsyncIterable<string>>)[Symbol.asyncIterator]?.call(lines);
  const iterator = waiting ?? (lines as Iterable<string>)[Symbol.iterator]();
  let next: Promise<IteratorResult<string>> | null = null;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        heard.stop();
        let text = "";
        let late: Promise<null> | null = null;
        while (text.length < CHUNK_CHARS) {
          next ??= Promise.resolve(iterator.next());
          const step: IteratorResult<string> | null = await Promise.race(late ? [next, late] : [next]).catch(
            (error) => {
              source.failure = { error };
              throw error;
            },
          );
          if (step === null) break;
          next = null;
          if (step.done) {
            if (text !== "") controller.enqueue(encoder.encode(text));
            heard.heard();
            return controller.close();
          }
          text += `${step.value}\n`;
          late ??= new Promise((resolve) => setTimeout(resolve, CHUNK_MS, null));
        }
        heard.heard();
        controller.enqueue(encoder.encode(text));
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 1 },
  );
}

function read(line: string): IngestResult | { summary: AppendSummary } {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new MoonsealUnreachable("the answer holds a line that is no JSON", 1, error);
  }
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts.filter((part) => part !== "");
    if (rest.length > MAX_LINE_CHARS) throw new MoonsealUnreachable("the answer holds a line that is too long", 1);
  }
  if (rest !== "") yield rest;
}
