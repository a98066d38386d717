/**
 * Compile-time proofs about routes: the compiler is the test (`npm run check:types`), for an error that is expected and does
 * not come is an error itself.
 */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { expect, test } from "vitest";
import type { CellApp, HttpEnv } from "../../src/http/environment.ts";
import { declareRoute, mount } from "../../src/http/route.ts";

const app: CellApp = new OpenAPIHono<HttpEnv>();
const route = {
  method: "get",
  path: "/v1/example",
  operationId: "example",
  summary: "An example",
  tag: "Examples",
  responses: { 200: { description: "It", content: { "application/json": { schema: z.object({ ok: z.boolean() }) } } } },
} as const;

/** Never run. */
function _proofs() {
  // @ts-expect-error S2-9 a route without a permission does not compile
  declareRoute(route);
  // @ts-expect-error a permission that does not exist does not compile
  declareRoute({ ...route, permission: "entry.delete" });
  // @ts-expect-error S2-10 a route that was not declared cannot be mounted: there is no way around its authorisation
  mount(app, createRoute({ method: "get", path: "/v1/bare", responses: route.responses }), (c) => c.json({ ok: true }));
  const declared = declareRoute({ ...route, permission: "entry.read" });
  // @ts-expect-error an answer that is not the declared one does not compile
  mount(app, declared, (c) => c.json({ ok: "yes" }, 200));
}

test("S2-9 a route with its permission compiles, mounts, and is authorised before its handler", async () => {
  const own: CellApp = new OpenAPIHono<HttpEnv>();
  let handled = false;
  mount(own, declareRoute({ ...route, permission: "entry.read" }), (c) => {
    handled = true;
    return c.json({ ok: true }, 200);
  });
  own.onError((error, c) => c.text(error.name, 401));
  // Without services nobody can be authenticated: the authorisation, which comes first, fails.
  expect((await own.request("/v1/example")).status).toBe(401);
  expect(handled).toBe(false);
});
