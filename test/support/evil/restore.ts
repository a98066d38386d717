/** Stores put back to earlier copies of their files, each alone or together. For a stopped cell. */
import { cpSync, rmSync } from "node:fs";
import path from "node:path";
import type { Jurisdiction } from "../../../src/core/ids.ts";
import { d1File, domainFile, restoreDatabase } from "./places.ts";

/** A copy of all files as they are now. */
export function keepCopy(state: string, copy: string): void {
  rmSync(copy, { recursive: true, force: true });
  cpSync(state, copy, { recursive: true });
}

/** The whole ledger, as D1's Time Travel does. */
export const restoreLedger = (copy: string, state: string, jurisdiction: Jurisdiction) =>
  restoreDatabase(d1File(copy, "LEDGER_00", jurisdiction), d1File(state, "LEDGER_00", jurisdiction));

/** One domain's object, as a point-in-time restore does. */
export const restoreObject = (copy: string, state: string, domainId: string) =>
  restoreDatabase(domainFile(copy, domainId), domainFile(state, domainId));

/** Every bucket with its index. */
export function restoreBuckets(copy: string, state: string): void {
  rmSync(path.join(state, "r2"), { recursive: true, force: true });
  cpSync(path.join(copy, "r2"), path.join(state, "r2"), { recursive: true });
}
