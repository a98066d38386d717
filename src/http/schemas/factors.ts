/** Second factors, and the operator's people, as the API takes and answers them. */
import { z } from "@hono/zod-openapi";
import { idPattern } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { line } from "./identity.ts";
import { emailSchema, invitationSchema, personNameSchema } from "./people.ts";

const instant = z.string().openapi({ format: "date-time", example: "2026-11-21T09:14:03.221Z" });
const base64url = (maxChars: number) =>
  z
    .string()
    .max(maxChars)
    .regex(/^[A-Za-z0-9_-]+$/, "must be base64url without padding");

/** Six digits; what is typed around and between them is taken out. */
const code = z
  .string()
  .max(20)
  .transform((text) => text.replaceAll(/\s/g, ""))
  .openapi({ example: "123456" });
const recoveryCode = z.string().max(40).openapi({ example: "0a1b-2c3d-4e5f-6g7h" });
const credentialId = base64url(1400);
export const passkeyName = line(LIMITS.personNameChars).openapi({ example: "My phone" });

/** What browsers add of their own to `PublicKeyCredential.toJSON()` (WebAuthn Level 3 §5.1) is named, and not used. */
const credential = {
  id: credentialId,
  rawId: credentialId,
  type: z.literal("public-key"),
  authenticatorAttachment: z.enum(["platform", "cross-platform"]).nullish(),
  clientExtensionResults: z.record(z.string().max(64), z.unknown()),
};
export const registrationSchema = z
  .strictObject({
    ...credential,
    response: z.strictObject({
      clientDataJSON: base64url(4096),
      attestationObject: base64url(16_384),
      authenticatorData: base64url(4096).optional(),
      transports: z.array(z.string().max(32)).max(10).optional(),
      publicKeyAlgorithm: z.int().optional(),
      publicKey: base64url(4096).nullish(),
    }),
  })
  .openapi("PasskeyRegistration");
export const assertionSchema = z
  .strictObject({
    ...credential,
    response: z.strictObject({
      clientDataJSON: base64url(4096),
      authenticatorData: base64url(4096),
      signature: base64url(2048),
      userHandle: base64url(128).nullish(),
    }),
  })
  .openapi("PasskeyAssertion");

export const passkeyIdSchema = credentialId.openapi({ param: { name: "passkeyId", in: "path" }, example: "AQIDBAUG" });
export const confirmTotpSchema = z.strictObject({ code }).openapi("ConfirmTotp");
export const addPasskeySchema = z
  .strictObject({ name: passkeyName, credential: registrationSchema })
  .openapi("AddPasskey");
export const renamePasskeySchema = z.strictObject({ name: passkeyName }).openapi("RenamePasskey");
export const secondFactorSchema = z
  .union([
    z.strictObject({ totp: code }),
    z.strictObject({ recovery_code: recoveryCode }),
    z.strictObject({ passkey: assertionSchema }),
  ])
  .openapi("SecondFactor");

export const factorsSchema = z
  .object({
    totp_added_at: instant.nullable(),
    passkeys: z.array(
      z.object({ id: z.string(), name: z.string(), added_at: instant, last_used_at: instant.nullable() }),
    ),
    recovery_codes_left: z.int(),
    shown_at: instant.nullable().openapi({ description: "When one was last shown in this session" }),
  })
  .openapi("SecondFactors");

export const totpEnrolmentSchema = z
  .object({
    secret: z.string().openapi({ description: "Base32, for typing; in this answer and never again" }),
    uri: z.string().openapi({ example: "otpauth://totp/Moonseal:ada%40example.org?issuer=Moonseal&secret=…" }),
    qr_svg: z.string().openapi({ description: "The URI as an image" }),
  })
  .openapi("TotpEnrolment");

const recoveryCodes = z.array(z.string()).openapi({ description: "Each is good once; in this answer and never again" });
export const recoveryCodesSchema = z.object({ recovery_codes: recoveryCodes }).openapi("RecoveryCodes");
export const factorAddedSchema = z
  .object({
    factors: factorsSchema,
    recovery_codes: recoveryCodes.nullable().openapi({ description: "With the first factor, else null" }),
  })
  .openapi("SecondFactorAdded");
export const factorShownSchema = z
  .object({
    shown_at: instant,
    good_until: instant.openapi({ description: "Sensitive operations ask again after this" }),
    recovery_codes_left: z.int(),
  })
  .openapi("SecondFactorShown");
/** For `navigator.credentials`, as WebAuthn Level 3 §5.1.8 and §5.1.9 have it. */
export const passkeyOptionsSchema = z.looseObject({ challenge: z.string() }).openapi("PasskeyOptions");

export const staffIdSchema = z
  .string()
  .regex(idPattern("staff"), "must be a staff id")
  .openapi({ param: { name: "staffId", in: "path" }, example: "stf_eu_01jcy3x8e7f4s9m2k5n8q1r4tv" });
export const inviteStaffSchema = z.strictObject({ email: emailSchema, name: personNameSchema }).openapi("InviteStaff");
export const staffSchema = z
  .object({ id: z.string(), email: z.string(), name: z.string(), joined_at: instant })
  .openapi("Staff");
export const staffListSchema = z
  .object({ staff: z.array(staffSchema), invitations: z.array(invitationSchema) })
  .openapi("StaffList");

const password = z.string().min(1).max(LIMITS.passwordChars);
export const passwordLoginSchema = z.strictObject({ email: emailSchema, password }).openapi("PasswordLogin");
export const setPasswordSchema = z.strictObject({ password }).openapi("SetPassword", {
  description:
    "15 characters at least, 72 bytes of UTF-8 at most; refused when it is easy to guess or known to be stolen",
});
