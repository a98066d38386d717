/**
 * What was refused, counted without a word of its content, so that a tenant finds the client that sends what is not taken.
 *
 * Counts are a lower bound. They are gathered in the memory of an isolate and written behind the answers, at most once a second
 * for all of its domains: an isolate that is killed loses what it has gathered since; a write that fails is not repeated, since
 * it may have happened; what is more than `LIMITS.rejectedKindsWaiting` kinds between two writes is not counted.
 */
import type { ErrorCode } from "../../core/errors.ts";
import { isActionName } from "../../core/event.ts";
import { LIMITS } from "../../core/limits.ts";
import { findInClearText } from "../../core/payload/guard.ts";
import type { Clock, RejectedCount, RejectedKind, RejectedStore } from "../ports.ts";

/** One refused event. */
export interface Rejected {
  domainId: string;
  code: ErrorCode;
  /** As it came; kept only when it is an action's name. Null: not known. */
  action: string | null;
  /** Of the first fault, relative to the event. */
  pointer: string;
  schemaVersion?: number | undefined;
  /** The key's id, or `operator`; null for people. */
  credentialId: string | null;
}

export interface RejectedEvents {
  /** Counts in memory at once, writes later. `after`: the request's `waitUntil`. Never throws. */
  note(rejected: readonly Rejected[], after: (work: Promise<unknown>) => void): void;
}

export interface RejectedDeps {
  store: Pick<RejectedStore, "add">;
  clock: Clock;
  wait: (ms: number) => Promise<void>;
}

export function rejectedEvents({ store, clock, wait }: RejectedDeps): RejectedEvents {
  let waiting = new Map<string, RejectedCount>();
  let writtenAtMs = Number.NEGATIVE_INFINITY;
  /** Since when a request is about to write. */
  let begunAtMs: number | null = null;
  const write = async () => {
    const earlyMs = writtenAtMs + LIMITS.rejectedWriteMs - clock();
    if (earlyMs > 0) await wait(Math.min(earlyMs, LIMITS.rejectedWriteMs));
    const counts = [...waiting.values()];
    waiting = new Map();
    begunAtMs = null;
    writtenAtMs = clock();
    await store.add(counts).catch(() => undefined);
  };
  return {
    note(rejected, after) {
      const nowIso = new Date(clock()).toISOString();
      for (const each of rejected) count(waiting, kindOf(each), nowIso);
      if (waiting.size === 0) return;
      // A request that was cut off before it wrote never will.
      if (begunAtMs !== null && clock() - begunAtMs < 2 * LIMITS.rejectedWriteMs) return;
      begunAtMs = clock();
      after(write());
    },
  };
}

function count(waiting: Map<string, RejectedCount>, kind: RejectedKind, nowIso: string): void {
  const name = JSON.stringify(Object.values(kind));
  const known = waiting.get(name);
  if (known) {
    known.count += 1;
    known.lastAt = nowIso;
  } else if (waiting.size < LIMITS.rejectedKindsWaiting) {
    waiting.set(name, { ...kind, count: 1, firstAt: nowIso, lastAt: nowIso });
  }
}

function kindOf({ domainId, code, action, pointer, schemaVersion, credentialId }: Rejected): RejectedKind {
  return {
    domainId,
    code,
    action: action !== null && isActionName(action) ? action : "",
    pointer: withoutContent(pointer),
    schemaVersion: schemaVersion ?? 0,
    credentialId: credentialId ?? "",
  };
}

const MAX_TOKENS = 6;
const NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,39}$/;

/** Indexes, and names that may be content, as `*`: so that a pointer tells the field and nothing of the event. */
function withoutContent(pointer: string): string {
  const [, ...tokens] = pointer.split("/");
  const told = tokens.slice(0, MAX_TOKENS).map((token) => (NAME.test(token) && !findInClearText(token) ? token : "*"));
  return told.map((token) => `/${token}`).join("");
}
