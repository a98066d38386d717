/** Request bodies: bounded while they are read, then strict JSON. */
import type { Context, MiddlewareHandler } from "hono";
import { AppError, type ErrorCode } from "../core/errors.ts";
import { LIMITS } from "../core/limits.ts";
import { parseStrictJson } from "../core/strict-json.ts";
import type { HttpEnv } from "./environment.ts";

/**
 * The body's text. Throws `request.too_large` past the limit, `request.malformed` for broken UTF-8. What is too large is read
 * on to `LIMITS.drainedBodyBytes`, keeping nothing: a client that reads no answer before it has sent all finds one, not a cut
 * connection.
 */
export async function readText(c: Context<HttpEnv>, maxBytes: number): Promise<string> {
  const announced = c.req.header("Content-Length");
  const body = (c.req.raw.body ?? []) as AsyncIterable<Uint8Array>;
  // No body is longer than it was announced to be (RFC 9112 §6.3): one read will do.
  if (announced !== undefined && Number(announced) <= maxBytes) return decodeUtf8(await c.req.raw.arrayBuffer());
  const tooLarge = bodyError("request.too_large", `the body may have ${maxBytes} bytes`);
  if (Number(announced ?? 0) > LIMITS.drainedBodyBytes) throw tooLarge;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  let byteLength = 0;
  try {
    for await (const chunk of body) {
      byteLength += chunk.length;
      if (byteLength > LIMITS.drainedBodyBytes) throw tooLarge;
      if (byteLength <= maxBytes) text += decoder.decode(chunk, { stream: true });
      else text = "";
    }
    if (byteLength > maxBytes) throw tooLarge;
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw bodyError("request.malformed", "the body is not UTF-8");
    throw error;
  }
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
