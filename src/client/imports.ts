/** Logs that are moved into a domain (docs/moving.md). */
import type { CallOptions, Requests } from "./requests.ts";
import type { Transport } from "./transport.ts";
import type { Import } from "./types.ts";

export interface Archive {
  /** Byte length. */
  bytes: number;
  /** From the beginning, each time it is called. */
  open(): ReadableStream<Uint8Array>;
}

const FIRST_LOOK_MS = 200;
const SLOWEST_LOOK_MS = 5000;
const SILENCE_MS = 120_000;

export class ImportClient {
  readonly #requests: Requests;
  readonly #transport: Transport;

  constructor(requests: Requests, transport: Transport) {
    this.#requests = requests;
    this.#transport = transport;
  }

  /** Sends an archive; it is being verified when this answers. The same archive again is the same import. */
  async create(domainId: string, trustedKey: string, archive: Archive, { signal }: CallOptions = {}): Promise<Import> {
    const answer = await this.#transport.open({
      method: "POST",
      path: pathOf(domainId),
      query: [
        ["key", trustedKey],
        ["bytes", String(archive.bytes)],
      ],
      accept: "application/json",
      headers: { "content-type": "application/zip" },
      body: () => archive.open(),
      statuses: [202],
      silenceMs: SILENCE_MS,
      signal,
    });
    const text = new TextDecoder();
    let json = "";
    for await (const chunk of answer.chunks) json += text.decode(chunk, { stream: true });
    return (JSON.parse(json + text.decode()) as { import: Import }).import;
  }

  /** Null: no log was moved into it. */
  async read(domainId: string, options: CallOptions = {}): Promise<Import | null> {
    const { imports } = await this.#requests.get<{ imports: Import[] }>(pathOf(domainId), {}, options);
    return imports[0] ?? null;
  }

  /** What becomes of it, look by look; the last one is that of an import that is over. */
  async *watch(domainId: string, options: CallOptions = {}): AsyncGenerator<Import> {
    for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(SLOWEST_LOOK_MS, waitMs * 1.5)) {
      const now = await this.read(domainId, options);
      if (now) yield now;
      if (now?.status === "done" || now?.status === "refused") return;
      await this.#transport.wait(waitMs, options.signal);
    }
  }
}

const pathOf = (domainId: string) => `/v1/domains/${encodeURIComponent(domainId)}/imports`;
