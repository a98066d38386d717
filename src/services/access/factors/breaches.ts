/**
 * A list of stolen passwords that is asked by k-anonymity, as haveibeenpwned.com's range API is: it gets the first five of forty hex
 * digits of the password's SHA-1 and answers all that begin so. Off unless an operator sets its URL.
 */
import { createHash } from "node:crypto";
import type { BreachRange } from "./passwords.ts";

const TIMEOUT_MS = 3000;
/** About 900 lines of 45 characters, padded. */
const MAX_BYTES = 256 * 1024;

/**
 * Takes the setting. Throws RangeError unless it is an https URL with a host name, without credentials, query or fragment: it is the
 * operator's, and the request carries nothing but five hex digits. Redirects are not followed.
 */
export function breachRange(url: string, fetcher: typeof fetch = fetch): BreachRange {
  const base = parsed(url);
  return {
    async count(password) {
      const digest = createHash("sha1").update(password).digest("hex").toUpperCase();
      try {
        const response = await fetcher(new URL(digest.slice(0, 5), base), {
          redirect: "manual",
          headers: { "Add-Padding": "true" },
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        if (response.status !== 200) return null;
        const text = await bounded(response);
        if (text === null) return null;
        const line = text.split(/\r?\n/).find((each) => each.toUpperCase().startsWith(`${digest.slice(5)}:`));
        return line === undefined ? 0 : Number(line.slice(36)) || 0;
      } catch {
        return null;
      }
    },
  };
}

function parsed(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : null;
  const named = base !== null && /[a-z]$/.test(base.hostname) && base.hostname.includes(".");
  if (!named || base.protocol !== "https:" || base.username || base.password || base.search || base.hash) {
    throw new RangeError("BREACH_RANGE_URL must be https with a host name, without credentials, query or fragment");
  }
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return base;
}

async function bounded(response: Response): Promise<string | null> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > MAX_BYTES) return null;
  }
  return text;
}
