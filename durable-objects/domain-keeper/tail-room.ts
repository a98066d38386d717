/**
 * Everybody who listens to one domain: who comes, who may stay, and who goes. What they get is given by tail-pages.ts.
 *
 * What is lost with the object's memory: streams (their readers connect again) and what the log has told it. Sockets are found
 * again with their attachments; a growth that nobody told of is found at the next look.
 */
import { AppError, isAppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { expired } from "../../src/services/log/cold/floors.ts";
import type { Growth, TailCall, TailEnd, TailKind, Watched } from "../../src/services/tail/calls.ts";
import { holderName, type TailHolder } from "../../src/services/tail/holder.ts";
import { within } from "../../src/services/within.ts";
import type { Listener, TailState } from "./tail-listener.ts";
import { type PageDeps, TailPages } from "./tail-pages.ts";
import { TailSocket } from "./tail-socket.ts";
import { TailStream } from "./tail-stream.ts";

/** One question to another object or to D1. */
const ASK_MS = 5000;
const SOCKET_TAG = "tail";

export interface TailDeps extends PageDeps {
  sockets: Pick<DurableObjectState, "acceptWebSocket" | "getWebSockets" | "setWebSocketAutoResponse">;
  mayListen(holder: TailHolder, tenantId: string): Promise<boolean>;
  /** Counts this domain's connections; resolves to those of the whole tenant. */
  countForTenant(tenantId: string, listening: number): Promise<number>;
}

export class TailRoom {
  /** Replaced in part by tests. */
  deps: TailDeps;
  readonly #streams = new Set<TailStream>();
  readonly #sockets = new WeakMap<WebSocket, TailSocket>();
  readonly #pages = new TailPages(
    () => this.deps,
    () => this.#listeners(),
  );
  /** On their way in: the log must not believe meanwhile that nobody listens. */
  #opening = 0;

  constructor(deps: TailDeps) {
    this.deps = deps;
  }

  /** The connection, as an answer. Throws `rate.limited`, `request.invalid` for a seq past the head, `domain.stopped`. */
  async open(call: TailCall, kind: TailKind): Promise<Response> {
    this.#opening++;
    try {
      const others = await within(this.#countForTenant(call.tenantId), ASK_MS);
      if ((others ?? 0) > LIMITS.tailsPerTenant) throw tooMany("a tenant", LIMITS.tailsPerTenant);
      const watched = this.#pages.see(await this.deps.watch());
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
      this.#pages.pump();
      return answer;
    } finally {
      this.#opening--;
    }
  }

  /** The log has grown. False: nobody listens, and it need not tell again. */
  grew(growth: Growth): boolean {
    this.#pages.grew(growth);
    const listens = this.#opening > 0 || this.#listeners().length > 0;
    if (listens) this.#pages.pump();
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
      else if (fullMs >= LIMITS.tailStallMs && listener.state.next < this.#pages.size) listener.end("lagging");
      else listener.beat();
    }
    this.#pages.pump();
    const left = this.#listeners();
    const tenantId = left[0]?.state.tenantId;
    if (tenantId !== undefined) void this.#countForTenant(tenantId).catch(() => undefined);
    return left.length > 0 ? nowMs + LIMITS.tailLookMs : null;
  }

  /** A message of a client over a WebSocket of this room. */
  said(socket: WebSocket, message: string | ArrayBuffer): void {
    if (this.#socketOf(socket)?.said(message)) this.#pages.pump();
  }

  endAll(end: TailEnd): void {
    for (const listener of this.#listeners()) listener.end(end);
  }

  #begin({ from, filter, form, holder, tenantId }: TailCall, kind: TailKind, { size, firstKept }: Watched): TailState {
    const next = from ?? size;
    if (next > this.#pages.size) {
      const detail = `the log has ${this.#pages.size} entries`;
      throw new AppError("request.invalid", { errors: [{ pointer: "query:from", detail }] });
    }
    if (next < firstKept) throw expired(next, firstKept);
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
      hasRoom: () => this.#pages.pump(),
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

  async #lookAtLog(): Promise<void> {
    try {
      const watched = await within(this.deps.watch(), ASK_MS);
      if (watched && this.#pages.see(watched).stopped) this.endAll("domain_stopped");
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
}

function tooMany(whose: string, limit: number): AppError {
  const detail = `${whose} may have ${limit} live connections at a time`;
  return new AppError("rate.limited", { detail, retryAfterSeconds: LIMITS.tailLookMs / 1000 });
}
