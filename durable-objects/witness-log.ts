/**
 * What this cell, as a witness, knows of one log of somebody else (C2SP tlog-witness). One object an origin, so that checking
 * and storing a head is one step (src/services/witness/witness.ts has the commit order). Sizes, roots and signatures only.
 */
import { DurableObject } from "cloudflare:workers";
import { AppError } from "../src/core/errors.ts";
import { cosignWith } from "../src/crypto/ml-dsa-cosigner.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import type { CellEnv } from "../src/env.ts";
import { type CellConfig, cellConfig } from "../src/services/cell-config.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import type { Submission } from "../src/services/witness/submission.ts";
import { addCheckpoint, originHash, type WitnessAnswer, type WitnessDeps } from "../src/services/witness/witness.ts";
import { demandPinned } from "./pinning.ts";
import { SqliteWitnessStore } from "./witness-log/store.ts";

export class WitnessLog extends DurableObject<CellEnv> {
  readonly store: SqliteWitnessStore;
  /** Replaced by tests that make the store fail. */
  deps: () => WitnessDeps;

  constructor(ctx: DurableObjectState, env: CellEnv) {
    super(ctx, env);
    this.store = new SqliteWitnessStore(ctx.storage);
    this.deps = () => {
      const { cosigner, mlDsaCosigner } = this.#config();
      return { store: this.store, cosign: cosignWith(cosigner, mlDsaCosigner), sha256, clock: Date.now };
    };
  }

  /** The Worker has verified the log's signature; here it is compared with what was cosigned before. */
  addCheckpoint(submission: Submission): Promise<Outcome<WitnessAnswer>> {
    return outcomeOf(async () => {
      this.#config();
      if (this.ctx.id.name !== originHash(sha256, submission.origin)) {
        throw new AppError("internal", { internal: "a checkpoint came to the object of another origin" });
      }
      return addCheckpoint(submission, this.deps());
    });
  }

  /** The latest cosigned checkpoint, for monitors. Null: none. */
  checkpoint(): Promise<Outcome<string | null>> {
    return outcomeOf(async () => {
      this.#config();
      return this.store.published();
    });
  }

  #config(): CellConfig {
    const config = cellConfig(this.env);
    demandPinned(this.ctx, config);
    return config;
  }
}
