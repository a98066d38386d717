/** A tenant's own key service, as it is set and shown (S3-41). What goes in holds credentials; what comes out has none. */
import { z } from "@hono/zod-openapi";

const REGION = /^[a-z]{2}(?:-[a-z]+){1,3}-\d$/;
const KEY_ARN =
  /^arn:aws(?:-cn|-us-gov)?:kms:[a-z]{2}(?:-[a-z]+){1,3}-\d:\d{12}:key\/(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
/** Printable, without spaces: what a header and a signature can carry. */
const secret = (min: number, max: number) =>
  z
    .string()
    .min(min)
    .max(max)
    .regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces");
const address = z.string().min(1).max(500);
const instant = z.string().openapi({ format: "date-time" });

const region = z
  .string()
  .regex(REGION, "must be a region, for example eu-central-1")
  .openapi({ example: "eu-central-1" });
const keyArn = z
  .string()
  .regex(KEY_ARN, "must be the ARN of a key, not of an alias")
  .openapi({ example: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab" });
const endpoint = address
  .optional()
  .openapi({ description: "Another address of AWS KMS: a VPC's or a FIPS one. Without it the region's public one." });
const url = address.openapi({
  description: "Address of the service, to which `/v1/wrap` and `/v1/unwrap` are added (docs/key-service-protocol.md)",
  example: "https://keys.acme.example/moonseal",
});

export const setKeyServiceSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("aws_kms"),
      region,
      key_arn: keyArn,
      access_key_id: z.string().regex(/^[A-Z0-9]{16,128}$/, "must be an access key id"),
      secret_access_key: secret(16, 128),
      endpoint,
    }),
    z.strictObject({ kind: z.literal("https"), url, token: secret(16, 4096) }),
  ])
  .openapi("SetKeyService");

const keyVersionSchema = z.object({
  version: z.int(),
  service: z
    .int()
    .nullable()
    .openapi({ description: "The service without which this key does not open; null: the cell holds it" }),
  created_at: instant,
  retired_at: instant.nullable(),
});

export const keyServiceSchema = z
  .object({
    active: z
      .object({
        service: z.int().openapi({ description: "Its number among the services that the tenant brought along" }),
        settings: z.discriminatedUnion("kind", [
          z.object({ kind: z.literal("aws_kms"), region, key_arn: keyArn, endpoint }),
          z.object({ kind: z.literal("https"), url }),
        ]),
        state: z.enum(["working", "refused", "no_answer"]),
        checked_at: instant.openapi({ description: "When it was last seen in this state" }),
        created_at: instant,
      })
      .nullable()
      .openapi({ description: "The service that wraps new keys; null: the cell holds them" }),
    key_versions: z.array(keyVersionSchema).openapi({
      description: "Oldest first. What was sealed under a key that the cell holds opens without any service",
    }),
  })
  .openapi("KeyService");
