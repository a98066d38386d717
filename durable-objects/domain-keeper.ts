/**
 * The heavy work of one domain, away from the thread that puts entries in order. Now: verification, a person's entries,
 * reveals. Exports, read-back of
 * the archive, self-check and restore come here too.
 */
import { DurableObject } from "cloudflare:workers";
import type { ProductEvent } from "../src/core/actions/product.ts";
import type { ShardRange } from "../src/core/shards.ts";
import { VERSION } from "../src/core/version.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import type { CellEnv } from "../src/env.ts";
import { type BundleCall, startBundle } from "../src/services/bundle/export.ts";
import { suggestedPolicy } from "../src/services/bundle/policy.ts";
import { byteStream } from "../src/services/bundle/stream.ts";
import { VERIFY_PAGE } from "../src/services/bundle/verify-page.ts";
import { VERIFY_SCRIPT } from "../src/services/bundle/verify-script.ts";
import { cellConfig } from "../src/services/cell-config.ts";
import type { VerifyCall } from "../src/services/log/calls.ts";
import type { BundleAnswer } from "../src/services/log/evidence-calls.ts";
import { evidenceSet, type WantedSet } from "../src/services/log/evidence-set.ts";
import { type RevealCall, type RevealDeps, type RevealResult, reveal } from "../src/services/log/reveal/reveal.ts";
import { type SearchCall, type SearchResult, search } from "../src/services/log/reveal/search.ts";
import { startRun, type VerifyStep, verifyStep } from "../src/services/log/verify.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import { R2SegmentStore } from "../src/storage/segment-store.ts";
import { ledgerAt, sealedRowsAt } from "./domain-log/stores.ts";
import { domainLog, PRODUCT_SCOPE } from "./gates.ts";
import { demandPinned } from "./pinning.ts";

/** In every bundle's manifest. */
const MADE_BY = `moonseal ${VERSION}`;

export class DomainKeeper extends DurableObject<CellEnv> {
  /** For good: the tenant is being deleted. */
  empty(): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      demandPinned(this.ctx, cellConfig(this.env));
      await this.ctx.storage.deleteAlarm();
      await this.ctx.storage.deleteAll();
    });
  }

  /** Begins a run over [from, to] or goes on with one. A new run first brings the queryable copy up to date. */
  verify(call: VerifyCall): Promise<Outcome<VerifyStep>> {
    return outcomeOf(() => this.#verify(call));
  }

  /** A person's entries, by identity id. */
  search(call: SearchCall): Promise<Outcome<SearchResult>> {
    return outcomeOf(() => search(call, this.#revealDeps()));
  }

  /** Entries with who is in them and with their private values; the page is itself an entry before it leaves. */
  reveal(call: RevealCall): Promise<Outcome<RevealResult>> {
    return outcomeOf(() => reveal(call, this.#revealDeps()));
  }

  /** Evidence for many entries, as text. */
  evidenceSet(wanted: WantedSet): Promise<Outcome<string>> {
    return outcomeOf(() => evidenceSet(wanted, this.#setDeps()));
  }

  /** A range of the log as an export bundle, streamed. */
  bundle(call: BundleCall): Promise<Outcome<BundleAnswer>> {
    return outcomeOf(async () => {
      const { signer, witnesses, witnessesRequired, logHost } = cellConfig(this.env);
      const deps = this.#setDeps();
      const named = signer.named(`${logHost}/${deps.domainId}`);
      const { from, to, chunks } = await startBundle(call, {
        ...deps,
        size: async () => (await deps.log.head()).size,
        shards: async () => (await deps.log.head()).shards,
        segments: new R2SegmentStore(this.env.LOG, deps.domainId),
        waiting: deps.log.waiting,
        signer: named,
        clock: Date.now,
        policy: suggestedPolicy(named, witnesses, witnessesRequired),
        script: VERIFY_SCRIPT,
        page: VERIFY_PAGE,
        madeBy: MADE_BY,
      });
      return { from, to, body: byteStream(chunks) };
    });
  }

  #setDeps() {
    const config = cellConfig(this.env);
    demandPinned(this.ctx, config);
    const domainId = this.ctx.id.name ?? "";
    const log = domainLog(this.env, config, domainId);
    const ledger = (ranges: readonly ShardRange[]) => ledgerAt(this.env, domainId, ranges);
    return { domainId, log, ledger, sha256 };
  }

  #revealDeps(): RevealDeps {
    const config = cellConfig(this.env);
    demandPinned(this.ctx, config);
    const domainId = this.ctx.id.name ?? "";
    const log = domainLog(this.env, config, domainId);
    const record = async (event: ProductEvent) => {
      const body = JSON.stringify(event);
      await log.append({ body, form: "json", scope: PRODUCT_SCOPE, idempotencyKey: null, waitForCopy: false });
    };
    const { person, flush, head, openSealed } = log;
    return {
      log: { person, flush, head, openSealed, record },
      stores: (ranges) => ({
        ledger: ledgerAt(this.env, domainId, ranges),
        sealedRows: sealedRowsAt(this.env, domainId, () => ranges),
      }),
    };
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
