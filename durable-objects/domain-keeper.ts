/**
 * The heavy work of one domain, away from the thread that puts entries in order. Now: verification. Exports, read-back of
 * the archive, self-check and restore come here too.
 */
import { DurableObject } from "cloudflare:workers";
import { sha256 } from "../src/crypto/sha256.ts";
import type { CellEnv } from "../src/env.ts";
import { cellConfig } from "../src/services/cell-config.ts";
import type { VerifyCall } from "../src/services/log/calls.ts";
import { startRun, type VerifyRun, type VerifyStep, verifyStep } from "../src/services/log/verify.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import { type DomainStores, domainStores } from "./domain-log/stores.ts";
import { domainLog } from "./gates.ts";
import { demandPinned } from "./pinning.ts";

export class DomainKeeper extends DurableObject<CellEnv> {
  /** Replaced by tests that make a store fail. */
  stores: DomainStores;

  constructor(ctx: DurableObjectState, env: CellEnv) {
    super(ctx, env);
    this.stores = domainStores(env, ctx.id.name ?? "");
  }

  /** Begins a run over [from, to] or goes on with one. A new run first brings the queryable copy up to date. */
  verify(call: VerifyCall): Promise<Outcome<VerifyStep>> {
    return outcomeOf(() => this.#verify(call));
  }

  async #verify(call: VerifyCall): Promise<VerifyStep> {
    const config = cellConfig(this.env);
    demandPinned(this.ctx, config);
    const domainId = this.ctx.id.name ?? "";
    const run = "run" in call ? call.run : await this.#begin(call.from, call.to, domainId);
    return verifyStep(run, domainId, this.stores.ledger, sha256);
  }

  async #begin(from: number, to: number | null, domainId: string): Promise<VerifyRun> {
    const log = domainLog(this.env, cellConfig(this.env), domainId);
    const head = await log.head();
    await log.flush();
    const last = Math.min(to ?? head.size - 1, head.size - 1);
    const position = { size: head.size, entryHash: head.entryHash };
    return startRun(from, last, position, head.genesis, this.stores.ledger);
  }
}
