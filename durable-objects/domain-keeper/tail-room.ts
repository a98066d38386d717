/**
 * Everybody who listens to one domain. Each entry from its `next` on reaches each listener once, in order of seq, and only when it is
 * committed. One step reads a page for whoever's turn it is and gives it to all whose place is in it, so those who are at the
 * head share one read, and somebody who reads the whole past holds nobody else up.
 *
 * What is lost with the object's memory: streams (their readers connect again) and what the log has told it. Sockets are found
 * again with their attachments; a growth that nobody told of is found at the next look.
 */
import { categoryOf } from "../../src/core/actions/index.ts";
import { AppError, isAppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { Payload } from "../../src/core/payload/payload.ts";
import { matches } from "../../src/core/query/match.ts";
import type { Clock, EntryRow } from "../../src/services/ports.ts";
import type { Growth, TailCall, TailEnd, TailKind, Watched } from "../../src/services/tail/calls.ts";
import { holderName, type TailHolder } from "../../src/services/tail/holder.ts";
import { entryText } from "../../src/services/tail/messages.ts";
import { within } from "../domain-log/within.ts";
import type { Listener, TailState } from "./tail-listener.ts";
import { TailSocket } from "./tail-socket.ts";
import { TailStream } from "./tail-stream.ts";

/** One question to another object or to D1. */
const ASK_MS = 5000;
/** After a step that failed. */
const AGAIN_MS = 1000;
const SOCKET_TAG = "tail";

export interface TailDeps {
  sockets: Pick<DurableObjectState, "acceptWebSocket" | "getWebSockets" | "setWebSocketAutoResponse">;
  /** Tells the log that somebody listens, and how far it is. Throws what the log's other calls throw. */
  watch(): Promise<Watched>;
  /** See `tailRows`. */
  rows(fromSeq: number, watched: Watched): Promise<EntryRow[]>;
  mayListen(holder: TailHolder, tenantId: string): Promise<boolean>;
  /** Counts this domain's connections; resolves to those of the whole tenant. */
  countForTenant(tenantId: string, listening: number): Promise<number>;
  /** Has `look` called at that time or earlier. */
  plan(atMs: number): void;
  clock: Clock;
}

export class TailRoom {
  /** Replaced in part by tests. */
  deps: TailDeps;
  readonly #streams = new Set<TailStream>();
  readonly #sockets = new WeakMap<WebSocket, TailSocket>();
  #watched: Watched | null = null;
  /** The most that the log has told of. */
  #grown: Growth = { size: 0, copiedSize: 0 };
  /** On their way in: the log must not believe meanwhile that nobody listens. */
  #opening = 0;
  #pumping = false;
  #again = false;
  #turn = 0;

  constructor(deps: TailDeps) {
    this.deps = deps;
  }

  /** The connection, as an answer. Throws `rate.limited`, `request.invalid` for a seq past the head, `domain.stopped`. */
  async open(call: TailCall, kind: TailKind): Promise<Response> {
    this.#opening++;
    try {
      const others = await within(this.#countForTenant(call.tenantId), ASK_MS);
      if ((others ?? 0) > LIMITS.tailsPerTenant) throw tooMany("a tenant", LIMITS.tailsPerTenant);
      const watched = this.#see(await this.deps.watch());
      if (watched.stopped) throw new AppError("domain.stopped");
      // From here on in one piece.
      if (this.#listeners().length >= LIMITS.tailsPerDomain) {
        // A stream learns that its reader has gone when it says something.
        for (const stream of this.#streams) stream.beat();
        throw tooMany("a domain", LIMITS.tailsPerDomain);
      }
      const state = this.#begin(call, kind, watched);
      const answer = kind === "socket" ? this.#openSocket(state) : this.#openStream(state);
      this.deps.plan(this.deps.clock() + LIMITS.tailLookMs);
      this.#pump();
      return answer;
    } finally {
      this.#opening--;
    }
  }

  /** The log has grown. False: nobody listens, and it need not tell again. */
  grew({ size, copiedSize }: Growth): boolean {
    const { size: known, copiedSize: knownCopied } = this.#grown;
    this.#grown = { size: Math.max(size, known), copiedSize: Math.max(copiedSize, knownCopied) };
    const listens = this.#opening > 0 || this.#listeners().length > 0;
    if (listens) this.#pump();
    return listens;
  }

  /** What the alarm does while somebody listens (`KeeperWork`): ends what has to end, and finds what nobody told of. */
  async look(): Promise<number | null> {
    if (this.#listeners().length === 0) return null;
    await this.#lookAtLog();
    await this.#lookAtHolders();
    const nowMs = this.deps.clock();
    for (const listener of this.#listeners()) {
      const { endsAtMs, checkedAtMs } = listener.state;
      const fullMs = listener.fullSinceMs === null ? 0 : nowMs - listener.fullSinceMs;
      if (nowMs >= endsAtMs) listener.end("life_over");
      else if (nowMs - checkedAtMs > LIMITS.tailTrustMs - LIMITS.tailLookMs) listener.end("credential_ended");
      else if (fullMs >= LIMITS.tailStallMs && listener.state.next < this.#size) listener.end("lagging");
      else listener.beat();
    }
    this.#pump();
    const left = this.#listeners();
    const tenantId = left[0]?.state.tenantId;
    if (tenantId !== undefined) void this.#countForTenant(tenantId).catch(() => undefined);
    return left.length > 0 ? nowMs + LIMITS.tailLookMs : null;
  }

  /** A message of a client over a WebSocket of this room. */
  said(socket: WebSocket, message: string | ArrayBuffer): void {
    if (this.#socketOf(socket)?.said(message)) this.#pump();
  }

  endAll(end: TailEnd): void {
    for (const listener of this.#listeners()) listener.end(end);
  }

  #begin({ from, filter, form, holder, tenantId }: TailCall, kind: TailKind, { size }: Watched): TailState {
    const next = from ?? size;
    if (next > this.#size) {
      const detail = `the log has ${this.#size} entries`;
      throw new AppError("request.invalid", { errors: [{ pointer: "query:from", detail }] });
    }
    const nowMs = this.deps.clock();
    const lifeMs = kind === "socket" ? LIMITS.tailSocketLifeMs : LIMITS.tailStreamLifeMs;
    const times = { endsAtMs: nowMs + lifeMs, checkedAtMs: nowMs };
    return { next, told: next, filter, form, holder, tenantId, ...times };
  }

  #openSocket(state: TailState): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.deps.sockets.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    this.deps.sockets.acceptWebSocket(server, [SOCKET_TAG]);
    this.#sockets.set(server, TailSocket.opened(server, state));
    return new Response(null, { status: 101, webSocket: client });
  }

  #openStream(state: TailState): Response {
    const stream = new TailStream(state, {
      hasRoom: () => this.#pump(),
      left: (gone) => this.#streams.delete(gone),
      nowMs: this.deps.clock,
    });
    this.#streams.add(stream);
    return new Response(stream.readable);
  }

  #listeners(): Listener[] {
    const sockets = this.deps.sockets.getWebSockets(SOCKET_TAG).map((socket) => this.#socketOf(socket));
    return [...sockets.filter((socket) => socket !== null), ...this.#streams];
  }

  #socketOf(socket: WebSocket): TailSocket | null {
    if (socket.readyState !== WebSocket.OPEN) return null;
    const known = this.#sockets.get(socket) ?? TailSocket.restored(socket);
    if (known) this.#sockets.set(socket, known);
    return known;
  }

  get #size(): number {
    return Math.max(this.#grown.size, this.#watched?.size ?? 0);
  }

  #see(watched: Watched): Watched {
    this.#watched = watched;
    return watched;
  }

  async #lookAtLog(): Promise<void> {
    try {
      const watched = await within(this.deps.watch(), ASK_MS);
      if (watched && this.#see(watched).stopped) this.endAll("domain_stopped");
    } catch (error) {
      const gone = isAppError(error) && (error.code === "tenant.deleting" || error.code === "resource.not_found");
      if (gone) this.endAll("domain_gone");
    }
  }

  /** Each credential once. One whose store is away keeps the time at which it was last found right. */
  async #lookAtHolders(): Promise<void> {
    const askedAtMs = this.deps.clock();
    const groups = Map.groupBy(this.#listeners(), ({ state }) => holderName(state.holder));
    const look = async (listeners: Listener[]) => {
      const [first] = listeners;
      if (!first) return;
      const { holder, tenantId } = first.state;
      const may = await within(this.deps.mayListen(holder, tenantId), ASK_MS).catch(() => undefined);
      for (const listener of listeners) {
        if (may === true) listener.state.checkedAtMs = askedAtMs;
        else if (may === false) listener.end("credential_ended");
      }
    };
    await Promise.all([...groups.values()].map(look));
  }

  #countForTenant(tenantId: string): Promise<number> {
    return this.deps.countForTenant(tenantId, this.#listeners().length + this.#opening);
  }

  /** Serves whoever has room and is behind. Never throws; one at a time, and what comes meanwhile is seen to before it ends. */
  #pump(): void {
    this.#again = true;
    if (this.#pumping) return;
    this.#pumping = true;
    void this.#serve().finally(() => {
      this.#pumping = false;
      if (this.#again) this.#pump();
    });
  }

  async #serve(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        while (await this.#step());
      }
    } catch (error) {
      this.#again = false;
      const fault = isAppError(error) ? error.code : error instanceof Error ? error.name : "unknown";
      console.warn(JSON.stringify({ at: "tail", fault }));
      this.deps.plan(this.deps.clock() + AGAIN_MS);
    }
  }

  /** One page. False: nobody has room for what there is. */
  async #step(): Promise<boolean> {
    const ready = this.#listeners().filter((listener) => this.#isReady(listener));
    const turn = ready[this.#turn++ % ready.length];
    if (!turn) return false;
    const watched = this.#watched ?? this.#see(await this.deps.watch());
    const copiedSize = Math.max(this.#grown.copiedSize, watched.copiedSize);
    const rows = await this.deps.rows(turn.state.next, { ...watched, size: this.#size, copiedSize });
    const [first] = rows;
    if (!first) throw new AppError("storage.unavailable", { internal: "no place has the next entry" });
    // From here on in one piece: who left meanwhile is not among them, who came is.
    const read: ReadPage = { texts: new Map(), payloads: new Map() };
    for (const listener of this.#listeners()) {
      const { next } = listener.state;
      if (!this.#isReady(listener) || next < first.seq || next >= first.seq + rows.length) continue;
      give(listener, rows.slice(next - first.seq), read);
      listener.settle(this.deps.clock());
    }
    return true;
  }

  #isReady(listener: Listener): boolean {
    const { next, checkedAtMs } = listener.state;
    const isTrusted = Math.abs(this.deps.clock() - checkedAtMs) <= LIMITS.tailTrustMs;
    return listener.hasRoom && isTrusted && next < this.#size;
  }
}

/** What is made of a page once for all who listen: by form and seq, and by seq. */
interface ReadPage {
  texts: Map<string, string>;
  payloads: Map<number, Payload>;
}

/** As many of the rows as it has room for; those that its filter does not ask for take none. */
function give(listener: Listener, rows: readonly EntryRow[], { texts, payloads }: ReadPage): void {
  const { state } = listener;
  for (const row of rows) {
    if (!listener.hasRoom) return;
    state.next = row.seq + 1;
    if (!isAskedFor(row, state, payloads)) continue;
    const name = `${state.form}/${row.seq}`;
    const text = texts.get(name) ?? entryText(row, state.form);
    texts.set(name, text);
    listener.take(row.seq, text);
  }
}

function isAskedFor({ seq, payload }: EntryRow, { filter }: TailState, payloads: Map<number, Payload>): boolean {
  if (filter.clauses.length === 0 && filter.afterMs === null && filter.beforeMs === null) return true;
  const parsed = payloads.get(seq) ?? (JSON.parse(payload) as Payload);
  payloads.set(seq, parsed);
  return matches(filter, parsed, categoryOf(String(parsed.action)));
}

function tooMany(whose: string, limit: number): AppError {
  const detail = `${whose} may have ${limit} live connections at a time`;
  return new AppError("rate.limited", { detail, retryAfterSeconds: LIMITS.tailLookMs / 1000 });
}
