/**
 * The gateway: sends each request to the one cell that it names, and serves the documents that belong to no cell.
 * It holds no data, no key and no database; what it cannot place it forwards to nobody.
 */
import { type Context, Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import openapi from "../../docs/openapi.json";
import { AppError, isAppError } from "../core/errors.ts";
import { isJurisdiction, type Jurisdiction } from "../core/ids.ts";
import { LIMITS } from "../core/limits.ts";
import type { GatewayEnv } from "../env.ts";
import { problemResponse } from "../http/problem.ts";
import { requestIdOf } from "../http/request-id.ts";
import { SECURE_HEADERS } from "../http/secure-headers.ts";
import { indexPage, problemPage } from "./pages.ts";
import { isWholeCredential, routeTo } from "./routing.ts";

type GatewayContext = Context<{ Bindings: GatewayEnv }>;

const app = new Hono<{ Bindings: GatewayEnv }>();

app.use(async (c, next) => {
  await next();
  // A cell's answers carry these already.
  if (!c.res.headers.has("Strict-Transport-Security")) await secureHeaders(SECURE_HEADERS)(c, async () => {});
});
app.get("/", (c) => c.html(indexPage()));
app.get("/healthz", (c) => c.json({ status: "ok" }));
app.get("/openapi.json", (c) => c.json(openapi, 200, { "Cache-Control": "public, max-age=300" }));
app.get("/problems/:code", (c) => {
  const page = problemPage(c.req.param("code"));
  return page ? c.html(page) : notFound(c);
});
app.get("/.well-known/moonseal", (c) => bothCells(c, "public, max-age=300"));
app.get("/v1/residency", (c) => (c.req.header("Authorization") ? forward(c, null) : bothCells(c, "no-store")));
// The only route whose body says where it belongs, so the only body that is read here.
app.post("/v1/tenants", async (c) => {
  const body = await readBounded(c.req.raw);
  return forward(c, jurisdictionOf(body), new Request(c.req.raw, { body }));
});
// The cells as witnesses (C2SP tlog-witness): a cell's submission prefix here is `/witness/<jurisdiction>`.
app.post("/witness/:jurisdiction/add-checkpoint", (c) => forwardToWitness(c, "add-checkpoint"));
app.get("/witness/:jurisdiction/:originHash{[0-9a-f]+}/checkpoint", (c) =>
  forwardToWitness(c, `${c.req.param("originHash")}/checkpoint`),
);
app.all("*", (c) => forward(c, null));
app.onError((error, c) => problem(c, isAppError(error) ? error : new AppError("internal")));

/** What both cells say of themselves, in one answer; the first refusal when one does not. */
async function bothCells(c: GatewayContext, cacheControl: string): Promise<Response> {
  // GET, whatever was asked: a HEAD would bring no report to merge.
  const request = new Request(c.req.url, { headers: c.req.raw.headers });
  const answers = await Promise.all([
    cell(c.env, "eu").fetch(request.clone()),
    cell(c.env, "us").fetch(request.clone()),
  ]);
  const failed = answers.find((answer) => !answer.ok);
  if (failed) return failed;
  const reports = (await Promise.all(answers.map((answer) => answer.json()))) as { cells: unknown[] }[];
  return c.json({ cells: reports.flatMap(({ cells }) => cells) }, 200, { "Cache-Control": cacheControl });
}

function forward(
  c: GatewayContext,
  bodyJurisdiction: string | null,
  request = c.req.raw,
): Response | Promise<Response> {
  const { pathname } = new URL(request.url);
  const authorization = request.headers.get("Authorization");
  const jurisdiction = routeTo({ pathname, authorization, bodyJurisdiction });
  if (jurisdiction === null) return notFound(c);
  return cell(c.env, jurisdiction).fetch(withoutStrayCredential(request, authorization));
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

/** A credential that is not whole may be the other cell's in a wrong spelling, so it reaches nobody. */
function withoutStrayCredential(request: Request, authorization: string | null): Request {
  if (authorization === null || isWholeCredential(authorization)) return request;
  const stripped = new Request(request);
  stripped.headers.delete("Authorization");
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

const notFound = (c: GatewayContext) => problem(c, new AppError("resource.not_found"));

function problem(c: GatewayContext, error: AppError): Response {
  return problemResponse(error, new URL(c.req.url).origin, requestIdOf(c.req.header("X-Request-Id")));
}

export default app satisfies ExportedHandler<GatewayEnv>;
