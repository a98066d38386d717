/**
 * The gateway: sends each request to the one cell that it names, and serves the documents that belong to no cell.
 * It holds no data, no key and no database; what it cannot place it forwards to nobody.
 */
import { type Context, Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import openapi from "../../docs/openapi.json";
import { API_KEY_PATTERN } from "../core/api-key.ts";
import { AppError, isAppError } from "../core/errors.ts";
import { isJurisdiction, type Jurisdiction } from "../core/ids.ts";
import { LIMITS } from "../core/limits.ts";
import type { GatewayEnv } from "../env.ts";
import { declaredOperations, permissionsDocument, tiersDocument } from "../http/catalogue.ts";
import { claimsDocument } from "../http/claims.ts";
import type { ApiDocument } from "../http/document/schema.ts";
import { eventTypesDocument, eventTypesWanted } from "../http/event-types.ts";
import { keyFormatDocument } from "../http/key-format.ts";
import { problemResponse } from "../http/problem.ts";
import { requestIdOf } from "../http/request-id.ts";
import { SECURE_HEADERS } from "../http/secure-headers.ts";
import { claimsPage } from "./claims-page.ts";
import { docsIndex, docsPage } from "./docs/pages.ts";
import type { Html } from "./layout.ts";
import { indexPage, problemPage, problemsPage } from "./pages.ts";
import { cookiesOf, isWholeCredential, offeredCredential, routeTo } from "./routing.ts";
import { statusOfCells } from "./status.ts";
import { statusPage } from "./status-page.ts";
import { STYLE, STYLE_ADDRESS } from "./style.ts";

type GatewayContext = Context<{ Bindings: GatewayEnv }>;

const permissions = permissionsDocument(declaredOperations(openapi));
const description = openapi as unknown as ApiDocument;

const app = new Hono<{ Bindings: GatewayEnv }>();

app.use(async (c, next) => {
  await next();
  // A cell's answers carry these already.
  if (!c.res.headers.has("Strict-Transport-Security")) await secureHeaders(SECURE_HEADERS)(c, async () => {});
});
app.get("/", (c) => shown(c, "", indexPage));
app.get("/docs", (c) => shown(c, "docs", () => docsIndex(description)));
app.get("/docs/:tag", (c) => {
  const tag = c.req.param("tag");
  return shown(c, `docs/${tag}`, () => docsPage(description, tag));
});
app.get("/problems", (c) => shown(c, "problems", problemsPage));
app.get("/problems/:code", (c) => {
  const code = c.req.param("code");
  return shown(c, `problems/${code}`, () => problemPage(code, description));
});
app.get(STYLE_ADDRESS, (c) =>
  c.body(STYLE, 200, { "Content-Type": "text/css; charset=utf-8", "Cache-Control": "public, max-age=300" }),
);
app.get("/healthz", (c) => c.json({ status: "ok" }));
app.get("/openapi.json", (c) => c.json(openapi, 200, { "Cache-Control": "public, max-age=300" }));
app.get("/v1/permissions", (c) => c.json(permissions, 200, { "Cache-Control": "public, max-age=300" }));
app.get("/v1/event-types", (c) => {
  const types = eventTypesDocument(eventTypesWanted(c.req.queries()));
  return c.json(types, 200, { "Cache-Control": "public, max-age=300" });
});
app.get("/v1/key-format", (c) => c.json(keyFormatDocument(), 200, { "Cache-Control": "public, max-age=300" }));
app.get("/v1/tiers", (c) => c.json(tiersDocument(), 200, { "Cache-Control": "public, max-age=300" }));
app.get("/claims", (c) => shown(c, "claims", () => claimsPage(claimsDocument())));
app.get("/v1/claims", (c) => c.json(claimsDocument(), 200, { "Cache-Control": "public, max-age=300" }));
app.get("/.well-known/moonseal", (c) => bothCells(c, "public, max-age=300"));
app.get("/.well-known/jwks.json", (c) => bothCells(c, "public, max-age=300", "keys", "application/jwk-set+json"));
app.get("/v1/residency", (c) => (c.req.header("Authorization") ? forward(c, null) : bothCells(c, "no-store")));
app.get("/v1/status", async (c) => {
  const cells = await statusOfCells(c.env, new URL(c.req.url).origin);
  return c.json({ cells }, 200, { "Cache-Control": "no-store" });
});
app.get("/status", async (c) => {
  const cells = await statusOfCells(c.env, new URL(c.req.url).origin);
  return c.html(statusPage(cells, Date.now()), 200, { "Cache-Control": "no-store" });
});
app.post("/v1/status/reports/:jurisdiction", (c) => forwardReport(c));
// The only route whose body says where it belongs, so the only body that is read here.
app.post("/v1/tenants", async (c) => {
  const body = await readBounded(c.req.raw);
  return forward(c, jurisdictionOf(body), new Request(c.req.raw, { body }));
});
// A key that was found names its jurisdiction. What is no key goes to no cell: it may be somebody else's secret.
app.post("/v1/leaks", async (c) => {
  const body = await readBounded(c.req.raw);
  const jurisdiction = keyJurisdictionOf(body);
  if (jurisdiction === null) {
    const detail = "must be spelled like an API key, see /v1/key-format";
    return problem(c, new AppError("request.invalid", { errors: [{ pointer: "/key", detail }] }));
  }
  return forward(c, jurisdiction, new Request(c.req.raw, { body }));
});
// The cells as witnesses (C2SP tlog-witness): a cell's submission prefix here is `/witness/<jurisdiction>`.
app.post("/witness/:jurisdiction/add-checkpoint", (c) => forwardToWitness(c, "add-checkpoint"));
app.get("/witness/:jurisdiction/:originHash{[0-9a-f]+}/checkpoint", (c) =>
  forwardToWitness(c, `${c.req.param("originHash")}/checkpoint`),
);
app.all("*", (c) => forward(c, null));
app.onError((error, c) => problem(c, isAppError(error) ? error : new AppError("internal")));

/** Pages that were made: only what exists is kept, so there are as many as tags and codes. */
const made = new Map<string, Html>();

/** The page of this name from memory, or as `make` makes it; null from it is a 404. */
function shown(c: GatewayContext, name: string, make: () => Html | null): Response | Promise<Response> {
  const html = made.get(name) ?? make();
  if (html === null) return notFound(c);
  made.set(name, html);
  return c.html(html, 200, { "Cache-Control": "public, max-age=300" });
}

/** What both cells say of themselves, in one answer; the first refusal when one does not. */
async function bothCells(
  c: GatewayContext,
  cacheControl: string,
  list: "cells" | "keys" = "cells",
  contentType = "application/json",
): Promise<Response> {
  // GET, whatever was asked: a HEAD would bring no report to merge.
  const request = new Request(c.req.url, { headers: c.req.raw.headers });
  // What one cell gave out is not shown to the other.
  for (const name of ["Authorization", "Cookie"]) request.headers.delete(name);
  const answers = await Promise.all([
    cell(c.env, "eu").fetch(request.clone()),
    cell(c.env, "us").fetch(request.clone()),
  ]);
  const failed = answers.find((answer) => !answer.ok);
  if (failed) return failed;
  const reports = (await Promise.all(answers.map((answer) => answer.json()))) as Record<typeof list, unknown[]>[];
  const body = JSON.stringify({ [list]: reports.flatMap((report) => report[list]) });
  return c.body(body, 200, { "Content-Type": contentType, "Cache-Control": cacheControl });
}

function forward(
  c: GatewayContext,
  bodyJurisdiction: string | null,
  request = c.req.raw,
): Response | Promise<Response> {
  const { pathname } = new URL(request.url);
  const asked = withOfferedCredential(request);
  const authorization = asked.headers.get("Authorization");
  const jurisdiction = routeTo({ pathname, authorization, bodyJurisdiction });
  if (jurisdiction === null) return notFound(c);
  return cell(c.env, jurisdiction).fetch(withoutStray(asked, jurisdiction));
}

/** A WebSocket's credential where every other one stands, so that all that holds for those holds for it. */
function withOfferedCredential(request: Request): Request {
  const { headers } = request;
  const offered = offeredCredential(headers.get("Sec-WebSocket-Protocol"), headers.get("Authorization"));
  if (!offered) return request;
  const asked = new Request(request);
  const { authorization, protocols } = offered;
  if (authorization === null) asked.headers.delete("Authorization");
  else asked.headers.set("Authorization", authorization);
  if (protocols === null) asked.headers.delete("Sec-WebSocket-Protocol");
  else asked.headers.set("Sec-WebSocket-Protocol", protocols);
  return asked;
}

/** Method and body only: a witness asks nobody for a credential, so none may cross. */
function forwardToWitness(c: GatewayContext, path: string): Response | Promise<Response> {
  const jurisdiction = c.req.param("jurisdiction");
  if (!isJurisdiction(jurisdiction)) return notFound(c);
  const { method, body, headers } = c.req.raw;
  const requestId = headers.get("X-Request-Id");
  const request = new Request(new URL(`/witness/${path}`, c.req.url), {
    method,
    headers: requestId === null ? {} : { "X-Request-Id": requestId },
    ...(body === null ? {} : { body, duplex: "half" }),
  } as RequestInit);
  return cell(c.env, jurisdiction).fetch(request);
}

/** Method, body and signature only: a probe has no other credential, so none may cross. */
function forwardReport(c: GatewayContext): Response | Promise<Response> {
  const jurisdiction = c.req.param("jurisdiction");
  if (!isJurisdiction(jurisdiction)) return notFound(c);
  const { method, body, headers } = c.req.raw;
  const kept = ["webhook-id", "webhook-timestamp", "webhook-signature", "CF-Connecting-IP", "X-Request-Id"].flatMap(
    (name) => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value] as [string, string]];
    },
  );
  const request = new Request(new URL("/v1/status/reports", c.req.url), {
    ...{ method, headers: { "Content-Type": "text/plain; charset=utf-8", ...Object.fromEntries(kept) } },
    ...(body === null ? {} : { body, duplex: "half" }),
  } as RequestInit);
  return cell(c.env, jurisdiction).fetch(request);
}

/**
 * A credential that is not whole may be the other cell's in a wrong spelling, so it reaches nobody; cookies reach the cell that set
 * them, though a browser sends all of them to this host.
 */
function withoutStray(request: Request, jurisdiction: Jurisdiction): Request {
  const [authorization, cookie] = [request.headers.get("Authorization"), request.headers.get("Cookie")];
  const isStray = authorization !== null && !isWholeCredential(authorization);
  if (!isStray && cookie === null) return request;
  const stripped = new Request(request);
  if (isStray) stripped.headers.delete("Authorization");
  const own = cookie === null ? null : cookiesOf(cookie, jurisdiction);
  if (own === null) stripped.headers.delete("Cookie");
  else stripped.headers.set("Cookie", own);
  return stripped;
}

function cell(env: GatewayEnv, jurisdiction: Jurisdiction): Fetcher {
  return jurisdiction === "eu" ? env.CELL_EU : env.CELL_US;
}

/** The bytes as they came: what is odd about them is for the cell to refuse. */
async function readBounded(request: Request): Promise<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    byteLength += chunk.length;
    if (byteLength > LIMITS.requestBodyBytes) {
      const detail = `the body may have ${LIMITS.requestBodyBytes} bytes`;
      throw new AppError("request.too_large", { detail, errors: [{ pointer: "", detail }] });
    }
    chunks.push(chunk);
  }
  return new Blob(chunks).arrayBuffer();
}

/** What a body says, for routing only; the cell reads it strictly. A body that says nothing leaves it to the credential. */
function jurisdictionOf(body: ArrayBuffer): string | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    const named = typeof value === "object" && value !== null && "jurisdiction" in value ? value.jurisdiction : null;
    return named === null || named === undefined ? null : String(named);
  } catch {
    return null;
  }
}

/** The jurisdiction of the key in a report; null when none stands there. */
function keyJurisdictionOf(body: ArrayBuffer): string | null {
  try {
    const { key } = JSON.parse(new TextDecoder().decode(body)) as { key?: unknown };
    return (typeof key === "string" && API_KEY_PATTERN.exec(key)?.[1]) || null;
  } catch {
    return null;
  }
}

const notFound = (c: GatewayContext) => problem(c, new AppError("resource.not_found"));

function problem(c: GatewayContext, error: AppError): Response {
  return problemResponse(error, new URL(c.req.url).origin, requestIdOf(c.req.header("X-Request-Id")));
}

export default app satisfies ExportedHandler<GatewayEnv>;
