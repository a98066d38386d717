/** The network of the simulator: calls and answers wait until the scheduler lets them go on, in any order. */
import type { DurableStorage } from "./durable.ts";
import { type Network, type StoreName, unavailable } from "./network.ts";

/**
 * What happens to a call. `lost`: fails and is not persisted. `answer_lost`: is persisted and fails. `late`: fails, and is
 * persisted some time later. (A call that hangs is one that the scheduler does not choose.)
 */
export type Fate = "works" | "lost" | "answer_lost" | "late";

export interface PendingCall {
  store: StoreName;
  method: string;
  incarnation: number;
  /** It leaves the object when everything written before it is durable. */
  gate: number;
  apply: () => unknown;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  /** The store has done it (or not): only the answer is on its way. */
  answer: (() => void) | null;
}

export class QueueNetwork {
  readonly #storage: DurableStorage;
  calls: PendingCall[] = [];
  /** Writes that arrive although their caller was told that they failed, or is gone. */
  late: { name: string; apply: () => unknown }[] = [];

  constructor(storage: DurableStorage) {
    this.#storage = storage;
  }

  of(incarnation: number): Network {
    return {
      call: <T>(store: StoreName, method: string, apply: () => T) =>
        new Promise<T>((resolve, reject) => {
          const rest = { resolve: resolve as (value: unknown) => void, reject, answer: null };
          this.calls.push({ store, method, incarnation, gate: this.#storage.version, apply, ...rest });
        }),
    };
  }

  deliverable(): PendingCall[] {
    return this.calls.filter(({ gate }) => gate <= this.#storage.durable);
  }

  /** The call reaches its store. */
  deliver(call: PendingCall, fate: Fate): void {
    const { store, method, apply } = call;
    if (fate === "late") this.late.push({ name: `${store}.${method}`, apply });
    try {
      const value = fate === "works" || fate === "answer_lost" ? apply() : undefined;
      call.answer = () => (fate === "works" ? call.resolve(value) : call.reject(unavailable(store, method)));
    } catch (error) {
      call.answer = () => call.reject(error);
    }
  }

  answer(call: PendingCall): void {
    this.calls = this.calls.filter((other) => other !== call);
    call.answer?.();
  }

  /** A late write arrives; nobody hears of its outcome. */
  arrive(index: number): string {
    const [write] = this.late.splice(index, 1);
    try {
      write?.apply();
    } catch {
      // Refused by a guard: that is what guards are for. A broken promise is kept by the referee.
    }
    return write?.name ?? "";
  }

  /** The object is gone: its calls get no answer, and those that had left it may still arrive. */
  abandon(mayArrive: (call: PendingCall) => boolean): void {
    for (const call of this.calls) {
      const left = call.answer === null && call.gate <= this.#storage.durable;
      if (left && mayArrive(call)) this.late.push({ name: `${call.store}.${call.method}`, apply: call.apply });
    }
    this.calls = [];
  }
}
