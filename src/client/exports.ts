/** Copies of entries that leave the building whole (docs/exporting.md). */
import { MoonsealProblem, MoonsealUnreachable } from "./errors.ts";
import type { CallOptions, Requests } from "./requests.ts";
import { isRetryable } from "./retry.ts";
import type { OpenAnswer, Transport } from "./transport.ts";
import type { Export, ExportLink, ExportLinkWish, ExportOfDomainWish, ExportWish, NewExportLink } from "./types.ts";

export interface DownloadOptions extends CallOptions {
  /** Bytes that are there already. */
  offset?: number | undefined;
}

/** Between two looks at an export that is being made. */
const FIRST_LOOK_MS = 200;
const SLOWEST_LOOK_MS = 5000;
const SILENCE_MS = 60_000;
/** Connections without a byte that end a download. */
const EMPTY_ATTEMPTS = 6;
const BASE_MS = 250;

export class ExportClient {
  readonly #requests: Requests;
  readonly #transport: Transport;

  constructor(requests: Requests, transport: Transport) {
    this.#requests = requests;
    this.#transport = transport;
  }

  /** It is being made when this answers. Not repeated: a second one would be another export. */
  async create(domainId: string, wish: ExportWish = {}, options: CallOptions = {}): Promise<Export> {
    return (await this.#requests.post<{ export: Export }>(pathOf(domainId), wish, options)).export;
  }

  /** The same at the address that names no domain: `domain_id` is one of the credential's own tenant. */
  async createForTenant(wish: ExportOfDomainWish, options: CallOptions = {}): Promise<Export> {
    return (await this.#requests.post<{ export: Export }>("/v1/audit/export", wish, options)).export;
  }

  /** Newest first. */
  async list(domainId: string, options: CallOptions = {}): Promise<Export[]> {
    return (await this.#requests.get<{ exports: Export[] }>(pathOf(domainId), {}, options)).exports;
  }

  read(domainId: string, exportId: string, options: CallOptions = {}): Promise<Export> {
    return this.#requests.get(pathOf(domainId, exportId), {}, options);
  }

  /** What becomes of it, look by look; the last one is that of an export that is `done`, or over in another way. */
  async *watch(domainId: string, exportId: string, options: CallOptions = {}): AsyncGenerator<Export> {
    for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(SLOWEST_LOOK_MS, waitMs * 1.5)) {
      const now = await this.read(domainId, exportId, options);
      yield now;
      if (now.status !== "queued" && now.status !== "running") return;
      await this.#transport.wait(waitMs, options.signal);
    }
  }

  /** Its address downloads the export without any other credential, and is shown once. */
  link(
    domainId: string,
    exportId: string,
    wish: ExportLinkWish = {},
    options: CallOptions = {},
  ): Promise<NewExportLink> {
    return this.#requests.post(`${pathOf(domainId, exportId)}/link`, wish, options);
  }

  /** Nothing comes back: the link is dead. */
  revokeLink(domainId: string, exportId: string, linkId: ExportLink["id"], options: CallOptions = {}): Promise<null> {
    return this.#requests.delete(`${pathOf(domainId, exportId)}/links/${encodeURIComponent(linkId)}`, options);
  }

  /** Its links are dead and its file is deleted. */
  revoke(domainId: string, exportId: string, options: CallOptions = {}): Promise<Export> {
    return this.#requests.delete(pathOf(domainId, exportId), options);
  }

  /**
   * The archive from `offset` on, by the token of a link; goes on where it broke off. Untrusted until it is verified. Throws what
   * waiting does not change, and `MoonsealUnreachable` when connections come to nothing again and again.
   */
  async *download(
    domainId: string,
    exportId: string,
    token: string,
    { offset = 0, signal }: DownloadOptions = {},
  ): AsyncGenerator<Uint8Array> {
    let at = offset;
    for (let failures = 0; ; ) {
      const before = at;
      try {
        const answer = await this.#part(domainId, exportId, token, at, signal);
        const size = sizeOf(answer, at);
        for await (const chunk of answer.chunks) {
          at += chunk.length;
          yield chunk;
        }
        if (size === null || at === size) return;
        throw new MoonsealUnreachable("the answer broke off", 1);
      } catch (error) {
        const passes =
          error instanceof MoonsealProblem
            ? isRetryable(error.status, error.code)
            : error instanceof MoonsealUnreachable;
        if (!passes || signal?.aborted) throw error;
        failures = at === before ? failures + 1 : 1;
        if (failures >= EMPTY_ATTEMPTS) throw error;
        const asked = error instanceof MoonsealProblem ? (error.retryAfterMs ?? 0) : 0;
        await this.#transport.wait(asked + this.#transport.jitter(BASE_MS * 2 ** failures), signal);
      }
    }
  }

  #part(domainId: string, exportId: string, token: string, at: number, signal: AbortSignal | undefined) {
    return this.#transport.open({
      path: `${pathOf(domainId, exportId)}/download`,
      query: [["token", token]],
      accept: "application/zip",
      ...(at > 0 && { headers: { range: `bytes=${at}-` } }),
      authenticate: false,
      statuses: at > 0 ? [206] : [200],
      silenceMs: SILENCE_MS,
      signal,
    });
  }
}

/** Of the whole archive, in bytes; null: the answer does not say. Throws for an answer that is not the part that was asked for. */
function sizeOf({ header }: OpenAnswer, at: number): number | null {
  if (at === 0) return header("content-length") === null ? null : Number(header("content-length"));
  const [, first, whole] = /^bytes (\d+)-\d+\/(\d+)$/.exec(header("content-range") ?? "") ?? [];
  if (Number(first) !== at) throw new MoonsealUnreachable("the answer is another part of the archive", 1);
  return Number(whole);
}

const pathOf = (domainId: string, exportId?: string) =>
  `/v1/domains/${encodeURIComponent(domainId)}/exports${exportId === undefined ? "" : `/${encodeURIComponent(exportId)}`}`;
