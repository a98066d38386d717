/**
 * Deny by default (S2-10): what answers a request was declared with its permission, or it answers nobody. There is no list of
 * paths to keep right: what was mounted is remembered, everything else that a router would call is refused.
 */
import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { AppError } from "../core/errors.ts";
import type { CellApp, HttpEnv } from "./environment.ts";

const admitted = new WeakSet<ReturnType<typeof matchedRoutes>[number]>();

/** Admits what `add` adds to the app: for `mount`, and for the app's own first middleware. */
export function admit(app: CellApp, add: () => void): void {
  const before = app.routes.length;
  add();
  for (const route of app.routes.slice(before)) admitted.add(route);
}

/** Throws `auth.forbidden` when anything on the way to the answer was not admitted. Costs a look-up a matched handler. */
export const onlyDeclared: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (!matchedRoutes(c).every((route) => admitted.has(route))) {
    throw new AppError("auth.forbidden", { detail: "this route has not been declared" });
  }
  await next();
};
