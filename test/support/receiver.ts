/** A small real HTTP server on the loopback that writes down what it is sent: a Healthchecks server, or somebody's webhook. Node. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  method: string;
  path: string;
  search: string;
  headers: Record<string, string>;
  body: string;
}

export class Receiver {
  readonly received: Received[] = [];
  /** Status to answer with; null: never. */
  answer: number | null = 200;
  #server: Server | undefined;

  async start(): Promise<string> {
    this.#server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      const { pathname, search } = new URL(request.url ?? "/", "http://receiver");
      const headers = request.headers as Record<string, string>;
      this.received.push({ method: request.method ?? "", path: pathname, search, headers, body });
      if (this.answer !== null) response.writeHead(this.answer, { Location: "http://127.0.0.1:1/elsewhere" }).end("OK");
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Paths in the order in which they came, without the part that is common to all. */
  paths(base = ""): string[] {
    return this.received.map(({ path }) => path.slice(base.length));
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }
}
