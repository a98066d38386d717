/** The witnesses of a domain, wired to its tree and its cell's configuration. */
import { sha256 } from "../../src/crypto/sha256.ts";
import type { NoteSigner } from "../../src/crypto/signer.ts";
import type { CellConfig } from "../../src/services/cell-config.ts";
import { proofOfGrowth, rootAt } from "../../src/services/log/tree.ts";
import { logKeysOf } from "../../src/services/witness/log-keys.ts";
import type { DomainTree } from "./domain-tree.ts";
import { Witnesses } from "./witnesses.ts";

export interface WitnessWiring {
  storage: DurableObjectStorage;
  tree: DomainTree;
  config: () => CellConfig;
  /** Named like the log's origin. */
  signer: () => NoteSigner;
  clock: () => number;
  /** The log contradicts what it signed once. */
  stop: (reason: string) => void;
  plan: (atMs: number) => void;
}

export function domainWitnesses({ storage, tree, config, signer, clock, stop, plan }: WitnessWiring): Witnesses {
  return new Witnesses({
    storage,
    origin: () => signer().name,
    clock,
    configured: () => config().witnesses,
    newest: () => tree.checkpoints.lastCheckpoint(),
    checkpointOf: (size) => tree.checkpoints.checkpointOf(size),
    own: {
      proof: (oldSize, size) => proofOfGrowth(tree.tree, oldSize, size, sha256),
      rootAt: (size) => rootAt(tree.tree, size, sha256),
      logKeys: () => logKeysOf(sha256, signer(), config().retiredKeys),
    },
    alarm: ({ witness, kind, size }) =>
      stop(
        kind === "rollback"
          ? `the witness ${witness} holds a checkpoint of ${size} entries that this log signed: it was set back`
          : `the witness ${witness} holds another tree of ${size} entries that this log signed: it was rewritten`,
      ),
    plan,
  });
}
