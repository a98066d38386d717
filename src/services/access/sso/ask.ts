/** One bounded request to a provider: no redirects, five seconds, JSON of a bounded size. */
import { AppError } from "../../../core/errors.ts";
import { LIMITS } from "../../../core/limits.ts";
import { type JsonValue, parseStrictJson } from "../../../core/strict-json.ts";
import { type AddressRules, providerAddress, refused } from "./address.ts";

export type Fetch = (request: Request) => Promise<Response>;

export interface AskDeps {
  fetch: Fetch;
  rules: AddressRules;
}

const MAX_DEPTH = 16;

/**
 * The JSON object that a provider answers. Throws `identity_provider.refused` for an address that may not be asked and for any other
 * answer, `identity_provider.unavailable` when none comes in time. What was answered is repeated nowhere.
 */
export async function askProvider(
  address: string,
  init: RequestInit,
  { fetch, rules }: AskDeps,
): Promise<Record<string, JsonValue>> {
  const url = providerAddress(address, rules);
  const timeout = new AbortController();
  // Cleared below: a timer that is left keeps the object in memory.
  const timer = setTimeout(() => timeout.abort(), LIMITS.providerTimeoutMs);
  let response: Response;
  let text: string;
  try {
    // A redirect would lead past the guard.
    response = await fetch(new Request(url, { ...init, redirect: "manual", signal: timeout.signal }));
    text = await boundedText(response);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("identity_provider.unavailable", { internal: "identity provider: no answer" });
  } finally {
    clearTimeout(timer);
  }
  if (response.status >= 500) throw new AppError("identity_provider.unavailable");
  if (response.status !== 200) throw refused(`the provider answered ${response.status || "with a redirect"}`);
  const json = parseStrictJson(text, MAX_DEPTH);
  if (!json.ok || typeof json.value !== "object" || json.value === null || Array.isArray(json.value)) {
    throw refused("the provider did not answer with a JSON object");
  }
  return json.value;
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    byteLength += chunk.length;
    if (byteLength > LIMITS.providerAnswerBytes) throw refused("the provider answered with too much");
    chunks.push(chunk);
  }
  return new Blob(chunks as Uint8Array<ArrayBuffer>[]).text();
}
