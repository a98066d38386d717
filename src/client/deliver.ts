/**
 * Brings the good events of a batch into the log when the server refuses the batch for some bad ones. An append is atomic, so after a refusal
 * nothing is stored and the rest can be sent again, as another request.
 */
import { type FieldProblem, MoonsealError, MoonsealProblem } from "./errors.ts";
import type { Receipt } from "./types.ts";

/** An event on its way, already encoded: what happens to the caller's object later cannot change what is sent. */
export interface Parcel {
  json: string;
  /** The event's own id, when the caller told it. */
  id: string | undefined;
  byteLength: number;
  settle(outcome: { receipt: Receipt } | { error: unknown }): void;
}

export type Send = (body: string) => Promise<{ receipts: Receipt[] }>;

/** Refusals that may be about single events. */
const ABOUT_EVENTS: readonly number[] = [400, 409, 413, 422];
/** Refusals with such a status that are about the whole request: leaving events out would not help. */
const ABOUT_REQUEST: readonly string[] = ["limit.reached", "idempotency.key_reused", "domain.name_taken"];
/**
 * A server may name only the first bad event of a request. After this many rounds the batch is halved, so that a batch
 * of n bad events costs O(n) small requests and not n large ones.
 */
const ROUNDS_BEFORE_HALVING = 8;

/**
 * Settles every parcel exactly once: with its receipt, or with the problem that is its own (pointers relative to its
 * event), or with the error that stopped the whole request. Keeps the order. Never throws.
 */
export async function deliver(send: Send, parcels: readonly Parcel[]): Promise<void> {
  let rest = parcels;
  for (let round = 1; rest.length > 0; round++) {
    const refused = await attempt(send, rest);
    if (!refused) return;
    const bad = refusedEvents(refused, rest.length);
    if (bad.size === 0 && rest.length === 1) return settleAll(rest, { error: refused });
    if (bad.size === 0 || round > ROUNDS_BEFORE_HALVING) {
      const middle = Math.ceil(rest.length / 2);
      await deliver(send, rest.slice(0, middle));
      return deliver(send, rest.slice(middle));
    }
    for (const [i, problem] of bad) rest[i]?.settle({ error: problem });
    rest = rest.filter((_, i) => !bad.has(i));
  }
}

/** The problem when it may be about single events; otherwise everything is settled. */
async function attempt(send: Send, parcels: readonly Parcel[]): Promise<MoonsealProblem | null> {
  try {
    const { receipts } = await send(`[${parcels.map((parcel) => parcel.json).join(",")}]`);
    if (receipts.length !== parcels.length)
      throw new MoonsealError("the server did not answer one receipt for each event");
    parcels.forEach((parcel, i) => {
      parcel.settle({ receipt: receipts[i] as Receipt });
    });
    return null;
  } catch (error) {
    if (isAboutEvents(error)) return error;
    settleAll(parcels, { error });
    return null;
  }
}

function settleAll(parcels: readonly Parcel[], outcome: { error: unknown }): void {
  for (const parcel of parcels) parcel.settle(outcome);
}

/** Whether a refusal may concern single events of the request, so that others could still be accepted. */
export function isAboutEvents(error: unknown): error is MoonsealProblem {
  return error instanceof MoonsealProblem && ABOUT_EVENTS.includes(error.status) && !ABOUT_REQUEST.includes(error.code);
}

/** Index of each refused event → its own problem. Pointers that name no event of the batch are left aside. */
function refusedEvents(problem: MoonsealProblem, count: number): Map<number, MoonsealProblem> {
  const byEvent = new Map<number, FieldProblem[]>();
  for (const error of problem.errors) {
    const index = Number(/^\/(0|[1-9]\d{0,5})(?=\/|$)/.exec(error.pointer)?.[1] ?? Number.NaN);
    if (!(index < count)) continue;
    const own = { ...error, pointer: error.pointer.replace(/^\/\d+/, "") };
    byEvent.set(index, [...(byEvent.get(index) ?? []), own]);
  }
  return new Map([...byEvent].map(([i, errors]) => [i, problem.withErrors(errors)]));
}
