/** `append --ndjson`: one request of any length, each event for itself (docs/ingesting.md). */
import type { AppendSummary, EventFormat, EventResult } from "../client/index.ts";
import type { DomainConnection } from "./connection.ts";
import { textLines } from "./events-input.ts";
import { CliError, CODE, type Io } from "./io.ts";
import { count, line, safeJson, safeText } from "./text.ts";

export interface StreamFlags {
  format?: EventFormat;
  gzip?: boolean;
  json?: boolean;
  idempotencyKey?: string;
}

/**
 * Results come as events are stored. The key makes a broken connection harmless: the same command with it stores nothing twice. The
 * exit code: 1 when an event was refused, 3 when the stream ended before its end.
 */
export async function appendStream(
  io: Io,
  { client, domainId }: DomainConnection,
  source: AsyncIterable<Uint8Array | string>,
  { format, gzip, json, idempotencyKey }: StreamFlags,
): Promise<number> {
  const key = idempotencyKey ?? crypto.randomUUID();
  const again = `run it again with --idempotency-key ${key}: nothing is stored twice`;
  const results = client.ingest(domainId, lineTexts(source), {
    ...{ format, gzip, idempotencyKey: key, signal: io.signal },
    results: json ? "all" : "refused",
  });
  let summary: AppendSummary;
  try {
    summary = await readResults(io, results, json ?? false);
  } catch (error) {
    if (!(error instanceof CliError)) line(io.stderr, `moonseal: ${again}`);
    throw error;
  }
  const { stored, replayed, refused, complete, stopped } = summary;
  const told = [
    `${count(stored, "event")} stored`,
    ...(replayed > 0 ? [`${replayed} there already`] : []),
    ...(refused > 0 ? [`${refused} refused`] : []),
  ];
  line(io.stderr, `moonseal: ${told.join(", ")}`);
  if (!complete || stopped) {
    const why = stopped ? ` at line ${stopped.line}: ${safeText(stopped.problem.detail ?? stopped.problem.code)}` : "";
    const wait = stopped?.retry_after_s ? ` in ${stopped.retry_after_s} s` : "";
    throw new CliError(`the stream was stopped${why}; ${again.replace("again", `again${wait}`)}`, CODE.unreachable);
  }
  return refused > 0 ? CODE.failed : CODE.ok;
}

async function readResults(
  io: Io,
  results: AsyncGenerator<EventResult & { line: number }, AppendSummary>,
  json: boolean,
): Promise<AppendSummary> {
  for (;;) {
    const { done, value } = await results.next();
    if (done) return value;
    if (json) line(io.stdout, safeJson(value));
    if (value.status === "refused") line(io.stderr, `moonseal: ${refusal(value)}`);
  }
}

function refusal({ line: number, problem }: EventResult): string {
  const fields = (problem?.errors ?? []).map(({ pointer, detail }) => `${pointer || "(event)"}: ${detail}`);
  const said = fields.length > 0 ? fields : [problem?.detail ?? "refused"];
  return safeText(`line ${number}: ${said.join("; ")} (${problem?.code})`);
}

/** Text, and not what it means: what is no JSON is the server's to refuse, by its line. */
async function* lineTexts(source: AsyncIterable<Uint8Array | string>): AsyncGenerator<string> {
  for await (const { json } of textLines(source)) yield json;
}
