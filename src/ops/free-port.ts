/** Free TCP ports of this machine's loopback address. */
import { createServer } from "node:net";

export const LOOPBACK = "127.0.0.1";
const PORTS_TRIED = 200;

/**
 * The first port at or after `first` that nobody listens on, apart from `taken`. Another process may still be faster:
 * whoever uses the port has to survive that.
 */
export async function freePort(first: number, taken: readonly number[] = []): Promise<number> {
  for (let port = first; port < first + PORTS_TRIED && port < 65_536; port++) {
    if (!taken.includes(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port in ${first} to ${Math.min(first + PORTS_TRIED - 1, 65_535)}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
