/** What a cell's Worker asks of a domain's object about its tree. Plain values: they cross RPC. */

export interface CheckpointView {
  size: number;
  /** Lower-case hex. */
  root: string;
  /** The signed note with the cosignatures that it has. */
  note: string;
  signedAt: string;
}

export interface EntryProof {
  /** From the leaf's sibling to the root's child. */
  hashes: Uint8Array[];
  checkpoint: CheckpointView;
}

export interface GrowthProof {
  from: number;
  hashes: Uint8Array[];
  checkpoint: CheckpointView;
}

export interface LogTreeCalls {
  /** The newest checkpoint. Throws `storage.unavailable` while none may be signed, `log.unsigned` where none ever will be. */
  checkpoint(): Promise<CheckpointView>;
  /** A tile, or a bundle of leaves, by its path of C2SP tlog-tiles; null: there is none. */
  treeTile(path: string): Promise<Uint8Array | null>;
  /** Null: there is no such entry. `waitMs`: how long to wait for witnesses. */
  entryProof(call: { seq: number; waitMs: number }): Promise<EntryProof | null>;
  /** Evidence that this log has shown two histories, as far as its witnesses or its mirror hold it up; null: there is none. */
  fork(): Promise<string | null>;
  /** From a smaller tree to a signed one; `to` null: the newest. Null: no such trees. */
  growthProof(call: { from: number; to: number | null }): Promise<GrowthProof | null>;
}
