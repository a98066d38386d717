/** A double on a socket of this machine. Runs in Node. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Served {
  url: string;
  close: () => Promise<void>;
}

/** `handle` gets the request as it came over the wire. */
export function serve(handle: (request: Request) => Promise<Response>): Promise<Served> {
  return serveRaw((incoming, outgoing) => {
    void requestOf(incoming)
      .then(handle)
      .then(async (answer) => {
        outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
        outgoing.end(Buffer.from(await answer.arrayBuffer()));
      });
  });
}

export function serveRaw(listener: RequestListener): Promise<Served> {
  const server = createServer(listener);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      resolve({ url: `http://127.0.0.1:${port}`, close: () => closed(server) });
    });
  });
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]);
  const url = `http://${incoming.headers.host}${incoming.url}`;
  return new Request(url, { method: incoming.method ?? "GET", headers, body: Buffer.concat(chunks) });
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
