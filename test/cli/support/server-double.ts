/** The API over HTTP as the contract describes it, stricter than it needs to be, and with faults on demand. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { DomainHealth, Residency } from "../../../src/client/index.ts";
import { formatApiKey } from "../../../src/core/api-key.ts";
import { makeId } from "../../../src/core/ids.ts";
import { parseStrictJson } from "../../../src/core/strict-json.ts";
import { revealSchema, searchSchema } from "../../../src/http/schemas/reveal.ts";
import { OWNER_KEY_PERMISSIONS } from "../../../src/services/permissions.ts";
import { HoldsDouble } from "./holds-double.ts";
import { ImportsDouble } from "./imports-double.ts";
import type { LogDouble, Row } from "./log-double.ts";
import { TOKEN } from "./people-answers.ts";
import { PeopleDouble } from "./people-double.ts";

const UUID = "0193a0c4-5f7e-7c3a-9d53-6c1f0e0f4b11";
export const KEY_EU = formatApiKey("eu", makeId("apiKey", "eu", UUID).slice(-26), new Uint8Array(32).fill(7));
export const KEY_US = formatApiKey("us", makeId("apiKey", "us", UUID).slice(-26), new Uint8Array(32).fill(9));
export const TENANT = makeId("tenant", "eu", UUID);

/** What shall go wrong with a request: refused without being carried out, carried out and the answer lost, or other. */
export type Fault =
  | { kind: "refuse"; status: number; code?: string; headers?: { [name: string]: string } }
  | { kind: "lose-answer" }
  | { kind: "hang-up" };

export interface Seen {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
  /** The body, as it came. */
  bytes: Buffer;
}

/** A cell's report as if everything had been observed in `observed`. */
export function cellIn(jurisdiction: "eu" | "us", observed: string): Residency["cells"][number] {
  const seen = { observed, how: "probe", observed_at: "2026-11-21T09:00:00.000Z" };
  return {
    jurisdiction,
    durable_objects: seen,
    databases: { LEDGER_00: seen },
    buckets: { LOG: seen },
    signer: "example.com+0+key",
    note: "",
  };
}

interface Answered {
  status: number;
  body: object;
  headers?: { [name: string]: string };
}

class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: { pointer: string; detail: string }[] | undefined;
  readonly extra: object;

  constructor(status: number, code: string, errors?: { pointer: string; detail: string }[], extra: object = {}) {
    super(code);
    this.extra = extra;
    this.status = status;
    this.code = code;
    this.errors = errors;
  }
}

const ENTRY_PARAMETERS = new Set(["order", "limit", "cursor", "from", "to", "payload", "consistency"]);
const PAGE_ENTRIES = 7;

/** A self-check in which every check is in this state; `bad` with a finding in D1. */
export function healthOf(state: DomainHealth["state"]): DomainHealth {
  const at = "2026-11-20T10:00:00.000Z";
  const findings =
    state === "bad" ? [{ store: "ledger" as const, fault: "entry_hash_mismatch", first_bad_seq: 7 }] : [];
  const read = { entries: 12, took_ms: 1 };
  const check = {
    name: "ledger" as const,
    says: "Rows are as they were appended",
    state,
    since: at,
    last_run_at: at,
    note: null,
  };
  return {
    domain_id: "dom_eu_00000000000000000000000001",
    state,
    status: state === "bad" ? "stopped" : "running",
    stopped_reason: state === "bad" ? "self-check: ledger:entry_hash_mismatch at entry 7" : null,
    on_violation: "stop",
    checks: [{ ...check, findings, verified_to: 12, sample_size: 12, lag: 0 }],
    last_run:
      state === "unknown"
        ? null
        : { started_at: at, ended_at: at, read: { ledger: read, archive: read, mirror: read } },
    next_run_at: at,
    unrecorded: { waiting: 0, dropped: 0, code: null },
  };
}

/** A body that is no JSON. */
class Text {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export class ServerDouble {
  readonly log: LogDouble;
  readonly people = new PeopleDouble();
  readonly holds = new HoldsDouble();
  readonly imports = new ImportsDouble();
  readonly seen: Seen[] = [];
  readonly faults: Fault[] = [];
  cells: Residency["cells"] = [cellIn("eu", "eu"), cellIn("us", "us")];
  /** What `GET /v1/status` tells anybody. */
  statuses: object[] = [];
  /** What `GET /v1/domains/{domainId}/health` tells. */
  health: DomainHealth = healthOf("ok");
  permissions: readonly string[] = OWNER_KEY_PERMISSIONS;
  /** The log's signed checkpoint; null: none; a number: the status of a refusal. */
  checkpoint: string | number | null = null;
  verification: ((query: URLSearchParams) => object) | null = null;
  #server: Server | null = null;
  readonly #tails = new Set<ServerResponse>();

  constructor(log: LogDouble) {
    this.log = log;
  }

  async start(): Promise<string> {
    const server = createServer((request, response) => void this.#serve(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const bytes = Buffer.concat(parts);
    const body = bytes.toString();
    const seen = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body, bytes };
    this.seen.push(seen);
    const fault = this.faults.shift();
    if (!fault && seen.path.startsWith(`/v1/domains/${this.log.domainId}/audit/tail`))
      return this.#tail(seen, response);
    if (fault?.kind === "hang-up") return void request.socket.destroy();
    const answer = fault?.kind === "refuse" ? refusal(fault) : this.#answer(seen);
    if (answer === "lost") return void request.socket.destroy();
    if (fault?.kind === "lose-answer") return void request.socket.destroy();
    response.writeHead(answer.status, {
      "content-type": answer.status < 400 ? "application/json" : "application/problem+json",
      "x-request-id": "req-1",
      ...answer.headers,
    });
    if (answer.status === 204) return void response.end();
    response.end(answer.body instanceof Text ? answer.body.text : JSON.stringify(answer.body));
  }

  /** Cuts the live connections off, in the middle of whatever they say. */
  cutTails(): void {
    for (const response of this.#tails) response.destroy();
  }

  /** The entries that are there from `from` on, and those that come, until it is cut off or the client goes. */
  #tail({ path, headers }: Seen, response: ServerResponse): void {
    const { searchParams } = new URL(path, "http://double");
    if (headers.authorization !== `Bearer ${KEY_EU}`) return void response.writeHead(401).end();
    const actions = searchParams.getAll("action");
    let next = searchParams.has("from") ? Number(searchParams.get("from")) : this.log.rows.length;
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`retry: 1000\n${next > 0 ? `id: ${next - 1}\n` : ""}\n`);
    const timer = setInterval(() => {
      for (; next < this.log.rows.length; next++) {
        const row = this.log.rows[next] as Row;
        const entry = shownAs(row, "json") as { payload: { action: string } };
        if (actions.length > 0 && !actions.includes(entry.payload.action)) continue;
        response.write(`id: ${row.seq}\ndata: ${JSON.stringify(entry)}\n\n`);
      }
    }, 2);
    this.#tails.add(response);
    response.on("close", () => {
      clearInterval(timer);
      this.#tails.delete(response);
    });
  }

  #answer(seen: Seen): Answered | "lost" {
    try {
      return this.#route(seen);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const { status, code, errors, extra } = error;
      return { status, body: { type: "about:blank", title: code, status, code, instance: "req-1", errors, ...extra } };
    }
  }

  #route(seen: Seen): Answered | "lost" {
    const url = new URL(seen.path, "http://double");
    if (url.pathname === "/healthz") {
      if (seen.headers.authorization) throw new Problem(400, "test.credential_sent_to_public_route");
      return { status: 200, body: { status: "ok" } };
    }
    if (url.pathname === "/v1/residency") return { status: 200, body: { cells: this.cells } };
    if (url.pathname === "/v1/status") return { status: 200, body: { cells: this.statuses } };
    const { authorization } = seen.headers;
    const known = [`Bearer ${KEY_EU}`, `Bearer ${TOKEN}`];
    if (authorization && !known.includes(authorization)) throw new Problem(401, "auth.required");
    if (!(authorization === `Bearer ${KEY_EU}` && url.pathname === "/v1/whoami")) {
      const { pathname, searchParams: search } = url;
      const told = this.people.answer({ ...seen, pathname, search, credential: authorization });
      if (told === "lost" || (told && "status" in told)) return told;
      if (told) throw new Problem(...told.problem, undefined, told.extra);
    }
    if (!authorization) throw new Problem(401, "auth.required");
    const audit = `/v1/domains/${this.log.domainId}/audit`;
    const { pathname, searchParams } = url;
    const held =
      this.holds.answer({ ...seen, pathname }) ??
      (pathname === audit.replace(/audit$/, "imports") ? this.imports.answer(seen, searchParams) : null);
    if (held && held !== "lost") {
      if ("status" in held) return held;
      throw new Problem(...held.problem, undefined, held.extra);
    }
    if (seen.method === "POST" && pathname === `${audit}/entries`) return this.#append(seen);
    if (seen.method === "POST" && pathname === `${audit}/entries/search`) return this.#search(seen);
    if (seen.method === "POST" && pathname === `${audit}/entries/reveal`) return this.#reveal(seen);
    if (seen.method === "POST" && pathname === `/v1/tenants/${TENANT}/domains`) {
      return { status: 201, body: { id: this.log.domainId, name: JSON.parse(seen.body).name } };
    }
    if (seen.method !== "GET") throw new Problem(404, "resource.not_found");
    if (pathname === "/v1/whoami") {
      return {
        status: 200,
        body: {
          ...{ kind: "api_key", jurisdiction: "eu", tenant_id: TENANT, key_id: null, service_account_id: null },
          ...{ permissions: this.permissions, person: null },
        },
      };
    }
    if (pathname === `/v1/domains/${this.log.domainId}/log/checkpoint` && this.checkpoint !== null) {
      if (typeof this.checkpoint === "number") throw new Problem(this.checkpoint, "storage.unavailable");
      return { status: 200, body: new Text(this.checkpoint) };
    }
    if (pathname === audit.replace(/audit$/, "health")) return { status: 200, body: this.health };
    if (pathname === `${audit}/head`) return { status: 200, body: this.log.headAnswer() };
    if (pathname === `${audit}/verify` && this.verification)
      return { status: 200, body: this.verification(searchParams) };
    if (pathname === `${audit}/entries`) return { status: 200, body: this.#page(searchParams) };
    if (pathname.startsWith(`${audit}/entries/`)) {
      const which = decodeURIComponent(pathname.slice(audit.length + 9));
      const row = this.log.rows.find(({ seq, id }) => String(seq) === which || id === which);
      if (row) return { status: 200, body: shown(row, searchParams) };
    }
    throw new Problem(404, "resource.not_found");
  }

  #append({ headers, body }: Seen) {
    if (headers["content-type"] !== "application/json") throw new Problem(415, "request.unsupported_media_type");
    const key = headers["idempotency-key"];
    if (typeof key !== "string" || key.length > 255) throw new Problem(400, "test.idempotency_key_missing");
    if (Buffer.byteLength(body) > 4 * 1024 * 1024) throw new Problem(413, "request.too_large");
    const strict = parseStrictJson(body, 16);
    if (!strict.ok) throw new Problem(400, "request.malformed", [{ pointer: strict.pointer, detail: strict.detail }]);
    const appended = this.log.append(body, key);
    if ("status" in appended) throw new Problem(appended.status, appended.code, appended.errors);
    return {
      status: appended.replayed ? 200 : 201,
      headers: appended.replayed ? { "idempotency-replayed": "true" } : {},
      body: {
        domain_id: this.log.domainId,
        receipts: appended.receipts,
        replicated: headers.prefer === "wait=replicated",
      },
    };
  }

  #search({ body }: Seen) {
    const { identity_id, cursor, limit = 100, payload } = searchSchema.parse(JSON.parse(body));
    return { status: 200, body: pageOf(this.log.rowsOf(identity_id), cursor, limit, (row) => shownAs(row, payload)) };
  }

  #reveal({ body }: Seen) {
    const asked = revealSchema.parse(JSON.parse(body));
    const { identity_id, seqs, from = 0, to = Number.MAX_SAFE_INTEGER, cursor, limit = 100, payload } = asked;
    const rows = (identity_id === undefined ? this.log.rows : this.log.rowsOf(identity_id)).filter(({ seq }) =>
      seqs ? seqs.includes(seq) : seq >= from && seq <= to,
    );
    const revealed = (row: Row) => ({
      ...shownAs(row, payload),
      people: [],
      private: (this.log.values.get(row.seq) ?? []).map((value) => ({ ...value, status: "revealed" })),
    });
    const page = pageOf(rows, cursor, limit, revealed);
    const answer = seqs ? { ...page, next_cursor: null } : page;
    return { status: 200, body: { domain_id: this.log.domainId, ...answer } };
  }

  /** Small pages whatever the limit, as a server may answer less than it was asked for. */
  #page(query: URLSearchParams) {
    for (const name of query.keys()) if (!ENTRY_PARAMETERS.has(name)) throw new Problem(422, "request.invalid");
    const limit = Number(query.get("limit") ?? 100);
    if (!(limit >= 1 && limit <= 1000)) throw new Problem(422, "request.invalid");
    const cursor = query.get("cursor");
    if (cursor && ["order", "from", "to"].some((name) => query.has(name))) throw new Problem(422, "request.invalid");
    const state = cursor ? JSON.parse(atob(cursor)) : { from: 0, to: Number.MAX_SAFE_INTEGER, at: 0 };
    const from = Number(query.get("from") ?? state.from);
    const to = Number(query.get("to") ?? state.to);
    const found = this.log.rows
      .filter((_, i) => i >= state.at)
      .filter(({ seq }) => seq >= from && seq <= to && seq >= this.log.firstKept);
    const rows = query.get("order") === "desc" ? found.reverse() : found; // the command pages forwards only
    const page = rows.slice(0, Math.min(limit, PAGE_ENTRIES));
    const last = page.at(-1);
    const hasMore = rows.length > page.length;
    const next = last && hasMore ? btoa(JSON.stringify({ from, to, at: this.log.rows.indexOf(last) + 1 })) : null;
    return { entries: page.map((row) => shown(row, query)), next_cursor: next, has_more: hasMore };
  }
}

function shownAs(row: Row, payload: "json" | "text"): object {
  return payload === "text" ? row : { ...row, payload: JSON.parse(row.payload) };
}

/** Small pages, as above. */
function pageOf(rows: Row[], cursor: string | undefined, limit: number, show: (row: Row) => object) {
  const begin = cursor === undefined ? 0 : Number(cursor);
  const end = begin + Math.min(limit, PAGE_ENTRIES);
  const more = end < rows.length;
  return { entries: rows.slice(begin, end).map(show), next_cursor: more ? String(end) : null, has_more: more };
}

function shown(row: Row, query: URLSearchParams): object {
  return query.get("payload") === "text" ? row : { ...row, payload: JSON.parse(row.payload) };
}

function refusal({ status, code = `test.${status}`, headers = {} }: Extract<Fault, { kind: "refuse" }>) {
  return { status, headers, body: { title: code, status, code, instance: "req-1" } };
}
