/** One bounded request to an address of whoever monitors the cell: no redirect, no answer read, nothing said of the address. */

export type Send = (url: string, init: RequestInit) => Promise<Response>;

/** `answered_404` and the like, `timeout`, `unreachable`. A redirect is not followed: it would lead past the guard. */
export type PostFault = `answered_${number}` | "timeout" | "unreachable";

/** Null: it was taken (2xx). Never throws; `timeoutMs` bounds it whatever the other side does. */
export async function post(
  url: string,
  { headers, body, timeoutMs }: { headers: Record<string, string>; body: string; timeoutMs: number },
  send: Send = (to, init) => fetch(to, init),
): Promise<PostFault | null> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  const { signal } = controller;
  try {
    const answer = await untilAborted(send(url, { method: "POST", headers, body, redirect: "manual", signal }), signal);
    // Not waited for: a body without an end is the other side's matter.
    answer.body?.cancel().catch(() => {});
    return answer.status >= 200 && answer.status < 300 ? null : `answered_${answer.status}`;
  } catch {
    return signal.aborted ? "timeout" : "unreachable";
  } finally {
    clearTimeout(timer);
  }
}

/** Also when whoever sends does not listen to the signal. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
    work.then(resolve, reject);
  });
}
