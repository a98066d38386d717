/**
 * The heavy work of one domain, away from the thread that puts entries in order. Now: verification. Exports, read-back of
 * the archive, self-check and restore come here too.
 */
import { DurableObject } from "cloudflare:workers";
import { sha256 } from "../src/crypto/sha256.ts";
import type { CellEnv } from "../src/env.ts";
import { cellConfig } from "../src/services/cell-config.ts";
import type { VerifyCall } from "../src/services/log/calls.ts";
import { startRun, type VerifyStep, verifyStep } from "../src/services/log/verify.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import { ledgerAt } from "./domain-log/stores.ts";
import { domainLog } from "./gates.ts";
import { demandPinned } from "./pinning.ts";

export class DomainKeeper extends DurableObject<CellEnv> {
  /** Begins a run over [from, to] or goes on with one. A new run first brings the queryable copy up to date. */
  verify(call: VerifyCall): Promise<Outcome<VerifyStep>> {
    return outcomeOf(() => this.#verify(call));
  }

  async #verify(call: VerifyCall): Promise<VerifyStep> {
    const config = cellConfig(this.env);
    demandPinned(this.ctx, config);
    const domainId = this.ctx.id.name ?? "";
    const log = domainLog(this.env, config, domainId);
    if ("run" in call) {
      const { shards } = await log.head();
      return verifyStep(call.run, domainId, ledgerAt(this.env, domainId, shards), sha256);
    }
    // The copy's end is read before the head, which only grows: a copy that is ahead of it holds what nobody appended.
    const tip = await ledgerAt(this.env, domainId, (await log.head()).shards).tip();
    const ledger = ledgerAt(this.env, domainId, await log.flush());
    const head = await log.head();
    const to = Math.min(call.to ?? head.size - 1, head.size - 1);
    const run = await startRun(
      { from: call.from, to, head, genesis: head.genesis, copiedSize: tip?.size ?? 0 },
      ledger,
    );
    return verifyStep(run, domainId, ledger, sha256);
  }
}
