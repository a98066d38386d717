/**
 * Faults in their two forms, around a real store: `lost` fails before the store is asked (failed and not persisted),
 * `answer_lost` asks the store and then fails (failed but persisted).
 */
import { AppError } from "../../src/core/errors.ts";

export type FaultForm = "lost" | "answer_lost";
export const FAULT_FORMS: readonly FaultForm[] = ["lost", "answer_lost"];

export interface Fault<T> {
  method: keyof T & string;
  form: FaultForm;
  /** How many calls fail; then the store works again. */
  times: number;
}

/** The store with the fault in it, and how many calls were made to fail. */
export function withFault<T extends object>(store: T, fault: Fault<T>): { store: T; failed: () => number } {
  let failed = 0;
  const faulty = new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      if (name !== fault.method) return value.bind(target);
      return async (...args: unknown[]) => {
        if (failed >= fault.times) return value.apply(target, args);
        failed++;
        if (fault.form === "answer_lost") await value.apply(target, args);
        throw new AppError("storage.unavailable", { internal: `injected: ${fault.method} ${fault.form}` });
      };
    },
  });
  return { store: faulty, failed: () => failed };
}
