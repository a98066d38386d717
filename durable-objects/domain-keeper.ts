/**
 * The heavy work of one domain, away from the thread that puts entries in order. Now: verification. Exports, read-back of
 * the archive, self-check and restore come here too.
 */
import { DurableObject } from "cloudflare:workers";
import { sha256 } from "../src/crypto/sha256.ts";
import type { CellEnv } from "../src/env.ts";
import { cellConfig } from "../src/services/cell-config.ts";
import type { HeadResult, VerifyCall } from "../src/services/log/calls.ts";
import { startRun, type VerifyRun, type VerifyStep, verifyStep } from "../src/services/log/verify.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import type { LedgerStore } from "../src/services/ports.ts";
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
    const head = await log.head();
    const ledger = ledgerAt(this.env, domainId, "run" in call ? head.shards : await log.flush());
    const run = "run" in call ? call.run : await begin(call, head, ledger);
    return verifyStep(run, domainId, ledger, sha256);
  }
}

function begin(call: { from: number; to: number | null }, head: HeadResult, ledger: LedgerStore): Promise<VerifyRun> {
  const last = Math.min(call.to ?? head.size - 1, head.size - 1);
  return startRun(call.from, last, { size: head.size, entryHash: head.entryHash }, head.genesis, ledger);
}
