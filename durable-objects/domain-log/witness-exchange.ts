/** One request to a witness over HTTPS: in bounded time, with a bounded answer, to that address and no other, with no header of ours. */
import { LIMITS } from "../../src/core/limits.ts";
import type { WitnessExchange } from "../../src/services/witness/answer.ts";

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A redirect is an answer like any other: it is not followed. Never throws. */
export function witnessExchange(
  send: Fetch = (url, init) => fetch(url, init),
  timeoutMs: number = LIMITS.witnessTimeoutMs,
): WitnessExchange {
  return async ({ url, body }) => {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), timeoutMs);
    const { signal } = controller;
    const init =
      body === null
        ? { method: "GET" }
        : { method: "POST", body, headers: { "Content-Type": "text/plain; charset=utf-8" } };
    try {
      const answer = await untilAborted(send(url, { ...init, redirect: "manual", signal }), signal);
      const text = await untilAborted(boundedText(answer), signal);
      if (text === null) return { failure: "answer_too_large" };
      return { status: answer.status, contentType: answer.headers.get("Content-Type") ?? "", body: text };
    } catch {
      return { failure: signal.aborted ? "timeout" : "unreachable" };
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Also when whoever sends does not listen to the signal. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
    work.then(resolve, reject);
  });
}

/** Null: too long. Bytes that are no UTF-8 become characters that no parser of ours takes. */
async function boundedText(answer: Response): Promise<string | null> {
  const reader = answer.body?.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  let text = "";
  let byteLength = 0;
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done || !value) return text + decoder.decode();
    byteLength += value.length;
    if (byteLength > LIMITS.witnessAnswerBytes) {
      await reader?.cancel();
      return null;
    }
    text += decoder.decode(value, { stream: true });
  }
}
