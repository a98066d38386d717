/** The way from the object to its stores: whoever implements it decides when a call arrives, and whether it fails and how. */
import { AppError } from "../../../src/core/errors.ts";
import type { EntryRow, LedgerStore, RootStore, SegmentStore } from "../../../src/services/ports.ts";
import type { LedgerDouble } from "./ledger-double.ts";
import type { SegmentDouble } from "./segment-double.ts";
import type { Truth } from "./truth.ts";

export type StoreName = "ledger" | "segments" | "roots";

export interface Network {
  /** `apply` is what the store does when the call arrives. */
  call<T>(store: StoreName, method: string, apply: () => T): Promise<T>;
}

export interface Stores {
  ledger: LedgerStore;
  segments: SegmentStore & { overwrite: SegmentStore["put"] };
  roots: RootStore;
}

export interface StoreDoubles {
  ledger: LedgerDouble;
  segments: SegmentDouble;
  root: Uint8Array;
  truth: Truth;
}

/** The stores as one incarnation of the object sees them. What it sends is judged when it is sent. */
export function connect(network: Network, { ledger, segments, root, truth }: StoreDoubles): Stores {
  const payloadsOurs = (firstSeq: number, payloads: readonly string[]) =>
    payloads.map((payload, i): EntryRow => ({ ...(truth.rows[firstSeq + i] ?? NOTHING), payload }));
  return {
    ledger: {
      insert: (rows, base) => {
        truth.demandOurs(rows, "the ledger");
        return network.call("ledger", "insert", () => ledger.insert(rows, base));
      },
      tip: () => network.call("ledger", "tip", () => ledger.tip()),
      rows: (range) => network.call("ledger", "rows", () => ledger.rows(range)),
      byId: (id) => network.call("ledger", "byId", () => ledger.byId(id)),
      seqsOf: (ids) => network.call("ledger", "seqsOf", () => ledger.seqsOf(ids)),
      missingGuards: () => network.call("ledger", "missingGuards", () => ledger.missingGuards()),
    },
    segments: {
      put: (head, payloads) => {
        truth.demandOurs(payloadsOurs(head.firstSeq, payloads), "the archive");
        return network.call("segments", "put", () => segments.put(head, payloads));
      },
      overwrite: (head, payloads) =>
        network.call("segments", "put", () => {
          segments.overwrite(head, payloads);
          return true;
        }),
      get: (firstSeq) => network.call("segments", "get", () => segments.get(firstSeq)),
      list: (fromSeq, limit) => network.call("segments", "list", () => segments.list(fromSeq, limit)),
    },
    roots: {
      get: () => network.call("roots", "get", () => root.slice()),
      create: () => network.call("roots", "create", () => root.slice()),
      destroy: () => Promise.reject(new Error("a simulated tenant is never deleted")),
    },
  };
}

export const unavailable = (store: StoreName, method: string) =>
  new AppError("storage.unavailable", { internal: `injected: ${store}.${method}` });

const NOTHING: EntryRow = { seq: -1, id: "", prevHash: "", entryHash: "", payload: "" };
