import { z } from "@hono/zod-openapi";
import { AppError, type ErrorCode, isAppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { newUserCode, shownUserCode } from "../../services/access/people/devices.ts";
import { newSecret, secretHashHex } from "../../services/access/people/secrets.ts";
import { PUBLIC } from "../../services/permissions.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp } from "../environment.ts";
import { limitAskers } from "../rate-limit.ts";
import { declareRoute, mount } from "../route.ts";
import {
  acceptInvitationSchema,
  confirmLoginSchema,
  deviceSchema,
  deviceTokenSchema,
  jurisdictionParam,
  loginAnswerSchema,
  loginSchema,
  outboxSchema,
  tokenSchema,
} from "../schemas/people.ts";
import {
  acceptLink,
  askForLink,
  confirmLink,
  deviceOf,
  issueToken,
  ownCell,
  peopleOf,
  randomBytes,
} from "../sign-in.ts";

const TAG = "Signing in";
const params = z.object({ jurisdiction: jurisdictionParam });
const BODY: ErrorCode[] = ["request.malformed", "request.unsupported_media_type", "request.too_large"];
const COMMON: ErrorCode[] = [...BODY, "resource.not_found", "rate.limited", "storage.unavailable"];
const before = [ownCell, limitAskers("auth"), strictJsonBody];
const NOT_KEPT = { "Cache-Control": "no-store" };
const signedIn = { description: "Signed in", content: { "application/json": { schema: tokenSchema } } };

const login = declareRoute({
  method: "post",
  path: "/v1/auth/{jurisdiction}/login",
  operationId: "login",
  summary: "Ask for a link that signs in, by mail",
  description:
    "The same answer for every address, whether anybody has it or not. The link works once, for fifteen minutes, and only together with the cookie of this answer. Each tenant that knows the address sends a mail of its own.",
  tag: TAG,
  permission: PUBLIC,
  problems: COMMON,
  before,
  request: { params, body: { required: true, content: { "application/json": { schema: loginSchema } } } },
  responses: { 202: { description: "Accepted", content: { "application/json": { schema: loginAnswerSchema } } } },
});

const confirmLogin = declareRoute({
  method: "post",
  path: "/v1/auth/{jurisdiction}/login/confirm",
  operationId: "confirmLogin",
  summary: "Sign in with the token of a link and the cookie of whoever asked for it",
  tag: TAG,
  permission: PUBLIC,
  problems: [...COMMON, "auth.link_invalid", "auth.link_other_browser", "tenant.deleting"],
  before,
  request: { params, body: { required: true, content: { "application/json": { schema: confirmLoginSchema } } } },
  responses: { 200: signedIn },
});

const acceptInvitation = declareRoute({
  method: "post",
  path: "/v1/auth/{jurisdiction}/invitations/accept",
  operationId: "acceptInvitation",
  summary: "Join a tenant with the token of an invitation, and sign in",
  tag: TAG,
  permission: PUBLIC,
  problems: [...COMMON, "auth.link_invalid", "member.exists", "keys.unavailable", "tenant.deleting"],
  before,
  request: { params, body: { required: true, content: { "application/json": { schema: acceptInvitationSchema } } } },
  responses: { 200: signedIn },
});

const askForDevice = declareRoute({
  method: "post",
  path: "/v1/auth/{jurisdiction}/device",
  operationId: "authorizeDevice",
  summary: "Begin to sign a device in, which a person approves in a browser (RFC 8628 §3.1)",
  tag: TAG,
  permission: PUBLIC,
  problems: ["resource.not_found", "rate.limited", "storage.unavailable"],
  before: [ownCell, limitAskers("auth")],
  request: { params },
  responses: { 200: { description: "The codes", content: { "application/json": { schema: deviceSchema } } } },
});

const deviceToken = declareRoute({
  method: "post",
  path: "/v1/auth/{jurisdiction}/device/token",
  operationId: "deviceToken",
  summary: "Ask whether the device is approved (RFC 8628 §3.4)",
  description:
    "`error` in the problem is the RFC's own code: `authorization_pending`, `slow_down`, `expired_token`, `access_denied`.",
  tag: TAG,
  permission: PUBLIC,
  problems: [
    ...COMMON,
    ...(["device.authorization_pending", "device.slow_down", "device.expired_token", "device.access_denied"] as const),
  ],
  // A device waits for its person: how often it asks is limited by its own interval. Codes that are no device's have none.
  before: [ownCell, limitAskers("polls"), strictJsonBody],
  request: { params, body: { required: true, content: { "application/json": { schema: deviceTokenSchema } } } },
  responses: { 200: signedIn },
});

const readOutbox = declareRoute({
  method: "get",
  path: "/v1/outbox",
  operationId: "readOutbox",
  summary: "Mails of a local run, newest first",
  description:
    "For whoever runs the product on their own machine, where no mail is sent. Anywhere else there is no such thing.",
  tag: TAG,
  permission: "cell.read",
  responses: { 200: { description: "The mails", content: { "application/json": { schema: outboxSchema } } } },
});

export function signInRoutes(app: CellApp): void {
  mount(app, login, async (c) => {
    await askForLink(c, c.req.valid("json").email);
    return c.json({ status: "accepted" as const, expires_in: LIMITS.loginLinkMs / 1000 }, 202, NOT_KEPT);
  });

  mount(app, confirmLogin, async (c) =>
    c.json(await issueToken(c, await confirmLink(c, c.req.valid("json").token)), 200, NOT_KEPT),
  );

  mount(app, acceptInvitation, async (c) => {
    const { token, name = null } = c.req.valid("json");
    return c.json(await issueToken(c, await acceptLink(c, token, name)), 200, NOT_KEPT);
  });

  mount(app, askForDevice, async (c) => {
    const { signingIn, config } = c.get("services");
    const [deviceCode, userCode] = [newSecret(randomBytes), newUserCode(randomBytes)];
    // False also when the short code is taken, once in billions: the device asks again.
    if (!(await signingIn.addDevice(secretHashHex(deviceCode) ?? "", userCode, deviceOf(c)))) {
      throw new AppError("storage.unavailable", { internal: "too many devices wait" });
    }
    const page = `${config.publicOrigin}/v1/auth/${config.jurisdiction}/device`;
    const shown = shownUserCode(userCode);
    return c.json(
      {
        device_code: deviceCode,
        user_code: shown,
        verification_uri: page,
        verification_uri_complete: `${page}?user_code=${shown}`,
        expires_in: LIMITS.deviceLifeS,
        interval: LIMITS.devicePollS,
      },
      200,
      NOT_KEPT,
    );
  });

  mount(app, deviceToken, async (c) => {
    const hash = secretHashHex(c.req.valid("json").device_code);
    const answer = await c.get("services").signingIn.pollDevice(hash ?? "");
    if (answer.state === "pending") throw new AppError("device.authorization_pending");
    if (answer.state === "slow_down") throw new AppError("device.slow_down");
    if (answer.state === "denied") throw new AppError("device.access_denied");
    const people = answer.state === "approved" ? await peopleOf(c, answer.by.tenantId) : null;
    if (answer.state !== "approved" || !people) throw new AppError("device.expired_token");
    const { by, device } = answer;
    const opened = await people.openSession(by, device).catch((error: unknown) => {
      // Whoever approved it has signed out since.
      throw isAppError(error) && error.code === "auth.required" ? new AppError("device.expired_token") : error;
    });
    return c.json(await issueToken(c, opened), 200, NOT_KEPT);
  });

  mount(app, readOutbox, async (c) => {
    if (c.get("services").config.pinnedTo !== null) throw new AppError("resource.not_found");
    return c.json({ mails: await c.get("services").signingIn.outbox() }, 200, NOT_KEPT);
  });
}
