/** What a cell's Worker asks of the cell's own object about slots. Plain values: they cross RPC. */
import type { SlotName } from "../../../crypto/key-registry.ts";
import type { SlotRotationView } from "./rotate.ts";

export interface SlotVersion {
  slot: SlotName;
  version: number;
  /** A Worker secret has no date: when the cell first met it. */
  seenSince: string;
}

export interface SlotCalls {
  /** By the slots' numbers, versions ascending. */
  all(): Promise<SlotVersion[]>;
  /** One bounded step; again until it is done. */
  rotate(slot: SlotName): Promise<SlotRotationView>;
  /** The same after the last look began (`again`). `retired` null: not yet. */
  retire(slot: SlotName, again: boolean): Promise<{ view: SlotRotationView; retired: number[] | null }>;
}
