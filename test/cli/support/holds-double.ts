/** The routes of legal holds for `ServerDouble`: bodies are held against the server's own schemas, and so is what is answered. */
import type { z } from "@hono/zod-openapi";
import { makeId } from "../../../src/core/ids.ts";
import {
  holdPreviewSchema,
  holdSchema,
  placeHoldSchema,
  previewHoldSchema,
  releaseHoldSchema,
  reviewHoldSchema,
} from "../../../src/http/schemas/holds.ts";
import { type Answer, type Asked, problemOf } from "./people-double.ts";

type Hold = z.infer<typeof holdSchema>;

const UUID = "0193a0c4-5f7e-7c3a-9d53-6c1f0e0f4b11";
export const HOLD = makeId("legalHold", "eu", UUID);
const [BASE, KEY, DOMAIN] = [
  `/v1/tenants/${makeId("tenant", "eu", UUID)}/legal-holds`,
  makeId("apiKey", "eu", UUID),
  makeId("domain", "eu", UUID),
];
const AT = "2026-11-21T09:00:00.000Z";

export class HoldsDouble {
  readonly holds: Hold[] = [];
  /** Whether domains confirm what they are told. */
  confirms = true;

  /** Null: a route that is not about holds. */
  answer({ method, pathname, body }: Pick<Asked, "method" | "pathname" | "body">): Answer | null {
    if (!pathname.startsWith(BASE)) return null;
    const [, id = "", verb = ""] = pathname.slice(BASE.length).split("/");
    const route = `${method} ${id === "preview" ? id : id && ":id"}${verb && `/${verb}`}`;
    if (route === "GET ") return { status: 200, body: { legal_holds: this.holds } };
    if (route === "POST ") return this.#with(placeHoldSchema, body, (wish) => this.#place(wish));
    if (route === "POST preview") {
      const counted = { domain_id: DOMAIN, entries: 12, exact: false, searchable_through: 40 };
      const found = { entries: 12, exact: false, domains: [counted] };
      return this.#with(previewHoldSchema, body, () => ({ status: 200, body: holdPreviewSchema.parse(found) }));
    }
    const hold = this.holds.find((each) => each.id === id);
    if (!hold) return { problem: [404, "resource.not_found"] };
    if (route === "GET :id") return { status: 200, body: hold };
    if (route === "POST :id/review") {
      return this.#with(reviewHoldSchema, body, (said) => this.#change(hold, "reviewed", said.note, said.review_at));
    }
    if (route !== "POST :id/release") return { problem: [404, "resource.not_found"] };
    return this.#with(releaseHoldSchema, body, ({ reason }) => {
      if (hold.released_at !== null) return { problem: [409, "hold.released"] };
      hold.scope.people = hold.scope.people?.length === 0 ? [] : null;
      return this.#change(hold, "released", reason, hold.review_at);
    });
  }

  #with<T extends z.ZodType>(schema: T, body: string, then: (parsed: z.output<T>) => Answer): Answer {
    const parsed = schema.safeParse(JSON.parse(body));
    return parsed.success ? then(parsed.data) : problemOf(parsed.error);
  }

  #place({ reason, owner, review_at, scope }: z.output<typeof placeHoldSchema>): Answer {
    const { all_domains = false, domains = [], ranges = [], people = [], resources = [], query } = scope;
    const asked = query && { q: query.q ?? null, filter: query.filter ?? null };
    const hold: Hold = {
      ...{ id: HOLD, status: "active" as const, reason, placed_at: AT, placed_by: KEY, review_at, released_at: null },
      owner: owner ?? null,
      scope: {
        ...{ all_domains, domains, people, resources },
        ranges: ranges.map(({ domain_id, from, to = 999 }) => ({ domain_id, from, to })),
        query: asked ? { ...asked, all_domains: query?.all_domains ?? false, domains: query?.domains ?? [] } : null,
      },
      changes: [],
      domains: [{ domain_id: DOMAIN, confirmed: true, fault: null }],
    };
    this.holds.push(hold);
    return this.#change(hold, "placed", reason, review_at, 201);
  }

  #change(hold: Hold, kind: Hold["changes"][number]["kind"], note: string, review_at: string, status = 200): Answer {
    const correlation_id = UUID;
    hold.changes.push({ change: hold.changes.length + 1, kind, at: AT, by: KEY, review_at, note, correlation_id });
    hold.review_at = review_at;
    if (kind === "released") hold.released_at = AT;
    if (kind !== "reviewed") {
      const [open, settled] =
        kind === "placed" ? (["placing", "active"] as const) : (["releasing", "released"] as const);
      hold.status = this.confirms ? settled : open;
      hold.domains = [{ domain_id: DOMAIN, confirmed: this.confirms, fault: this.confirms ? null : "not_confirmed" }];
    }
    return { status, body: holdSchema.parse(hold) };
  }
}
