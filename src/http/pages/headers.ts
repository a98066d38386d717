/** What pages for people carry instead of what the API's answers do, and how their forms are guarded. */
import type { Context, MiddlewareHandler } from "hono";
import { html } from "hono/html";
import { AppError, ERRORS } from "../../core/errors.ts";
import { mediaType, unsupportedMediaType } from "../body.ts";
import type { HttpEnv } from "../environment.ts";
import { page, pagePolicy } from "./layout.ts";

/** A form of these pages has a handful of short fields. Bytes. */
const FORM_BYTES = 16 * 1024;

/**
 * Outermost: an answer that is a page gets a policy that lets its own form be sent. `same-origin`: with `no-referrer` browsers send
 * `Origin: null` with forms (Fetch §3.2), and `sameOriginForm` could not tell its own pages from others.
 */
export const pageHeaders: MiddlewareHandler<HttpEnv> = async (c, next) => {
  await next();
  if (!c.req.path.startsWith("/v1/auth/") || !c.res.headers.get("Content-Type")?.startsWith("text/html")) return;
  c.res.headers.set("Content-Security-Policy", pagePolicy(c.get("pageScripts")));
  c.res.headers.set("Referrer-Policy", "same-origin");
  c.res.headers.set("Cache-Control", "no-store");
};

/** For routes that answer pages: what goes wrong is a page too. */
export const asPage: MiddlewareHandler<HttpEnv> = async (c, next) => {
  c.set("isPage", true);
  await next();
};

/**
 * For forms: sent by a page of this origin, as the browser says (S0: a cookie alone proves nothing). Browsers send `Origin` with every
 * POST, and `Sec-Fetch-Site` where they know it; what says neither is no browser that was shown a form. Throws `auth.cross_site`.
 */
export const sameOriginForm: MiddlewareHandler<HttpEnv> = async (c, next) => {
  c.set("isPage", true);
  const site = c.req.header("Sec-Fetch-Site");
  const origin = c.req.header("Origin");
  if (origin !== new URL(c.req.url).origin || (site !== undefined && site !== "same-origin")) {
    throw new AppError("auth.cross_site");
  }
  if (mediaType(c) !== "application/x-www-form-urlencoded")
    throw unsupportedMediaType("application/x-www-form-urlencoded");
  if (!(Number(c.req.header("Content-Length") ?? Number.NaN) <= FORM_BYTES)) {
    throw new AppError("request.too_large", { detail: `a form may have ${FORM_BYTES} bytes` });
  }
  await next();
};

/** A problem as a page for whoever was shown the form. */
export async function problemPage(c: Context<HttpEnv>, error: AppError): Promise<Response> {
  const { status, title, explanation } = ERRORS[error.code];
  const headers = error.retryAfterSeconds === undefined ? {} : { "Retry-After": String(error.retryAfterSeconds) };
  const { jurisdiction } = c.get("services").config;
  const fields =
    error.code === "request.invalid" ? html`<p class="bad">Something in the form is missing or misspelled.</p>` : "";
  const body = html`${fields}<p>${explanation}</p>
<p><a href="/v1/auth/${jurisdiction}/sign-in">Sign in</a></p>
<p class="hint">Request ${c.get("requestId")}</p>`;
  return c.html(await page(title, body), status as 403, headers);
}
