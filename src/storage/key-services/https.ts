/** A key service of the tenant's own over HTTPS: two calls, published in docs/key-service-protocol.md. */
import { fromBase64, toBase64 } from "../../core/bytes.ts";
import { KeyServiceFailure } from "../../core/key-service.ts";
import { LIMITS } from "../../core/limits.ts";
import type { KeyService } from "../../services/ports.ts";
import { exchange, membersOf, noAnswer, type Wire } from "./exchange.ts";

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const KEY_BYTES = 32;

export class HttpsKeyService implements KeyService {
  readonly #url: string;
  readonly #token: string;
  readonly #wire: Wire;

  constructor({ url }: { url: string }, { token }: { token: string }, wire: Wire) {
    this.#url = url.replace(/\/+$/, "");
    this.#token = token;
    this.#wire = wire;
  }

  async wrap(tenantId: string, key: Uint8Array, version: number): Promise<string> {
    const { wrapped } = await this.#call("wrap", { tenant: tenantId, version, key: toBase64(key) });
    if (typeof wrapped === "string" && wrapped.length <= LIMITS.wrappedKeyChars && BASE64.test(wrapped)) return wrapped;
    throw noAnswer("it gave no wrapped key");
  }

  async unwrap(tenantId: string, wrapped: string, version: number): Promise<Uint8Array> {
    const { key } = await this.#call("unwrap", { tenant: tenantId, version, wrapped });
    const bytes = typeof key === "string" ? fromBase64(key) : null;
    if (bytes?.length === KEY_BYTES) return bytes;
    throw noAnswer("it gave no key of 32 bytes");
  }

  async #call(what: "wrap" | "unwrap", asked: object): Promise<{ [name: string]: unknown }> {
    const { status, text } = await exchange(
      {
        url: `${this.#url}/v1/${what}`,
        headers: {
          Authorization: `Bearer ${this.#token}`,
          "Content-Type": "application/json",
          Accept: "application/json",
        },
        body: JSON.stringify(asked),
      },
      this.#wire,
    );
    if (status === 200) return membersOf(text);
    throw failureOf(status);
  }
}

/** By the status alone: what the service wrote is not repeated to anybody. */
function failureOf(status: number): KeyServiceFailure {
  const refused = (words: string) => new KeyServiceFailure("refused", `${words} (status ${status})`);
  if (status === 401) return refused("it does not accept the token");
  if (status === 403) return refused("the key is revoked there");
  if (status === 404) return refused("it does not know the tenant or the key");
  if (status === 408 || status === 429) return noAnswer(`it is too busy (status ${status})`);
  if (status >= 400 && status < 500) return refused("it does not accept the request");
  return noAnswer(
    status >= 500 ? `it has a fault of its own (status ${status})` : `its status ${status} means nothing`,
  );
}
