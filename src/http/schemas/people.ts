/** Members, invitations, sessions and signing in, as the API takes and answers them. */
import { z } from "@hono/zod-openapi";
import { idPattern, JURISDICTIONS } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { EMAIL_CHARS, EMAIL_PATTERN } from "../../services/access/people/address.ts";
import { parseLinkToken } from "../../services/access/people/secrets.ts";
import { ROLES } from "../../services/permissions.ts";

const instant = z.string().openapi({ format: "date-time", example: "2026-11-21T09:14:03.221Z" });
const idOf = (kind: "member" | "invitation" | "session", name: string, example: string) =>
  z
    .string()
    .regex(idPattern(kind), `must be a ${kind} id`)
    .openapi({ param: { name, in: "path" }, example });

export const jurisdictionParam = z
  .enum(JURISDICTIONS)
  .openapi({ param: { name: "jurisdiction", in: "path" }, example: "eu" });
export const memberIdSchema = idOf("member", "memberId", "mem_eu_01jcy3x8e7f4s9m2k5n8q1r4tv");
export const invitationIdSchema = idOf("invitation", "invitationId", "inv_eu_01jcy3x8e7f4s9m2k5n8q1r4tv");
export const sessionIdSchema = idOf("session", "sessionId", "ses_eu_01jcy3x8e7f4s9m2k5n8q1r4tv");

export const emailSchema = z
  .string()
  .max(EMAIL_CHARS)
  .regex(EMAIL_PATTERN, "must be an e-mail address in ASCII")
  .openapi({ format: "email", example: "ada@example.org" });

/** Shown to colleagues, never in a mail's header or a log. */
export const personNameSchema = z
  .string()
  .min(1)
  .max(LIMITS.personNameChars)
  .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>]+$/u, "must not contain control characters, line breaks, < or >")
  .refine((name) => name.trim() === name, "must not begin or end with a space")
  .openapi({ example: "Ada Lovelace" });

export const linkTokenSchema = z
  .string()
  .max(200)
  .refine((token) => parseLinkToken(token) !== null, "must be the token of a link")
  .openapi({ description: "The `token` of the link in the mail" });

const role = z.enum(ROLES);

export const ownerSchema = z.strictObject({ email: emailSchema, name: personNameSchema }).openapi("FirstOwner");
export const inviteSchema = z.strictObject({ email: emailSchema, name: personNameSchema, role }).openapi("Invite");
export const updateMemberSchema = z.strictObject({ role }).openapi("UpdateMember");

export const memberSchema = z
  .object({ id: z.string(), email: z.string(), name: z.string(), role: role.nullable(), joined_at: instant })
  .openapi("Member");

export const invitationSchema = z
  .object({
    id: z.string(),
    email: z.string(),
    name: z.string(),
    role: role.nullable(),
    invited_by: z.string().openapi({ description: "Id of the member or key, or `operator`" }),
    created_at: instant,
    expires_at: instant,
  })
  .openapi("Invitation");

export const sessionSchema = z
  .object({
    id: z.string(),
    member_id: z.string(),
    device: z.string().openapi({ example: "Firefox on Linux" }),
    created_at: instant,
    last_seen_at: instant.openapi({ description: "Within a minute" }),
    expires_at: instant,
    second_factor_at: instant.nullable(),
    current: z.boolean().openapi({ description: "The session of this request" }),
  })
  .openapi("Session");

export const loginSchema = z.strictObject({ email: emailSchema }).openapi("Login");
export const loginAnswerSchema = z
  .object({
    status: z.literal("accepted"),
    expires_in: z.int().openapi({ description: "Seconds that a link is good for" }),
  })
  .openapi("LoginAccepted");
export const confirmLoginSchema = z.strictObject({ token: linkTokenSchema }).openapi("ConfirmLogin");
export const acceptInvitationSchema = z
  .strictObject({ token: linkTokenSchema, name: personNameSchema.optional() })
  .openapi("AcceptInvitation");

export const tokenSchema = z
  .object({
    token: z.string().openapi({ description: "`Authorization: Bearer …`" }),
    expires_at: instant,
    session_id: z.string(),
    person_id: z.string(),
    tenant_id: z.string().nullable(),
  })
  .openapi("SessionToken");

export const deviceSchema = z
  .object({
    device_code: z.string(),
    user_code: z.string().openapi({ example: "WDJB-MJHT" }),
    verification_uri: z.string(),
    verification_uri_complete: z.string(),
    expires_in: z.int(),
    interval: z.int(),
  })
  .openapi("Device");
export const deviceTokenSchema = z
  .strictObject({ device_code: z.string().regex(/^[A-Za-z0-9_-]{43}$/, "must be a device code") })
  .openapi("DeviceToken");

export const outboxSchema = z
  .object({
    mails: z.array(z.object({ id: z.int(), at: instant, to: z.string(), subject: z.string(), text: z.string() })),
  })
  .openapi("Outbox");
