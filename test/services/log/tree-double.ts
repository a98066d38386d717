/** The tree of a log in memory, and a queryable copy of its rows, as strict as the contract. */
import { concatBytes, toHex } from "../../../src/core/bytes.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { lastOf, proveSet, type SetDeps } from "../../../src/services/log/evidence-set.ts";
import { extendTree, type TreeJournal } from "../../../src/services/log/tree.ts";
import type { EntryRow } from "../../../src/services/ports.ts";
import { DOMAIN, type ProvedLog } from "../../verifier/proved-log.ts";

export class TreeDouble implements TreeJournal {
  #frontier: { size: number; hashes: readonly Uint8Array[] } = { size: 0, hashes: [] };
  readonly #tiles = new Map<string, Uint8Array>();

  constructor(rows: readonly EntryRow[]) {
    extendTree(this, rows, sha256);
  }
  frontier() {
    return this.#frontier;
  }
  setFrontier(size: number, hashes: readonly Uint8Array[]) {
    this.#frontier = { size, hashes };
  }
  extendTile(level: number, index: number, hashes: Uint8Array) {
    const key = `${level}/${index}`;
    this.#tiles.set(key, concatBytes(this.#tiles.get(key) ?? new Uint8Array(), hashes));
  }
  tile(level: number, index: number) {
    return this.#tiles.get(`${level}/${index}`) ?? null;
  }
}

/** What an object and a ledger answer about this log. `rows`: what the ledger holds, if that is something else. */
export function setDeps(log: ProvedLog, rows: readonly EntryRow[] = log.rows, pageRows = 100): SetDeps {
  const tree = new TreeDouble(log.rows);
  const size = log.rows.length;
  const cut = (wanted: EntryRow[]) => {
    let chars = 0;
    return wanted.filter(({ payload }, i) => {
      chars += payload.length;
      return i < pageRows && (i === 0 || chars <= LIMITS.pageChars);
    });
  };
  return {
    domainId: DOMAIN,
    sha256,
    log: {
      setProof: async (wanted) => {
        if (lastOf(wanted) >= size) return null;
        const checkpoint = {
          size,
          root: toHex(log.root()),
          note: log.checkpoint(),
          signedAt: "2026-11-21T00:00:00.000Z",
        };
        return { hashes: proveSet(tree, wanted, size, sha256), checkpoint };
      },
      flush: async () => [],
    },
    ledger: () => ({
      rows: async ({ fromSeq, toSeq, limit, descending }) => {
        if (descending) throw new Error("nobody asked for this order");
        return cut(rows.filter(({ seq }) => seq >= fromSeq && seq <= toSeq).slice(0, limit));
      },
      rowsAt: async (seqs) => cut(rows.filter(({ seq }) => seqs.includes(seq))),
    }),
  };
}
