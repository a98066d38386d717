/** Events from a file or standard input, kept as the text they are: nothing is parsed and written anew on the way. */
import { LIMITS } from "../core/limits.ts";
import { type JsonValue, parseStrictJson } from "../core/strict-json.ts";
import { CliError } from "./io.ts";

/** One atomic request, or lines that are sent one by one in batches. */
export type EventsInput =
  | { kind: "request"; json: string }
  | { kind: "lines"; lines: AsyncIterable<{ number: number; json: string }> };

const MAX_LINE_CHARS = LIMITS.appendBodyBytes;

/**
 * An object or an array (may span lines) is one request; otherwise each line that is not blank is an event (NDJSON).
 * Memory is bounded by one request or one line.
 */
export async function readEvents(source: AsyncIterable<Uint8Array | string>): Promise<EventsInput> {
  const lines = textLines(source);
  let first = await lines.next();
  while (!first.done && first.value.json.trim() === "") first = await lines.next();
  if (first.done) throw new CliError("there is no event in the input");
  const { value: opening } = first;
  const restOf = async function* () {
    yield opening;
    yield* lines;
  };
  if (isObject(opening.json)) return { kind: "lines", lines: restOf() };
  let json = "";
  for await (const { json: text } of restOf()) {
    json += `${text}\n`;
    if (json.length > LIMITS.appendBodyBytes) {
      throw new CliError(`one request holds at most ${LIMITS.appendBodyBytes} bytes; send NDJSON, one event a line`);
    }
  }
  const parsed = parseStrictJson(json, LIMITS.jsonDepth);
  if (!parsed.ok) throw new CliError(`the input is not usable JSON: ${parsed.detail} ${parsed.pointer}`.trimEnd());
  return { kind: "request", json };
}

function isObject(json: string): boolean {
  const parsed = parseStrictJson(json, LIMITS.jsonDepth);
  const value: JsonValue = parsed.ok ? parsed.value : null;
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

export async function* textLines(
  source: AsyncIterable<Uint8Array | string>,
): AsyncGenerator<{ number: number; json: string }> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let rest = "";
  let number = 0;
  const decode = (chunk?: Uint8Array) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw new CliError(`the input is not UTF-8 (after line ${number})`);
    }
  };
  for await (const chunk of source) {
    const parts = (rest + (typeof chunk === "string" ? chunk : decode(chunk))).split("\n");
    rest = parts.pop() ?? "";
    for (const json of parts) yield { number: ++number, json };
    if (rest.length > MAX_LINE_CHARS) throw new CliError(`line ${number + 1} is longer than any event may be`);
  }
  rest += decode();
  if (rest !== "") yield { number: ++number, json: rest };
}
