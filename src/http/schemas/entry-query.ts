/** Queries over entries: what they take and answer. In bodies, because addresses end in logs. */
import { z } from "@hono/zod-openapi";
import { idPattern } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { askedFilterFields } from "./entry-filter.ts";
import { entrySchema } from "./resources.ts";

const consistency = z.enum(["latest"]).optional().openapi({
  description:
    "Brings the queryable copy and its index up to the head first; `storage.unavailable` when that takes too long",
});

const page = {
  order: z.enum(["asc", "desc"]).optional().openapi({ description: "By `occurred_at`, then seq. Default `desc`" }),
  limit: z.int().min(1).max(LIMITS.pageEntries).default(LIMITS.pageEntriesDefault),
  cursor: z.string().max(1000).optional().openapi({
    description: "`next_cursor` of the page before, sent with the same `q`, `filter` and `order`",
  }),
  payload: z.enum(["json", "text"]).default("json").openapi({
    description: "`text`: the exact canonical text that was hashed, as a string",
  }),
  archived: z.enum(["include", "skip"]).default("include").openapi({
    description:
      "Entries that were pruned from the queryable copy are in no index. `include`: they come behind the others, read from the archive by seq, a bounded part a request; `skip`: the last page is that of the index, and `searchable_from` says where it begins",
  }),
  consistency,
};

const domainIds = z
  .array(z.string().regex(idPattern("domain"), "must be a domain id"))
  .min(1)
  .max(LIMITS.queryDomains)
  .optional()
  .openapi({
    description: "Default: every domain that the tenant's software writes to",
    example: ["dom_eu_01jcy3x8e7f4s9m2k5n8q1r4tv"],
  });

export const querySchema = z.strictObject({ ...askedFilterFields, ...page }).openapi("QueryEntries");
export const tenantQuerySchema = z
  .strictObject({ ...askedFilterFields, domain_ids: domainIds, ...page })
  .openapi("QueryTenantEntries");
export const countSchema = z.strictObject({ ...askedFilterFields, consistency }).openapi("CountEntries");
export const facetsSchema = z
  .strictObject({
    ...askedFilterFields,
    values: z
      .int()
      .min(1)
      .max(LIMITS.facetValues)
      .default(LIMITS.facetValuesDefault)
      .openapi({ description: "Of each kind, the most frequent first" }),
    consistency,
  })
  .openapi("FacetEntries");

const searchableThrough = z.int().min(-1).openapi({
  description: "Last seq that was searched; -1: none yet. Entries behind it are found within a second or so",
  example: 41,
});

const searchableFrom = z.int().min(0).openapi({
  description:
    "First seq that the index knows: those before were pruned from the queryable copy and are in the archive, or gone by policy",
  example: 0,
});

const pageAnswer = { next_cursor: z.string().nullable(), has_more: z.boolean() };

export const queryAnswerSchema = z
  .object({
    entries: z.array(entrySchema),
    ...pageAnswer,
    searchable_from: searchableFrom,
    searchable_through: searchableThrough,
  })
  .openapi("QueryAnswer");

export const tenantQueryAnswerSchema = z
  .object({
    entries: z.array(entrySchema.extend({ domain_id: z.string() })),
    ...pageAnswer,
    domains: z
      .array(
        z.object({
          domain_id: z.string(),
          searchable_from: searchableFrom,
          searchable_through: searchableThrough,
          behind: z.boolean().openapi({ description: "The log has entries behind `searchable_through`" }),
        }),
      )
      .openapi({ description: "Those that were searched" }),
  })
  .openapi("TenantQueryAnswer");

export const countAnswerSchema = z
  .object({
    count: z.int().min(0).openapi({ example: 42 }),
    exact: z.boolean().openapi({
      description: "False: there are at least so many, and archived entries (before `searchable_from`) are not counted",
    }),
    searchable_from: searchableFrom,
    searchable_through: searchableThrough,
  })
  .openapi("EntryCount");

const facet = z.array(
  z.object({
    value: z.string().openapi({ description: "As the query language writes it", example: "iam.create_user" }),
    count: z.int().openapi({ example: 42 }),
  }),
);

export const facetsAnswerSchema = z
  .object({
    complete: z.boolean().openapi({
      description:
        "True: of every entry that matches; false: of the newest `entries_looked_at` of them, and not of archived entries (before `searchable_from`)",
    }),
    entries_looked_at: z.int().openapi({ example: 42 }),
    actions: facet,
    actors: facet,
    outcomes: facet,
    categories: facet,
    days: z
      .array(z.object({ day: z.string().openapi({ example: "2026-11-01" }), count: z.int().openapi({ example: 42 }) }))
      .openapi({ description: "Days (UTC, by `occurred_at`) that have any, oldest first" }),
    searchable_from: searchableFrom,
    searchable_through: searchableThrough,
  })
  .openapi("EntryFacets");
