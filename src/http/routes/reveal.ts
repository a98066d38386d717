import { z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";
import type { RevealCall } from "../../services/log/reveal/reveal.ts";
import type { RevealedEntry } from "../../services/log/reveal/revealed-entry.ts";
import { strictJsonBody } from "../body.ts";
import { encodeCursor } from "../cursor.ts";
import type { CellApp } from "../environment.ts";
import { type PageQuestion, readQuestion } from "../page-question.ts";
import { askedBy } from "../principal.ts";
import { entryJson } from "../records.ts";
import { declareRoute, mount } from "../route.ts";
import { domainIdSchema } from "../schemas/resources.ts";
import { revealedPageSchema, revealSchema } from "../schemas/reveal.ts";
import { invalid } from "../validation.ts";

const KIND = "reveal";

const revealEntries = declareRoute({
  method: "post",
  path: "/v1/domains/{domainId}/audit/entries/reveal",
  operationId: "revealEntries",
  summary: "Read entries with who is in them and with their private values",
  description: `Of a range, of a person (\`identity_id\`) or single ones (\`seqs\`); at most ${LIMITS.revealEntries} entries a page, fewer when much is sealed. Every page is itself an entry \`audit.revealed\` of this log, with the credential, the seqs and, sealed, the reason; it is written before the page leaves. Each value comes with its salt, so that it can be checked against the commitment in the payload (\`moonseal verify --disclosure\`). What is erased is null. With \`seqs\` there is no cursor: when \`has_more\` is true, ask again for those that are missing. Entries that are made after the first page are not in later ones.`,
  tag: "Entries",
  permission: "entry.reveal",
  problems: [
    "entry.expired",
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "subject.erased",
    "keys.unavailable",
    "storage.unavailable",
    "backlog.full",
    "domain.stopped",
  ],
  before: [strictJsonBody],
  request: {
    params: z.object({ domainId: domainIdSchema }),
    body: { required: true, content: { "application/json": { schema: revealSchema } } },
  },
  responses: { 200: { description: "A page", content: { "application/json": { schema: revealedPageSchema } } } },
});

type Asked = z.output<typeof revealSchema>;

export function revealRoutes(app: CellApp): void {
  mount(app, revealEntries, async (c) => {
    const { domainId } = c.req.valid("param");
    const asked = c.req.valid("json");
    const wanted = wantedOf(asked, domainId);
    const { reason, limit = LIMITS.revealEntriesDefault } = asked;
    const call: RevealCall = { by: askedBy(c), reason, limit, wanted };
    const { entries, ref, next, to } = await c.get("services").keeper(domainId).reveal(call);
    const more =
      next === null || wanted.kind === "seqs"
        ? null
        : { order: wanted.order, from: wanted.from, to: asked.to ?? wanted.to, next, ref, end: to };
    const page = {
      domain_id: domainId,
      entries: entries.map((entry) => revealedJson(entry, asked.payload)),
      next_cursor: more && encodeCursor(KIND, domainId, more satisfies PageQuestion & Bound),
      has_more: next !== null,
    };
    return c.json(page, 200, { "Cache-Control": "no-store" });
  });
}

function wantedOf(asked: Asked, domainId: string): RevealCall["wanted"] {
  const { seqs, identity_id: identityId } = asked;
  if (seqs) {
    const other = (["identity_id", "order", "from", "to", "limit", "cursor"] as const).find(
      (name) => asked[name] !== undefined,
    );
    if (other) throw invalid([{ pointer: `/${other}`, detail: "seqs says which entries; leave it out" }]);
    return { kind: "seqs", seqs };
  }
  const kept = { kind: KIND, domainId, place: "/" } as const;
  const { ref, end, ...question } = readQuestion<Bound>(asked, kept, readBound, { ref: null, end: null });
  const range = { ...question, to: Math.min(question.to, end ?? question.to) };
  if (identityId !== undefined) return { kind: "person", identityId, ref, ...range };
  if (ref === null) return { kind: "range", ...range };
  throw invalid([{ pointer: "/identity_id", detail: "the cursor was made for a person; name them again" }]);
}

/** What a cursor holds besides the question: whose entries, and where the log ended at the first page. */
interface Bound {
  ref: string | null;
  end: number | null;
}

function readBound({ ref, end }: Record<string, unknown>): Bound | null {
  if (!Number.isSafeInteger(end) || (end as number) < 0) return null;
  return ref === null || (typeof ref === "string" && /^[0-9a-f]{64}$/.test(ref)) ? { ref, end: end as number } : null;
}

function revealedJson({ row, people, values }: RevealedEntry, form: Asked["payload"]) {
  return {
    ...entryJson(row, form),
    people: people.map(({ ref, status, identityId, email, ip, idpClaimNames }) => ({
      ref,
      status,
      identity_id_ref: identityId,
      email_claim: email,
      source_ip: ip,
      idp_claim_names: idpClaimNames,
    })),
    private: values.map(({ pointer, subject, status, valueJson, salt, commitment }) => ({
      pointer,
      subject,
      status,
      value: valueJson === null ? null : (JSON.parse(valueJson) as unknown),
      salt,
      commitment,
    })),
  };
}
