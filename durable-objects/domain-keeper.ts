/**
 * The heavy work of one domain, away from the thread that puts entries in order: the index, live connections, exports, verification,
 * evidence, a person's entries, reveals. Read-back of the archive, self-check and restore come here too.
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
import type { PlannedTask } from "../src/services/dead-man/lateness.ts";
import type { ExportCalls } from "../src/services/exports/calls.ts";
import { type HoldScan, type HoldScanCall, scanForHold } from "../src/services/holds/scan.ts";
import type { ImportCalls } from "../src/services/imports/calls.ts";
import type { VerifyCall } from "../src/services/log/calls.ts";
import type { ColdEntryCall, ColdFind, ColdFindCall, ColdPageCall } from "../src/services/log/cold/calls.ts";
import { expired } from "../src/services/log/cold/floors.ts";
import type { WholePage } from "../src/services/log/cold/whole-ledger.ts";
import type { BundleAnswer } from "../src/services/log/evidence-calls.ts";
import { evidenceSet, type WantedSet } from "../src/services/log/evidence-set.ts";
import { expiredProof } from "../src/services/log/expired-proof.ts";
import { type RevealCall, type RevealDeps, type RevealResult, reveal } from "../src/services/log/reveal/reveal.ts";
import { type SearchCall, type SearchResult, search } from "../src/services/log/reveal/search.ts";
import { startRun, type VerifyStep, verifyStep } from "../src/services/log/verify.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import type { EntryRow } from "../src/services/ports.ts";
import type { CatchUpCall, CaughtUp } from "../src/services/query/ports.ts";
import type { RestoreCalls } from "../src/services/restore/calls.ts";
import type { DomainHealth } from "../src/services/self-check/view.ts";
import type { Growth, TailCall, TailKind } from "../src/services/tail/calls.ts";
import { R2SegmentStore } from "../src/storage/segment-store.ts";
import { checkRoom } from "./check-wiring.ts";
import type { CheckRoom } from "./domain-keeper/check-room.ts";
import { ColdReads } from "./domain-keeper/cold-reads.ts";
import { lastExportMs } from "./domain-keeper/export-book.ts";
import type { ExportRoom } from "./domain-keeper/export-room.ts";
import type { ImportRoom } from "./domain-keeper/import-room.ts";
import { Indexing } from "./domain-keeper/indexing.ts";
import type { Restoring } from "./domain-keeper/restoring.ts";
import type { Retaining } from "./domain-keeper/retaining.ts";
import type { TailRoom } from "./domain-keeper/tail-room.ts";
import { KeeperTasks } from "./domain-keeper/tasks.ts";
import { entryIndexAt, indexShardAt, ledgerAt } from "./domain-log/stores.ts";
import { exportRoom } from "./export-wiring.ts";
import { domainLog, PRODUCT_SCOPE, TAIL_CALL_HEADER } from "./gates.ts";
import { importRoom } from "./import-wiring.ts";
import { demandPinned } from "./pinning.ts";
import { restoring } from "./restore-wiring.ts";
import { retaining } from "./retain-wiring.ts";
import { tailRoom } from "./tail-wiring.ts";

/** In every bundle's manifest. */
const MADE_BY = `moonseal ${VERSION}`;

export class DomainKeeper extends DurableObject<CellEnv> {
  readonly #tasks: KeeperTasks;
  readonly indexing: Indexing;
  /** Replaced in part by tests. */
  readonly retaining: Retaining;
  /** Live connections; replaced in part by tests. */
  readonly tail: TailRoom;
  /** Replaced in part by tests. */
  readonly exports: ExportRoom;
  /** Replaced in part by tests. */
  readonly checks: CheckRoom;
  readonly restoring: Restoring;
  /** Replaced in part by tests. */
  readonly imports: ImportRoom;
  /** Entries that are hot or archived. */
  readonly #cold: ColdReads;

  constructor(ctx: DurableObjectState, env: CellEnv) {
    super(ctx, env);
    this.#tasks = new KeeperTasks(ctx.storage, {
      index: () => this.indexing.turn(),
      export: () => this.exports.run(),
      import: () => this.imports.run(),
      tail: () => this.tail.look(),
      retain: () => this.retaining.turn(),
      check: () => this.checks.turn(),
      restore: () => this.restoring.run(),
    });
    this.indexing = new Indexing({
      log: () => this.#logDeps().log,
      shard: (name) => indexShardAt(env, ctx.id.name ?? "", name),
      clock: Date.now,
      gone: () => this.#empty(),
    });
    this.#cold = new ColdReads(env, ctx.id.name ?? "", () => this.#logDeps().log.head());
    this.retaining = retaining(ctx, env, (atMs) => this.#tasks.plan("retain", atMs));
    this.tail = tailRoom(ctx, env, (atMs) => this.#tasks.plan("tail", atMs));
    this.restoring = restoring(ctx, env, {
      indexing: () => this.indexing,
      plan: (task) => this.#tasks.plan(task),
      checkAnew: (forgetHeads) => this.checks.askAnew(forgetHeads),
    });
    this.exports = exportRoom(ctx, env, () => this.#tasks.plan("export"), this.#cold);
    this.checks = checkRoom(ctx, env, (atMs) => this.#tasks.plan("check", atMs));
    this.imports = importRoom(ctx, env, () => this.#tasks.plan("import"));
  }

  /** For good: the tenant is being deleted. */
  empty(): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      demandPinned(this.ctx, cellConfig(this.env));
      this.tail.endAll("domain_gone");
      await this.#empty();
    });
  }

  async #empty(): Promise<void> {
    this.#tasks.forget();
    this.checks.forget();
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
  }

  /** A live connection (`askForTail` of gates.ts); a failure is an outcome as JSON. */
  override async fetch(request: Request): Promise<Response> {
    const wanted = decodeURIComponent(request.headers.get(TAIL_CALL_HEADER) ?? "");
    const opened = await outcomeOf(() => {
      demandPinned(this.ctx, cellConfig(this.env));
      const { call, kind } = JSON.parse(wanted) as { call: TailCall; kind: TailKind };
      return this.tail.open(call, kind);
    });
    return opened.ok ? opened.value : Response.json(opened);
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.tail.said(socket, message);
  }

  /** One call about exports, by its name (src/services/exports/calls.ts). */
  exportCall(name: keyof ExportCalls, args: never): Promise<Outcome<unknown>> {
    return this.exports.call(name, args);
  }

  /** One call about a log that is moved here, by its name (src/services/imports/calls.ts). */
  importCall(name: keyof ImportCalls, args: never): Promise<Outcome<unknown>> {
    return this.imports.call(name, args);
  }

  /** One call about bringing the log back from its archive, by its name (src/services/restore/calls.ts). */
  restoreCall(name: keyof RestoreCalls, args: never): Promise<Outcome<unknown>> {
    demandPinned(this.ctx, cellConfig(this.env));
    return this.restoring.call(name, args);
  }

  /** The tenant is being deleted: no export is made any more, and no log is moved here. */
  closeExports(): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      await this.exports.close();
      await this.imports.close();
    });
  }

  /** Somebody is erased: no export with private values stays. How many files were deleted. */
  dropPrivateExports(): Promise<Outcome<number>> {
    return outcomeOf(() => this.exports.dropPrivate());
  }

  /** The log has grown. False: nobody listens, it need not tell again. */
  grew(growth: Growth): Promise<Outcome<boolean>> {
    return outcomeOf(async () => this.tail.grew(growth));
  }

  /** Never throws: a failed task stays in the schedule and comes again. */
  override async alarm(): Promise<void> {
    await this.#tasks.run();
  }

  /** What is planned, for whoever watches that it happens. */
  tasks(): Promise<Outcome<PlannedTask[]>> {
    return outcomeOf(async () => this.#tasks.planned());
  }

  /** When a tenant's own copy was last ready; null: none is known. */
  lastExport(): Promise<Outcome<number | null>> {
    return outcomeOf(async () => lastExportMs(this.ctx.storage));
  }

  /** Entries were copied. Answers at once; cheap to call often. */
  indexSoon(): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      demandPinned(this.ctx, cellConfig(this.env));
      this.#tasks.plan("index");
      this.retaining.see();
      this.checks.soon();
    });
  }

  /** Somebody asked for a run of retention. Answers at once. */
  retainSoon(): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      demandPinned(this.ctx, cellConfig(this.env));
      this.retaining.soon();
    });
  }

  /** What the self-check has found. */
  health(): Promise<Outcome<DomainHealth>> {
    return outcomeOf(() => this.checks.health());
  }

  /** The next run comes now and reads everything. */
  checkAnew(call: { forgetHeads: boolean }): Promise<Outcome<void>> {
    return outcomeOf(async () => this.checks.askAnew(call.forgetHeads));
  }

  /** Brings the copy and the index up to date. */
  catchUp(call: CatchUpCall): Promise<Outcome<CaughtUp>> {
    return outcomeOf(() => {
      demandPinned(this.ctx, cellConfig(this.env));
      return this.indexing.catchUp(call);
    });
  }

  /** Builds the index anew; until that is over, queries find less. */
  rebuildIndex(): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      demandPinned(this.ctx, cellConfig(this.env));
      await this.indexing.rebuild();
      this.#tasks.plan("index");
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

  /** Which entries a hold by query covers: a bounded part of the log. */
  scanForHold(call: HoldScanCall): Promise<Outcome<HoldScan>> {
    return outcomeOf(async () => {
      const { domainId, log, ledger } = this.#logDeps();
      const { shards } = await log.head();
      const segments = new R2SegmentStore(this.env.LOG, domainId);
      return scanForHold(call, { ledger: ledger(shards), segments, waiting: log.waiting, sha256 });
    });
  }

  coldPage(call: ColdPageCall): Promise<Outcome<WholePage>> {
    return outcomeOf(() => this.#cold.page(call));
  }

  coldEntry(call: ColdEntryCall): Promise<Outcome<EntryRow | null>> {
    return outcomeOf(() => this.#cold.entry(call));
  }

  coldFind(call: ColdFindCall): Promise<Outcome<ColdFind>> {
    return outcomeOf(() => this.#cold.find(call));
  }

  /** Evidence for many entries, as text. */
  evidenceSet(wanted: WantedSet): Promise<Outcome<string>> {
    return outcomeOf(async () => {
      const deps = this.#logDeps();
      const { firstKept } = await deps.log.head();
      const first = wanted.kind === "range" ? wanted.from : Math.min(...wanted.seqs);
      if (first < firstKept) throw expired(first, firstKept);
      return evidenceSet(wanted, deps);
    });
  }

  /** A range of the log as an export bundle, streamed. */
  bundle(call: BundleCall): Promise<Outcome<BundleAnswer>> {
    return outcomeOf(async () => {
      const { signer, witnesses, witnessesRequired, logHost } = cellConfig(this.env);
      const deps = this.#logDeps();
      const named = signer.named(`${logHost}/${deps.domainId}`);
      const { from, to, chunks } = await startBundle(call, {
        ...deps,
        size: deps.log.head,
        expiredProof: async (firstKept) => {
          const index = entryIndexAt(this.env, deps.domainId, (await deps.log.head()).shards);
          return expiredProof(firstKept, { domainId: deps.domainId, index, log: deps.log });
        },
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

  /** This domain's log, and its queryable copy. */
  #logDeps() {
    const config = cellConfig(this.env);
    demandPinned(this.ctx, config);
    const domainId = this.ctx.id.name ?? "";
    const log = domainLog(this.env, config, domainId);
    const ledger = (ranges: readonly ShardRange[]) => this.#cold.ledger(ranges);
    return { domainId, log, ledger, sha256 };
  }

  #revealDeps(): RevealDeps {
    const { log } = this.#logDeps();
    const record = async (event: ProductEvent) => {
      const body = JSON.stringify(event);
      await log.append({ body, form: "json", scope: PRODUCT_SCOPE, idempotencyKey: null, waitForCopy: false });
    };
    const { person, flush, head, openSealed } = log;
    return {
      log: { person, flush, head, openSealed, record },
      stores: (ranges) => this.#cold.stores(ranges),
    };
  }

  async #verify(call: VerifyCall): Promise<VerifyStep> {
    const { domainId, log, ledger } = this.#logDeps();
    if ("run" in call) {
      const { shards, firstKept } = await log.head();
      return verifyStep({ ...call.run, firstKept }, domainId, ledger(shards), sha256);
    }
    // The copy's end is read before the head, which only grows: a copy that is ahead of it holds what nobody appended.
    const { shards, firstHot } = await log.head();
    const tip = await ledgerAt(this.env, domainId, shards, firstHot).tip();
    const copy = ledger(await log.flush());
    const head = await log.head();
    const to = Math.min(call.to ?? head.size - 1, head.size - 1);
    const { genesis, firstKept } = head;
    const run = await startRun({ from: call.from, to, head, genesis, copiedSize: tip?.size ?? 0, firstKept }, copy);
    return verifyStep(run, domainId, copy, sha256);
  }
}
