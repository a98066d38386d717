/** What is asked of the log, in the body of a request: the same for queries, counts, exports and whatever else takes a filter. */
import { z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";
import type { AskedFilter } from "../../core/query/asked.ts";
import { NAMES_ONLY } from "./event.ts";

const values = (description: string, example: string) =>
  z
    .array(z.string().min(1).max(LIMITS.queryChars))
    .min(1)
    .max(LIMITS.queryValues)
    .optional()
    .openapi({ description, example: [example] });

const time = (description: string) =>
  z
    .string()
    .min(1)
    .max(40)
    .optional()
    .openapi({
      description: `${description} A day, an instant (UTC unless it has an offset), or \`-7d\``,
      example: "2026-11-01",
    });

const lists = {
  actors: values(
    "`usr_42` (an identity id, or the id of a service), `service:ci`, `service:*`, `anonymous`, `@` and a pseudonym",
    "usr_42",
  ),
  actions: values("Whole, or a prefix that ends in `.*`", "iam.*"),
  targets: values("`<type>:<id>`, or `<type>:*`; of people the identity id or `@` and the pseudonym", "invoice:inv_9"),
  subjects: values("People in whatever part: by identity id, or `@` and the pseudonym", "usr_42"),
  outcomes: values("`success`, `failure`, `denied`, `unknown`", "denied"),
  categories: values("Of the registry (GET /v1/event-types)", "authentication"),
  trace_ids: values("Trace ids of W3C Trace Context, or whole traceparents", "0af7651916cd43dd8448eb211c80319c"),
  request_ids: values("As events gave them", "req_7"),
  caveats: values("Names", "read_only").openapi({ [NAMES_ONLY]: true }),
  text: values("Words of what stands in clear; every one must be there", "rotation"),
};

export const partsSchema = z
  .strictObject({
    ...lists,
    after: time("`occurred_at` from this moment on."),
    before: time("`occurred_at` before this moment."),
    not: z.strictObject(lists).optional().openapi({ description: "Entries with none of these" }),
  })
  .openapi("EntryFilter", {
    description: "Lists hold alternatives, except `text`; all that is given must hold.",
  });

/** To be spread into the schemas of requests. */
export const askedFilterFields = {
  q: z.string().max(LIMITS.queryChars).optional().openapi({
    description: "A query in the language (docs/querying.md)",
    example: "actor:usr_42 action:iam.* -outcome:success after:2026-11-01",
  }),
  filter: partsSchema.optional().openapi({ description: "The same as fields. With `q` too: both must hold" }),
};

export const askedFilterSchema = z.strictObject(askedFilterFields) satisfies z.ZodType<AskedFilter>;
