/** The few calls that starting and checking a local deployment needs. */
import { setTimeout as sleep } from "node:timers/promises";

export interface Answer {
  status: number;
  /** Parsed JSON, or text. `any`: answers of the local deployment, of many shapes; a wrong one fails the start. */
  body: any;
}

export interface LocalApi {
  get(path: string, token: string): Promise<Answer>;
  post(path: string, token: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
}

const CALL_TIMEOUT_MS = 60_000;
const BUSY_RETRIES = 10;

/** Calls that are refused with 503 are sent again: a cell says so while it wakes up. Throws with a plain line for no answer. */
export function localApi(url: string): LocalApi {
  const send = async (path: string, init: RequestInit): Promise<Answer> => {
    for (let attempt = 0; ; attempt++) {
      const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
      const response = await fetch(url + path, { ...init, signal }).catch((cause: unknown) => {
        throw new Error(`${url} does not answer`, { cause });
      });
      const text = await response.text();
      if (response.status !== 503 || attempt === BUSY_RETRIES) return { status: response.status, body: parsed(text) };
      await sleep(500);
    }
  };
  return {
    get: (path, token) => send(path, { headers: { authorization: `Bearer ${token}` } }),
    post: (path, token, body, headers) =>
      send(path, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
  };
}

/** The body of an answer with the expected status; anything else throws with what the server said. */
export function expectStatus(what: string, expected: number, { status, body }: Answer): Answer["body"] {
  if (status === expected) return body;
  const said = typeof body === "string" ? body.slice(0, 300) : JSON.stringify(body);
  throw new Error(`${what}: expected ${expected}, got ${status} ${said}`);
}

function parsed(text: string): Answer["body"] {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
