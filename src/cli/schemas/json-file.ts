/** A JSON object in a file or on standard input. */
import { readFile } from "node:fs/promises";
import { LIMITS } from "../../core/limits.ts";
import { type JsonValue, parseStrictJson } from "../../core/strict-json.ts";
import { CliError, type Io } from "../io.ts";
import { safeText } from "../text.ts";

/** Throws `CliError` for what cannot be read, and for JSON that is none, or no object. */
export async function readJsonFile(io: Io, name: string): Promise<{ [field: string]: JsonValue }> {
  const text = name === "-" ? await standardInput(io) : await readFile(name, "utf8").catch(cannotRead(name));
  const parsed = parseStrictJson(text, LIMITS.jsonDepth);
  const shown = safeText(name === "-" ? "standard input" : name);
  if (!parsed.ok) throw new CliError(`${shown} is not usable JSON: ${parsed.detail} ${parsed.pointer}`.trimEnd());
  const { value } = parsed;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new CliError(`${shown} must hold an object`);
}

async function standardInput(io: Io): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of io.stdin) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    if (text.length > LIMITS.requestBodyBytes) throw new CliError("that is more than a request may hold");
  }
  return text;
}

const cannotRead = (name: string) => (error: NodeJS.ErrnoException) => {
  throw new CliError(`cannot read ${safeText(name)}: ${error.code}`);
};
