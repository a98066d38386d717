/** Request bodies: bounded while they are read, then strict JSON. */
import type { Context, MiddlewareHandler } from "hono";
import { concatBytes } from "../core/bytes.ts";
import { AppError, type ErrorCode } from "../core/errors.ts";
import { LIMITS } from "../core/limits.ts";
import { parseStrictJson } from "../core/strict-json.ts";
import type { HttpEnv } from "./environment.ts";
import { lengthFault } from "./lengths.ts";

/** The body's text. Throws `request.too_large` as soon as the limit is passed, `request.malformed` for broken UTF-8. */
export async function readText(c: Context<HttpEnv>, maxBytes: number): Promise<string> {
  const tooLarge = () => bodyError("request.too_large", `the body may have ${maxBytes} bytes`);
  const announced = c.req.header("Content-Length");
  if (Number(announced ?? 0) > maxBytes) throw tooLarge();
  // No body is longer than it was announced to be (RFC 9112 §6.3): one read will do.
  if (announced !== undefined) return decodeUtf8(await c.req.raw.arrayBuffer());
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  let byteLength = 0;
  try {
    for await (const chunk of (c.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
      byteLength += chunk.length;
      if (byteLength > maxBytes) throw tooLarge();
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw bodyError("request.malformed", "the body is not UTF-8");
    throw error;
  }
}

/** The body's bytes. Throws `request.too_large` as soon as the limit is passed. */
export async function readBytes(c: Context<HttpEnv>, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = () => bodyError("request.too_large", `the body may have ${maxBytes} bytes`);
  if (Number(c.req.header("Content-Length") ?? 0) > maxBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  for await (const chunk of (c.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
    byteLength += chunk.length;
    if (byteLength > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return concatBytes(...chunks);
}

function decodeUtf8(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw bodyError("request.malformed", "the body is not UTF-8");
  }
}

/** For routes that take one JSON document: its type, size and strictness, before zod looks at the fields. */
export const strictJsonBody: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (mediaType(c) !== "application/json") throw unsupportedMediaType("application/json");
  const text = await readText(c, LIMITS.requestBodyBytes);
  const parsed = parseStrictJson(text, LIMITS.jsonDepth);
  if (!parsed.ok) {
    throw new AppError("request.malformed", { errors: [{ pointer: parsed.pointer, detail: parsed.detail }] });
  }
  // The validators are behind this and are not ours to wrap.
  const fault = lengthFault(parsed.value);
  if (fault) throw new AppError("request.invalid", { errors: [fault] });
  // Hono keeps promises here, whatever its type says; the validators read the body through it.
  c.req.bodyCache.text = Promise.resolve(text) as unknown as string;
  await next();
};

export function mediaType(c: Context<HttpEnv>): string {
  return (c.req.header("Content-Type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

export function unsupportedMediaType(accepted: string): AppError {
  return new AppError("request.unsupported_media_type", {
    errors: [{ pointer: "header:Content-Type", detail: `must be ${accepted}` }],
  });
}

/** A fault of the body as a whole. */
export function bodyError(code: ErrorCode, detail: string): AppError {
  return new AppError(code, { detail, errors: [{ pointer: "", detail }] });
}
