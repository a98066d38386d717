/**
 * Declaring a route. The permission is part of the declaration: without one it does not compile, and `mount` takes nothing
 * else, so no route exists outside the OpenAPI document or without its authorisation.
 */
import { createRoute, type RouteConfig, type RouteHandler, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { ERRORS, type ErrorCode } from "../core/errors.ts";
import { type Permission, PUBLIC } from "../services/permissions.ts";
import { authorise } from "./auth.ts";
import { problemReferences } from "./document/problems.ts";
import type { CellApp, HttpEnv } from "./environment.ts";
import { admit } from "./only-declared.ts";
import { asPage, sameOriginForm } from "./pages/headers.ts";
import { problemSchema } from "./schemas/resources.ts";

/** `any_credential`: for asking who one is. */
type Declaration = Permission | typeof PUBLIC | "any_credential";

type Declared = Omit<RouteConfig, "middleware" | "security" | "tags"> & {
  permission: Declaration;
  operationId: string;
  summary: string;
  tag: string;
  /** What else may go wrong; authorisation and validation are added. */
  problems?: readonly ErrorCode[];
  before?: MiddlewareHandler<HttpEnv>[];
};

const declared = Symbol("declared");

/** What the handler's types are inferred from; the rest of a declaration is for the document and the middleware. */
type Route<R extends Declared> = Pick<R, keyof R & ("method" | "path" | "request" | "responses")> & {
  [declared]: Declaration;
};

export function declareRoute<const R extends Declared>(route: R): Route<R> {
  const { permission, tag, problems = [], before = [], ...rest } = route;
  const codes: ErrorCode[] = [...problems];
  if (permission !== PUBLIC) codes.push("auth.required", "rate.limited", "internal");
  if (permission !== PUBLIC && permission !== "any_credential") codes.push("auth.forbidden", "resource.not_found");
  if (rest.path.includes("{tenantId}") || rest.path.includes("{domainId}")) codes.push("tenant.deleting");
  if (rest.request) codes.push("request.invalid");
  const guard = permission === PUBLIC ? [] : [authorise(permission === "any_credential" ? null : permission)];
  const config = createRoute({
    ...rest,
    tags: [tag],
    ...(permission === PUBLIC ? {} : { security: [{ bearer: [] }] }),
    "x-permission": permission,
    responses: { ...problemResponses(codes, before.some(isOfPages)), ...rest.responses },
    middleware: [...guard, ...before],
  } as unknown as RouteConfig);
  return Object.assign(config, { [declared]: permission }) as unknown as Route<R>;
}

/** The only way to add a route to a cell. */
export function mount<R extends RouteConfig & { [declared]: Declaration }>(
  app: CellApp,
  route: R,
  handler: RouteHandler<R, HttpEnv>,
): void {
  admit(app, () => app.openapi(route, handler));
}

/** For routes that answer pages: what goes wrong is a page too, except before they are reached. */
const isOfPages = (middleware: MiddlewareHandler<HttpEnv>) => middleware === asPage || middleware === sameOriginForm;

function problemResponses(codes: readonly ErrorCode[], withPages: boolean): RouteConfig["responses"] {
  const page = withPages ? { "text/html": { schema: z.string() } } : {};
  const byStatus = Map.groupBy(new Set(codes), (code) => ERRORS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      {
        description: group.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join("; "),
        content: {
          "application/problem+json": { schema: problemSchema, examples: problemReferences(group) },
          ...page,
        },
      },
    ]),
  );
}
