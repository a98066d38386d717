/** Readers of live connections for the tests in workerd, who follow the protocol and say what came. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import type { DomainKeeper } from "../../durable-objects/domain-keeper.ts";
import { env, ORIGIN, workerFetch } from "./cell.ts";

export interface SeenEntry {
  seq: number;
  id: string;
  prev_hash: string;
  entry_hash: string;
  payload: { action: string } & Record<string, unknown>;
}

export const tailPath = (domainId: string, query = "") => `/v1/domains/${domainId}/audit/tail${query}`;

/** The keeper's own stub, for evicting it. */
export const keeperOf = (domainId: string) => env.DOMAIN_KEEPER.getByName(domainId);
export const inKeeper = <T>(domainId: string, run: (keeper: DomainKeeper) => T | Promise<T>): Promise<T> =>
  runInDurableObject(keeperOf(domainId), (keeper: DomainKeeper) => run(keeper));

/** Has the keeper look at its connections as its alarm would. */
export const lookNow = (domainId: string) => inKeeper(domainId, (keeper) => keeper.tail.look());
export const keeperAlarm = (domainId: string) => runDurableObjectAlarm(keeperOf(domainId));

/** Waits for something that happens soon, and fails when it does not. */
export async function soon<T>(look: () => T | undefined | false, what: string, withinMs = 10_000): Promise<T> {
  for (const untilMs = Date.now() + withinMs; Date.now() < untilMs; ) {
    const seen = look();
    if (seen !== undefined && seen !== false) return seen;
    await scheduler.wait(5);
  }
  throw new Error(`did not happen: ${what}`);
}

interface Message {
  type: string;
  entry?: SeenEntry;
  next?: number;
  reason?: string;
}

/** A reader over a WebSocket. `echo` false: it never sends a mark back. */
export class SocketReader {
  readonly entries: SeenEntry[] = [];
  readonly messages: Message[] = [];
  readonly texts: string[] = [];
  closed: { code: number; reason: string } | null = null;
  readonly socket: WebSocket;

  constructor(socket: WebSocket, echo: boolean) {
    this.socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (data === "pong") return void this.texts.push(data);
      const message = JSON.parse(data as string) as Message;
      this.messages.push(message);
      if (message.entry) this.entries.push(message.entry);
      if (message.type === "mark" && echo) socket.send(data);
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.closed = { code, reason };
    });
    socket.accept();
  }

  get seqs(): number[] {
    return this.entries.map(({ seq }) => seq);
  }

  has(count: number): Promise<number[]> {
    return soon(() => this.entries.length >= count && this.seqs, `${count} entries (there are ${this.entries.length})`);
  }

  ended(): Promise<{ code: number; reason: string }> {
    return soon(() => this.closed ?? undefined, "the connection ends");
  }
}

export async function openSocket(
  domainId: string,
  key: string,
  { query = "", echo = true, headers = {} }: { query?: string; echo?: boolean; headers?: Record<string, string> } = {},
): Promise<SocketReader> {
  const answer = await workerFetch(ORIGIN + tailPath(domainId, query), {
    headers: { Upgrade: "websocket", Authorization: `Bearer ${key}`, ...headers },
  });
  if (!answer.webSocket) throw new Error(`no WebSocket: ${answer.status} ${await answer.text()}`);
  return new SocketReader(answer.webSocket, echo);
}

/** A reader of server-sent events, as WHATWG HTML §9.2.6 reads them. */
export class StreamReader {
  readonly entries: SeenEntry[] = [];
  readonly events: { type: string; data: string }[] = [];
  lastId = "";
  text = "";
  done = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest = "";

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
    void this.#read();
  }

  get seqs(): number[] {
    return this.entries.map(({ seq }) => seq);
  }

  has(count: number): Promise<number[]> {
    return soon(() => this.entries.length >= count && this.seqs, `${count} entries (there are ${this.entries.length})`);
  }

  ended(): Promise<boolean> {
    return soon(() => this.done, "the stream ends");
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        const text = decoder.decode(value, { stream: true });
        this.text += text;
        this.#rest += text;
        this.#take();
      }
    } catch {
      // Cut off.
    }
    this.done = true;
  }

  #take(): void {
    const blocks = this.#rest.split("\n\n");
    this.#rest = blocks.pop() ?? "";
    for (const block of blocks) {
      let data = "";
      let type = "message";
      for (const line of block.split("\n")) {
        if (line.startsWith("id: ")) this.lastId = line.slice(4);
        if (line.startsWith("data: ")) data += line.slice(6);
        if (line.startsWith("event: ")) type = line.slice(7);
      }
      if (data === "") continue;
      this.events.push({ type, data });
      if (type === "message") this.entries.push(JSON.parse(data));
    }
  }
}

export async function openStream(
  domainId: string,
  key: string,
  { query = "", headers = {} }: { query?: string; headers?: Record<string, string> } = {},
): Promise<StreamReader> {
  const answer = await workerFetch(ORIGIN + tailPath(domainId, query), {
    headers: { Accept: "text/event-stream", Authorization: `Bearer ${key}`, ...headers },
  });
  if (answer.status !== 200 || !answer.body) throw new Error(`no stream: ${answer.status} ${await answer.text()}`);
  return new StreamReader(answer.body);
}
