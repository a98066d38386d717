/** What a cell's Worker asks of a domain's keeper about evidence for many entries. Plain values and a byte stream: they cross RPC. */
import type { BundleCall } from "../bundle/export.ts";
import type { WantedSet } from "./evidence-set.ts";

export interface BundleAnswer {
  from: number;
  to: number;
  /** Bytes; breaks off when a store fails, and then is no bundle. */
  body: ReadableStream<Uint8Array>;
}

export interface EvidenceCalls {
  /** The text of an evidence set. */
  evidenceSet(wanted: WantedSet): Promise<string>;
  bundle(call: BundleCall): Promise<BundleAnswer>;
}
