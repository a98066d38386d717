/** `append`: one event from flags, or events from a file or standard input. */
import { type Command, Option } from "commander";
import { isAboutEvents } from "../../client/deliver.ts";
import { type AppendOptions, BatchingAppender, type Receipt } from "../../client/index.ts";
import { LIMITS } from "../../core/limits.ts";
import { command, handle, type Session } from "../action.ts";
import { appendStream, type StreamFlags } from "../append-stream.ts";
import { type ConnectionFlags, connectToDomain, type DomainConnection } from "../connection.ts";
import { describeError } from "../errors.ts";
import { type EventFlags, eventFromFlags, withEventFlags } from "../event-flags.ts";
import { type EventsInput, readEvents, textLines } from "../events-input.ts";
import { inputOf } from "../input.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { count, line, safeJson, safeText, shorten } from "../text.ts";

interface AppendFlags extends EventFlags, StreamFlags {
  wait?: boolean;
  ndjson?: boolean;
  mode?: "atomic" | "partial";
}

export function appendCommand(session: Session): Command {
  const target = command("append", "Append events and print their receipts", [
    "moonseal append --action invoice.exported --actor usr_42 --target invoice:inv_9",
    "moonseal append events.json",
    "tail -f app-audit.ndjson | moonseal append - --json",
    "moonseal append --ndjson year.ndjson --gzip",
    "moonseal append --ndjson okta.ndjson --format ocsf",
  ]).argument("[file]", "an event, an array (one atomic request) or NDJSON (sent in batches); - for standard input");
  withEventFlags(target)
    .option("--wait", "wait until the queryable copy holds them too")
    .option("--idempotency-key <key>", "repeat a request of this key without doubling it (NDJSON: only with --ndjson)")
    .option("--ndjson", "the file is one stream of lines, of any length")
    .addOption(
      new Option("--mode <mode>", "with --ndjson: each line for itself (default), or all or none").choices([
        "atomic",
        "partial",
      ]),
    )
    .addOption(
      new Option("--format <format>", "with --ndjson: what each line is").choices(["event", "cloudevents", "ocsf"]),
    )
    .option("--gzip", "with --ndjson: send it compressed")
    .option("--json", "receipts as JSON");
  return handle<AppendFlags, [string | undefined]>(target, session, async (io, options, file) => {
    if (file !== undefined && options.action !== undefined) throw new CliError("give a file or --action, not both");
    const ofStream = options.mode ?? options.format ?? options.gzip;
    if (ofStream !== undefined && !options.ndjson) throw new CliError("--mode, --format and --gzip go with --ndjson");
    if (options.ndjson) return appendNdjson(io, options, file ?? "-");
    const fromInput = file !== undefined || (options.action === undefined && io.stdin.isTTY !== true);
    const input: EventsInput = fromInput
      ? await readEvents(inputOf(io, file ?? "-"))
      : { kind: "request", json: JSON.stringify(eventFromFlags(options)) };
    const connection = await connectToDomain(io, options);
    if (input.kind === "lines") return appendLines(io, connection, input.lines, options);
    return appendRequest(io, connection, input.json, options);
  });
}

/** One request either way. */
async function appendNdjson(io: Io, options: AppendFlags & ConnectionFlags, file: string): Promise<number | void> {
  const atomic = options.mode === "atomic";
  if (options.wait && !atomic) throw new CliError("--wait is for a request, not for a stream: leave it out");
  if (options.gzip && atomic) throw new CliError("--gzip is for a stream: leave --mode atomic out");
  const connection = await connectToDomain(io, options);
  const source = inputOf(io, file);
  if (!atomic) return appendStream(io, connection, source, options);
  let body = "";
  for await (const { json } of textLines(source)) {
    body += `${json}\n`;
    if (body.length > LIMITS.appendBodyBytes) {
      throw new CliError(`all or none is for at most ${LIMITS.appendBodyBytes} bytes; leave --mode atomic out`);
    }
  }
  return appendRequest(io, connection, body, options);
}

async function appendRequest(
  io: Io,
  { client, domainId }: DomainConnection,
  json: string,
  flags: AppendFlags,
): Promise<void> {
  const options: AppendOptions = {
    signal: io.signal,
    idempotencyKey: flags.idempotencyKey,
    wait: flags.wait ? "replicated" : undefined,
    format: flags.format,
    ndjson: flags.ndjson,
  };
  const answer = await client.appendJson(domainId, json, options);
  if (flags.json) return line(io.stdout, safeJson(answer));
  for (const receipt of answer.receipts) printReceipt(io, receipt);
  if (answer.idempotency_replayed) line(io.stderr, "this request was carried out before; these are its first receipts");
  if (flags.wait && !answer.replicated) line(io.stderr, "committed; the queryable copy does not hold it yet");
}

/** A refused line is named and the others go on; no answer at all ends it. */
async function appendLines(
  io: Io,
  { client, domainId }: DomainConnection,
  lines: AsyncIterable<{ number: number; json: string }>,
  flags: AppendFlags,
): Promise<number> {
  if (flags.idempotencyKey) throw new CliError("--idempotency-key is for one request; give NDJSON events an id each");
  const stop = new AbortController();
  const signal = AbortSignal.any([io.signal, stop.signal]);
  const appender = new BatchingAppender(client, domainId, { signal, wait: flags.wait ? "replicated" : undefined });
  let refused = 0;
  let fatal: { error: unknown } | null = null;
  const refuse = (number: number, why: string) => {
    refused++;
    line(io.stderr, `moonseal: line ${number}: ${why}`);
  };
  for await (const { number, json } of lines) {
    if (fatal || io.signal.aborted) break;
    if (json.trim() === "") continue;
    const event = readLine(json);
    if (!event) {
      refuse(number, "is not JSON");
      continue;
    }
    const { receipt } = await appender.enqueueJson(json, event.id);
    receipt.then(
      (value) => (flags.json ? line(io.stdout, safeJson(value)) : printReceipt(io, value)),
      (error) => {
        if (!isAboutEvents(error)) {
          fatal ??= { error };
          stop.abort();
        } else {
          refuse(number, describeError(error).message);
        }
      },
    );
  }
  await appender.close();
  if (fatal) throw (fatal as { error: unknown }).error;
  if (refused > 0) line(io.stderr, `moonseal: ${count(refused, "line")} refused; the others are in the log`);
  return refused > 0 ? CODE.failed : CODE.ok;
}

/** What is no JSON must not spoil the batch around it; everything else is the server's to judge, line by line. */
function readLine(text: string): { id: string | undefined } | null {
  try {
    const id: unknown = JSON.parse(text)?.id;
    return { id: typeof id === "string" ? id : undefined };
  } catch {
    return null;
  }
}

function printReceipt(io: Io, receipt: Receipt): void {
  const { seq, id, entry_hash, recorded_at } = receipt;
  const known = receipt.replayed ? "  (was there already)" : "";
  line(io.stdout, safeText(`#${seq}  ${id}  ${shorten(String(entry_hash), 20)}  ${recorded_at}${known}`));
  if (receipt.suppressed) line(io.stdout, "    names somebody who was erased; nothing else was stored about them");
  if (receipt.dropped?.length)
    line(io.stdout, safeText(`    not stored for that reason: ${receipt.dropped.join(" ")}`));
}
