/** A cell's Worker whose handlers are a spy: everything before them is the product's own. Runs in workerd. */
import { SmartRouter } from "hono/router/smart-router";
import type { CellEnv } from "../../src/env.ts";
import { type FreshWorker, freshWorker } from "./fresh-worker.ts";

type Entry = [handler: (...values: never[]) => unknown, route: unknown];

/**
 * `handled` has the path of each handler that was called, as the router knows it. A cell makes its app at the first request
 * of an environment; what it then gives to the router passes through here, and whatever takes no `next` is a handler.
 */
export async function spiedWorker(changes: Partial<CellEnv> = {}): Promise<{ worker: FreshWorker; handled: string[] }> {
  const handled: string[] = [];
  const real = SmartRouter.prototype.add;
  SmartRouter.prototype.add = function (this: SmartRouter<unknown>, method: string, path: string, value: unknown) {
    const [handler, route] = value as Entry;
    const spy = () => {
      handled.push(`${method} ${path}`);
      return new Response('{"code":"handled"}', { headers: { "Content-Type": "application/json" } });
    };
    real.call(this, method, path, [handler.length < 2 ? spy : handler, route]);
  };
  const worker = freshWorker(changes);
  try {
    await worker("/");
  } finally {
    SmartRouter.prototype.add = real;
  }
  return { worker, handled };
}
