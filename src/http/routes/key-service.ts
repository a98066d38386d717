import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError, type ErrorCode } from "../../core/errors.ts";
import { addressFault, addressOf, type KeyServiceConfig } from "../../core/key-service.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { keyServiceJson } from "../records.ts";
import { declareRoute, mount } from "../route.ts";
import { keyServiceSchema, setKeyServiceSchema } from "../schemas/key-service.ts";
import { tenantIdSchema } from "../schemas/resources.ts";
import { invalid } from "../validation.ts";

const TAG = "Key service";
const PATH = "/v1/tenants/{tenantId}/key-service";
const params = z.object({ tenantId: tenantIdSchema });
const shown = {
  200: { description: "The key service", content: { "application/json": { schema: keyServiceSchema } } },
};
const AWAY: ErrorCode[] = ["storage.unavailable", "keys.unavailable"];

const readKeyService = declareRoute({
  method: "get",
  path: PATH,
  operationId: "readKeyService",
  summary: "Read which key service wraps the tenant's keys",
  description:
    "Its settings, the state that it was last seen in, and which key needs which service. Never its credentials.",
  tag: TAG,
  permission: "key_service.read",
  problems: ["storage.unavailable"],
  request: { params },
  responses: shown,
});

const setKeyService = declareRoute({
  method: "put",
  path: PATH,
  operationId: "setKeyService",
  summary: "Bring your own key: have the tenant's keys wrapped by a service of your own",
  description:
    "The service first proves itself by wrapping and unwrapping 32 random bytes; then the tenant's next key is wrapped by it. Keys that the cell holds already stay readable until rotation has replaced them. The same key of the same service again replaces its credentials. Revoked there, nothing that is sealed under its keys is readable within 60 seconds, and the tenant's log says so; entries without personal data go on.",
  tag: TAG,
  permission: "key_service.manage",
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "limit.reached",
    "key_service.unproven",
    ...AWAY,
  ],
  before: [strictJsonBody],
  request: { params, body: { required: true, content: { "application/json": { schema: setKeyServiceSchema } } } },
  responses: shown,
});

const removeKeyService = declareRoute({
  method: "delete",
  path: PATH,
  operationId: "removeKeyService",
  summary: "Have the tenant's next key held by the cell again",
  description:
    "What was sealed under keys of the service still needs it until rotation has replaced them: take it away there only then. Removing it again answers the same.",
  tag: TAG,
  permission: "key_service.manage",
  problems: AWAY,
  request: { params },
  responses: shown,
});

export function keyServiceRoutes(app: CellApp): void {
  mount(app, readKeyService, async (c) => {
    const desk = await deskOf(c, c.req.valid("param").tenantId);
    return c.json(keyServiceJson(await desk.keyService()), 200, NOT_KEPT);
  });

  mount(app, setKeyService, async (c) => {
    const desk = await deskOf(c, c.req.valid("param").tenantId);
    const config = c.req.valid("json");
    refuseWrongAddress(config, c.get("services").config.pinnedTo === null);
    return c.json(keyServiceJson(await desk.setKeyService(config, askedBy(c))), 200, NOT_KEPT);
  });

  mount(app, removeKeyService, async (c) => {
    const desk = await deskOf(c, c.req.valid("param").tenantId);
    return c.json(keyServiceJson(await desk.removeKeyService(askedBy(c))), 200, NOT_KEPT);
  });
}

const NOT_KEPT = { "Cache-Control": "no-store" };

async function deskOf(c: Context<HttpEnv>, tenantId: string) {
  const { control, desk } = c.get("services");
  if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
  return desk(tenantId);
}

/** What no schema can say: where the cell may call, and that an ARN names its own region. */
function refuseWrongAddress(config: KeyServiceConfig, local: boolean): void {
  const fault = addressFault(addressOf(config), local);
  if (fault !== null) throw invalid([{ pointer: config.kind === "https" ? "/url" : "/endpoint", detail: fault }]);
  if (config.kind === "aws_kms" && config.key_arn.split(":")[3] !== config.region) {
    throw invalid([{ pointer: "/key_arn", detail: "must be of the region in `region`" }]);
  }
}
