/** A tenant's identity provider, as the API takes and answers it. The client's secret is taken and never answered. */
import { z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";
import type { DescribedProvider, ProviderWish } from "../../services/access/sso/calls.ts";
import { ROLES } from "../../services/permissions.ts";

const instant = z.string().openapi({ format: "date-time", example: "2026-11-21T09:14:03.221Z" });
const DOMAIN = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;

const issuer = z
  .string()
  .max(LIMITS.providerAddressChars)
  .openapi({ format: "uri", example: "https://login.example.org", description: "Exactly as its tokens say it." });

const join = z
  .strictObject({
    role: z.enum(ROLES),
    email_domains: z.array(z.string().regex(DOMAIN, "must be a lower-case domain")).min(1).max(LIMITS.joinDomains),
  })
  .nullable()
  .openapi({
    description:
      "Who joins without an invitation: whoever has a verified address in one of these domains, in this role. Null: nobody.",
  });

/** VSCHAR of RFC 6749, Appendix A. */
const visible = (max: number) => z.string().regex(new RegExp(`^[\\x20-\\x7e]{1,${max}}$`), "must be ASCII");

export const setProviderSchema = z
  .strictObject({
    issuer,
    client_id: visible(255).openapi({ example: "moonseal" }),
    client_secret: visible(1024).openapi({
      format: "password",
      description: "Sealed at rest, and shown to nobody again.",
    }),
    join: join.optional(),
    trusts_second_factor: z.boolean().optional().openapi({
      description:
        "A second factor that the provider says it has seen (`amr` or `acr`) counts here. False unless said.",
    }),
  })
  .openapi("SetIdentityProvider");

export const providerSchema = z
  .object({
    issuer,
    client_id: z.string(),
    join,
    trusts_second_factor: z.boolean(),
    redirect_uri: z.string().openapi({ format: "uri", description: "What the provider has to be told, exactly." }),
    sign_in_url: z.string().openapi({ format: "uri", description: "Where the tenant's people begin." }),
    created_at: instant,
    updated_at: instant,
  })
  .openapi("IdentityProvider");

export function toWish(body: z.infer<typeof setProviderSchema>): ProviderWish {
  const { issuer, client_id, client_secret, join = null, trusts_second_factor = false } = body;
  return {
    issuer,
    clientId: client_id,
    clientSecret: client_secret,
    join: join && { role: join.role, emailDomains: join.email_domains },
    trustsSecondFactor: trusts_second_factor,
  };
}

export function presentProvider(provider: DescribedProvider): z.infer<typeof providerSchema> {
  const { issuer, clientId, join, trustsSecondFactor, redirectUri, createdAtMs, updatedAtMs } = provider;
  return {
    issuer,
    client_id: clientId,
    join: join && { role: join.role, email_domains: join.emailDomains },
    trusts_second_factor: trustsSecondFactor,
    redirect_uri: redirectUri,
    sign_in_url: redirectUri.slice(0, redirectUri.lastIndexOf("/")),
    created_at: new Date(createdAtMs).toISOString(),
    updated_at: new Date(updatedAtMs).toISOString(),
  };
}
