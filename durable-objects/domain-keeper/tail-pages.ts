/**
 * Pages of one log for those who listen to it. Each entry from its `next` on reaches each listener once, in order of seq, and only
 * when it is committed. One step reads a page for whoever's turn it is and gives it to all whose place is in it, so those who are at
 * the head share one read, and somebody who reads the whole past holds nobody else up.
 */
import { categoryOf } from "../../src/core/actions/index.ts";
import { AppError, isAppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { Payload } from "../../src/core/payload/payload.ts";
import { matches } from "../../src/core/query/match.ts";
import type { Clock, EntryRow } from "../../src/services/ports.ts";
import type { Growth, Watched } from "../../src/services/tail/calls.ts";
import { entryText } from "../../src/services/tail/messages.ts";
import type { Listener, TailState } from "./tail-listener.ts";

/** After a step that failed. */
const AGAIN_MS = 1000;

export interface PageDeps {
  /** Tells the log that somebody listens, and how far it is. Throws what the log's other calls throw. */
  watch(): Promise<Watched>;
  /** See `tailRows`. */
  rows(fromSeq: number, watched: Watched): Promise<EntryRow[]>;
  /** Has the room's `look` called at that time or earlier. */
  plan(atMs: number): void;
  clock: Clock;
}

export class TailPages {
  readonly #deps: () => PageDeps;
  readonly #listeners: () => Listener[];
  #watched: Watched | null = null;
  /** The most that the log has told of. */
  #grown: Growth = { size: 0, copiedSize: 0 };
  #pumping = false;
  #again = false;
  #turn = 0;

  constructor(deps: () => PageDeps, listeners: () => Listener[]) {
    this.#deps = deps;
    this.#listeners = listeners;
  }

  /** Committed entries, as far as is known here. */
  get size(): number {
    return Math.max(this.#grown.size, this.#watched?.size ?? 0);
  }

  /** Takes what the log has answered, and gives it back. */
  see(watched: Watched): Watched {
    this.#watched = watched;
    return watched;
  }

  /** The log has grown. Words that come late take nothing back. */
  grew({ size, copiedSize }: Growth): void {
    const { size: known, copiedSize: knownCopied } = this.#grown;
    this.#grown = { size: Math.max(size, known), copiedSize: Math.max(copiedSize, knownCopied) };
  }

  /** Serves whoever has room and is behind. Never throws; one at a time, and what comes meanwhile is seen to before it ends. */
  pump(): void {
    this.#again = true;
    if (this.#pumping) return;
    this.#pumping = true;
    void this.#serve().finally(() => {
      this.#pumping = false;
      if (this.#again) this.pump();
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
      const { plan, clock } = this.#deps();
      plan(clock() + AGAIN_MS);
    }
  }

  /** One page. False: nobody has room for what there is. */
  async #step(): Promise<boolean> {
    const ready = this.#listeners().filter((listener) => this.#isReady(listener));
    const turn = ready[this.#turn++ % ready.length];
    if (!turn) return false;
    const watched = this.#watched ?? this.see(await this.#deps().watch());
    const copiedSize = Math.max(this.#grown.copiedSize, watched.copiedSize);
    const rows = await this.#deps().rows(turn.state.next, { ...watched, size: this.size, copiedSize });
    const [first] = rows;
    if (!first) throw new AppError("storage.unavailable", { internal: "no place has the next entry" });
    // From here on in one piece: who left meanwhile is not among them, who came is.
    const read: ReadPage = { texts: new Map(), payloads: new Map() };
    for (const listener of this.#listeners()) {
      const { next } = listener.state;
      if (!this.#isReady(listener) || next < first.seq || next >= first.seq + rows.length) continue;
      give(listener, rows.slice(next - first.seq), read);
      listener.settle(this.#deps().clock());
    }
    return true;
  }

  #isReady(listener: Listener): boolean {
    const { next, checkedAtMs } = listener.state;
    const isTrusted = Math.abs(this.#deps().clock() - checkedAtMs) <= LIMITS.tailTrustMs;
    return listener.hasRoom && isTrusted && next < this.size;
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
