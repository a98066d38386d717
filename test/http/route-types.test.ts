/**
 * Compile-time proofs about routes: the compiler is the test (`npm run check:types`), for an error that is expected and does
 * not come is an error itself.
 */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { expect, test } from "vitest";
import { cellApp } from "../../src/http/app.ts";
import type { CellApp, CellServices, HttpEnv } from "../../src/http/environment.ts";
import { declareRoute, mount } from "../../src/http/route.ts";
import { PUBLIC } from "../../src/services/permissions.ts";

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

test("S2-10 a bare route, a bare middleware or a mounted app is refused until it is declared, and what is declared goes on", async () => {
  const services = () => ({}) as CellServices;
  for (const add of [
    (cell: CellApp) => cell.get("/v1/bare", (c) => c.json({ ran: true })),
    (cell: CellApp) => cell.all("/v1/*", (c) => c.json({ ran: true })),
    (cell: CellApp) =>
      cell.route(
        "/v1",
        new OpenAPIHono<HttpEnv>().get("/bare", (c) => c.json({ ran: true })),
      ),
    (cell: CellApp) => cell.use("/v1/bare", (c) => Promise.resolve(c.json({ ran: true }))),
    (cell: CellApp) =>
      cell.openapi(createRoute({ method: "get", path: "/v1/bare", responses: route.responses }), (c) =>
        c.json({ ok: true }, 200),
      ),
  ]) {
    const cell = cellApp(services);
    expect((await cell.request("/v1/bare")).status).toBe(404);
    expect((await cell.request("/healthz")).status).toBe(200);
    const open = cellApp(services);
    add(open);
    const answer = await open.request("/v1/bare");
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: "auth.forbidden", detail: "this route has not been declared" });
    expect((await open.request("/healthz")).status).toBe(200);
  }
});

test("S2-10 nor can a bare route stand in front of, or behind, a declared one of the same path", async () => {
  const cell = cellApp(() => ({}) as CellServices);
  cell.get("/healthz", (c) => c.json({ status: "bare" }));
  expect((await cell.request("/healthz")).status).toBe(403);
});

test("S2-10 declared, the same route runs", async () => {
  const cell = cellApp(() => ({}) as CellServices);
  mount(cell, declareRoute({ ...route, permission: PUBLIC }), (c) => c.json({ ok: true }, 200));
  expect(await (await cell.request("/v1/example")).json()).toEqual({ ok: true });
});
