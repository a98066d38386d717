/**
 * Made the golden exports of format version 2, each once: `node test/vectors/exports/make.ts`. They are kept for ever, with the script
 * and the page that were in them then; this file makes those that are not there, and never writes over one.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toHex } from "../../../src/core/bytes.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { madeExport } from "../../support/made-exports.ts";
import { ProvedLog, rowsFromGenesis } from "../../verifier/proved-log.ts";

const log = new ProvedLog(rowsFromGenesis(40));
const bounds = { entries: 15, scanEntries: 10 };
const filter = {
  clauses: [{ field: "action" as const, anyOf: ["document.read"], not: false }],
  ...{ afterMs: null, beforeMs: null },
};
const exports: Record<string, () => Promise<Uint8Array>> = {
  "v2-range.zip": () => madeExport({ log, bounds, wish: { from: 2, to: 35 } }),
  "v2-selection.zip": () => madeExport({ log, bounds, wish: { filter, filterText: "action:document.read" } }),
};
const here = (name: string) => join(import.meta.dirname, name);
const golden = JSON.parse(readFileSync(here("v2.json"), "utf8")) as { about: string; sha256: Record<string, string> };
for (const [name, make] of Object.entries(exports)) {
  if (golden.sha256[name]) continue;
  const bytes = await make();
  writeFileSync(here(name), bytes, { flag: "wx" });
  golden.sha256[name] = toHex(sha256(bytes));
}
writeFileSync(here("v2.json"), `${JSON.stringify(golden, null, 2)}\n`);
