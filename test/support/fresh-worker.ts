/** This cell's Worker as a fresh isolate would run it: nothing cached, with the settings of the test. Runs in workerd. */
import { createExecutionContext } from "cloudflare:test";
import cell from "../../src/cell.ts";
import type { CellEnv } from "../../src/env.ts";
import { env, ORIGIN } from "./cell.ts";

export type FreshWorker = (path: string, init?: RequestInit) => Promise<Response>;

export function freshWorker(changes: Partial<CellEnv> = {}): FreshWorker {
  const its: CellEnv = { ...env, ...changes };
  return async (path, init) => {
    const request = new Request(ORIGIN + path, init) as Parameters<typeof cell.fetch>[0];
    return cell.fetch(request, its, createExecutionContext());
  };
}

export const bearer = (key: string) => ({ headers: { Authorization: `Bearer ${key}` } });

/** A database that counts the statements it is asked to prepare. */
export function counted(database: D1Database): { database: D1Database; statements: () => string[] } {
  const seen: string[] = [];
  const proxy = new Proxy(database, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...values: unknown[]) => {
        seen.push(`${String(name)} ${String(values[0])}`);
        return value.apply(target, values);
      };
    },
  });
  return { database: proxy, statements: () => [...seen] };
}
