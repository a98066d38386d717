/** Whose second factors a request is about, and from where it comes. */
import type { Context, MiddlewareHandler } from "hono";
import { toHex } from "../core/bytes.ts";
import { AppError } from "../core/errors.ts";
import { hmacSha256 } from "../crypto/hmac.ts";
import type { FactorAsker, FactorCalls } from "../services/access/factors/calls.ts";
import { askerOf } from "../services/access/networks.ts";
import type { SessionPrincipal } from "../services/access/principal.ts";
import type { HttpEnv } from "./environment.ts";
import { browserHash } from "./pages/cookies.ts";
import { addressOf } from "./rate-limit.ts";

/** For routes about one's own factors: keys and the operator's secret are nobody's. Throws `auth.forbidden`. */
export const onlyPeople: MiddlewareHandler<HttpEnv> = async (c, next) => {
  askerIn(c);
  await next();
};

/** The session of this request. Throws `auth.forbidden` for keys and the operator's secret, which are no people. */
export function askerIn(c: Context<HttpEnv>): FactorAsker {
  const { kind, person } = c.get("principal");
  if (person === null) throw new AppError("auth.forbidden", { detail: "only people have second factors" });
  return askerOfSession(c, { kind: kind === "staff" ? "staff" : "member", person });
}

export function askerOfSession(
  c: Context<HttpEnv>,
  { kind, person }: Pick<SessionPrincipal, "kind" | "person">,
): FactorAsker {
  const via = { type: "session", id: person.sessionId } as const;
  return {
    personId: person.id,
    sessionId: person.sessionId,
    by: { type: kind === "staff" ? "support" : "user", id: person.id, via },
    network: networkOf(c),
    browser: browserHash(c),
  };
}

/** The object that keeps the factors of whoever asks. */
export function factorsOf(c: Context<HttpEnv>): FactorCalls {
  return factorsIn(c, c.get("principal").tenantId);
}

/** `tenantId` null: of the operator's people. */
export function factorsIn(c: Context<HttpEnv>, tenantId: string | null): FactorCalls {
  const { desk, staff } = c.get("services");
  return tenantId === null ? staff.factors : desk(tenantId).factors;
}

/** Stands for the network of a request in the counts of failed tries, under this cell's key: an address is personal data. */
export function networkOf(c: Context<HttpEnv>): string {
  const { apiKeyPepper } = c.get("services").config;
  return toHex(hmacSha256(apiKeyPepper, `moonseal/asker/v1\n${askerOf(addressOf(c))}`).subarray(0, 16));
}
