/** Holds a domain's copy to D1 back. Runs in workerd. */
import { AppError } from "../../src/core/errors.ts";
import { inLog } from "./cell.ts";

/** From now on D1 takes nothing of this domain, until the function that this resolves to is called. Reads go on. */
export async function stallCopies(domainId: string): Promise<() => Promise<void>> {
  const stores = await inLog(domainId, async (log) => {
    const { stores: real } = log;
    const ledger = new Proxy(real.ledger, {
      get(target, name) {
        if (name === "insert")
          return () => Promise.reject(new AppError("storage.unavailable", { internal: "stalled" }));
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    log.stores = { ...real, ledger };
    return real;
  });
  return () =>
    inLog(domainId, (log) => {
      log.stores = stores;
    });
}
