/** How a domain treats what comes to it. Each setting is a field of its own, so that others can join them. */
import { z } from "@hono/zod-openapi";
import { ON_VIOLATIONS, PERSONAL_DATA_GUARDS } from "../../core/domain-settings.ts";
import { LIMITS } from "../../core/limits.ts";
import { durationSchema } from "./retention.ts";

const settings = {
  personal_data_guard: z.enum(PERSONAL_DATA_GUARDS).openapi({
    description:
      "What happens to personal data in clear fields: the event is refused; values of clear metadata and the request id are replaced, as in `[redacted:email]`; or nothing. Card numbers and secrets are refused whatever it says.",
  }),
  require_schema: z.boolean().openapi({
    description: "Only events of the tenant's own action types are taken, each by its schema",
  }),
  segment_entries: z.int().min(1).max(LIMITS.segmentEntriesMax).nullable().openapi({
    description: "Entries of one archive object, from the next one on; null: as many as the domain was made with",
  }),
  segment_flush_seconds: z.int().min(LIMITS.segmentFlushSecondsMin).max(LIMITS.segmentFlushSecondsMax).openapi({
    description: "An archive object that is not full is written at the latest so long after its first entry",
  }),
  on_violation: z.enum(ON_VIOLATIONS).openapi({
    description:
      "What happens when the self-check finds that two accounts of the log contradict each other: nothing is appended until an operator has looked, or the domain goes on. Alert, entry and health say so in both cases",
  }),
  record_reads: z.boolean().openapi({
    description: "Queries, lists and exports of the domain are themselves entries of the tenant's own log",
  }),
};

const wish = Object.fromEntries(
  Object.entries(settings).map(([name, of]) => [name, (of as z.ZodType).nullable().optional()]),
) as { [Name in keyof typeof settings]: z.ZodOptional<z.ZodNullable<(typeof settings)[Name]>> };

export const domainSettingsSchema = z.object({ domain_id: z.string(), ...settings }).openapi("DomainSettings");

/** Not one of the settings: a policy with a history of its own, which needs `retention.manage`. */
const retention = z
  .strictObject({ audit_entries: durationSchema.nullable() })
  .optional()
  .openapi({
    description:
      "As `PUT …/retention` does, from now on; needs `retention.manage` too. It is read there. `null`: as the tenant's policy says",
    example: { audit_entries: "P1Y" },
  });

export const changeDomainSettingsSchema = z.strictObject({ ...wish, retention }).openapi("ChangeDomainSettings", {
  description: "What is absent stays; `null`: as every domain has it again",
  example: { require_schema: true },
});
