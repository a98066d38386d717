/** The gateway between two cells that only write down what reaches them. Runs in Node. */
import type { Jurisdiction } from "../../src/core/ids.ts";
import type { GatewayEnv } from "../../src/env.ts";
import gateway from "../../src/gateway/index.ts";

export interface Reached {
  cell: Jurisdiction;
  method: string;
  url: string;
  authorization: string | null;
  cookie: string | null;
  body: string;
}

type Answer = (request: Request, cell: Jurisdiction) => Response | Promise<Response>;

/** `ask` sends a request through the gateway; `reached` is what came to the cells since. */
export function spiedGateway(answer: Answer = () => new Response("from a cell")) {
  const reached: Reached[] = [];
  const cell = (name: Jurisdiction) =>
    ({
      async fetch(request: Request) {
        const { method, url } = request;
        const authorization = request.headers.get("Authorization");
        const cookie = request.headers.get("Cookie");
        reached.push({ cell: name, method, url, authorization, cookie, body: await request.clone().text() });
        return answer(request, name);
      },
    }) as unknown as Fetcher;
  const env: GatewayEnv = { CELL_EU: cell("eu"), CELL_US: cell("us") };
  const ask = (path: string, init?: RequestInit) =>
    Promise.resolve(gateway.fetch(new Request(`https://log.test${path}`, init), env));
  return { ask, reached };
}
