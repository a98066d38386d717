/** A call between objects that fails: at once, or after it was done and only the answer got lost. Runs in workerd. */
import { runInDurableObject } from "cloudflare:test";
import type { Form } from "./tenancy.ts";

const AWAY = { ok: false, code: "storage.unavailable", options: { internal: "a test broke this call" } };

/** Breaks a method of every object of this class, until what is returned is called; and counts how often it was asked. */
export async function breakCall(
  stub: DurableObjectStub<never>,
  name: string,
  form: Form,
): Promise<{ asked: () => number; mend: () => Promise<void> }> {
  let asked = 0;
  const inPrototype = (change: (prototype: Record<string, unknown>) => void) =>
    runInDurableObject(stub, (object: object) => change(Object.getPrototypeOf(object)));
  let real: unknown;
  await inPrototype((prototype) => {
    real = prototype[name];
    prototype[name] = async function (this: unknown, ...args: unknown[]) {
      asked++;
      if (form === "failed but persisted") await (real as (...args: unknown[]) => Promise<unknown>).apply(this, args);
      return AWAY;
    };
  });
  const mend = () =>
    inPrototype((prototype) => {
      prototype[name] = real;
    });
  return { asked: () => asked, mend };
}
