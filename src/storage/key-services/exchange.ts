/** One call of a key service over HTTP: in bounded time, with a bounded answer, to that address and no other. */
import { KeyServiceFailure } from "../../core/key-service.ts";
import { LIMITS } from "../../core/limits.ts";

export interface Exchange {
  url: string;
  headers: Record<string, string>;
  body: string;
}

export interface ServiceAnswer {
  status: number;
  headers: Headers;
  text: string;
}

export interface Wire {
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  timeoutMs: number;
}

/** Asked for at each call, so that a test can stand in for the network. */
export const WIRE: Wire = { fetch: (url, init) => fetch(url, init), timeoutMs: LIMITS.keyServiceTimeoutMs };

/**
 * Posts and reads the whole answer, whatever its status but a redirect. Throws `KeyServiceFailure` ("no_answer"): no
 * connection, no complete answer in time, a redirect, more than `LIMITS.keyServiceAnswerBytes`, no UTF-8.
 */
export async function exchange({ url, headers, body }: Exchange, wire: Wire): Promise<ServiceAnswer> {
  const { signal, over } = deadline(wire.timeoutMs);
  try {
    const answer = await wire.fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
    if (answer.status >= 300 && answer.status < 400) {
      await answer.body?.cancel();
      throw noAnswer("it answered with a redirect, which is not followed");
    }
    return { status: answer.status, headers: answer.headers, text: await boundedText(answer) };
  } catch (error) {
    if (error instanceof KeyServiceFailure) throw error;
    if (signal.aborted) throw noAnswer(`it did not answer within ${wire.timeoutMs / 1000} s`);
    // Messages of the platform may repeat the address or headers.
    throw noAnswer("no connection to it could be made");
  } finally {
    over();
  }
}

/** Unlike AbortSignal.timeout it ends with the call: a timer that runs on keeps the object in memory. */
function deadline(afterMs: number): { signal: AbortSignal; over: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), afterMs);
  return { signal: controller.signal, over: () => clearTimeout(timer) };
}

/** An answer that is no answer of a key service. */
export const noAnswer = (words: string): KeyServiceFailure => new KeyServiceFailure("no_answer", words);

async function boundedText(answer: Response): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const reader = answer.body?.getReader();
  let text = "";
  let byteLength = 0;
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done || !value) break;
    byteLength += value.length;
    if (byteLength > LIMITS.keyServiceAnswerBytes) {
      await reader?.cancel();
      throw noAnswer(`its answer has more than ${LIMITS.keyServiceAnswerBytes} bytes`);
    }
    text += decodeOr(decoder, value);
  }
  return text + decodeOr(decoder);
}

function decodeOr(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
  } catch {
    throw noAnswer("its answer is not text");
  }
}

/** The members of an answer that is one JSON object. Untrusted. */
export function membersOf(text: string): { [name: string]: unknown } {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  } catch {
    // Said below.
  }
  throw noAnswer("its answer is not a JSON object");
}
