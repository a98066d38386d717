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
import type { VerifyCall } from "../src/services/log/calls.ts";
import type { BundleAnswer } from "../src/services/log/evidence-calls.ts";
import { evidenceSet, type WantedSet } from "../src/services/log/evidence-set.ts";
import { type RevealCall, type RevealDeps, type RevealResult, reveal } from "../src/services/log/reveal/reveal.ts";
import { type SearchCall, type SearchResult, search } from "../src/services/log/reveal/search.ts";
import { startRun, type VerifyStep, verifyStep } from "../src/services/log/verify.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import type { CatchUpCall, CaughtUp } from "../src/services/query/ports.ts";
import type { Growth, TailCall, TailKind } from "../src/services/tail/calls.ts";
import { R2SegmentStore } from "../src/storage/segment-store.ts";
import type { ExportRoom } from "./domain-keeper/export-room.ts";
import { Indexing } from "./domain-keeper/indexing.ts";
import type { TailRoom } from "./domain-keeper/tail-room.ts";
import { KeeperTasks } from "./domain-keeper/tasks.ts";
import { indexShardAt, ledgerAt, sealedRowsAt } from "./domain-log/stores.ts";
import { exportRoom } from "./export-wiring.ts";
import { domainLog, PRODUCT_SCOPE, TAIL_CALL_HEADER } from "./gates.ts";
import { demandPinned } from "./pinning.ts";
import { tailRoom } from "./tail-wiring.ts";

/** In every bundle's manifest. */
const MADE_BY = `moonseal ${VERSION}`;

export class DomainKeeper extends DurableObject<CellEnv> {
  readonly #tasks: KeeperTasks;
  readonly indexing: Indexing;
  /** Live connections; replaced in part by tests. */
  readonly tail: TailRoom;
  /** Replaced in part by tests. */
  readonly exports: ExportRoom;

  constructor(ctx: DurableObjectState, env: CellEnv) {
    super(ctx, env);
    this.#tasks = new KeeperTasks(ctx.storage, {
      index: () => this.indexing.turn(),
      export: () => this.exports.run(),
      tail: () => this.tail.look(),
    });
    this.indexing = new Indexing({
      log: () => this.#logDeps().log,
      shard: (name) => indexShardAt(env, ctx.id.name ?? "", name),
      clock: Date.now,
      gone: () => this.#empty(),
    });
    this.tail = tailRoom(ctx, env, (atMs) => this.#tasks.plan("tail", atMs));
    this.exports = exportRoom(ctx, env, () => this.#tasks.plan("export"));
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

  /** The tenant is being deleted: no export is made any more. */
  closeExports(): Promise<Outcome<void>> {
    return outcomeOf(() => this.exports.close());
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

  /** Entries were copied. Answers at once; cheap to call often. */
  indexSoon(): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      demandPinned(this.ctx, cellConfig(this.env));
      this.#tasks.plan("index");
    });
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

  /** Evidence for many entries, as text. */
  evidenceSet(wanted: WantedSet): Promise<Outcome<string>> {
    return outcomeOf(() => evidenceSet(wanted, this.#logDeps()));
  }

  /** A range of the log as an export bundle, streamed. */
  bundle(call: BundleCall): Promise<Outcome<BundleAnswer>> {
    return outcomeOf(async () => {
      const { signer, witnesses, witnessesRequired, logHost } = cellConfig(this.env);
      const deps = this.#logDeps();
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

  /** This domain's log, and its queryable copy. */
  #logDeps() {
    const config = cellConfig(this.env);
    demandPinned(this.ctx, config);
    const domainId = this.ctx.id.name ?? "";
    const log = domainLog(this.env, config, domainId);
    const ledger = (ranges: readonly ShardRange[]) => ledgerAt(this.env, domainId, ranges);
    return { domainId, log, ledger, sha256 };
  }

  #revealDeps(): RevealDeps {
    const { domainId, log, ledger } = this.#logDeps();
    const record = async (event: ProductEvent) => {
      const body = JSON.stringify(event);
      await log.append({ body, form: "json", scope: PRODUCT_SCOPE, idempotencyKey: null, waitForCopy: false });
    };
    const { person, flush, head, openSealed } = log;
    return {
      log: { person, flush, head, openSealed, record },
      stores: (ranges) => ({
        ledger: ledger(ranges),
        sealedRows: sealedRowsAt(this.env, domainId, () => ranges),
      }),
    };
  }

  async #verify(call: VerifyCall): Promise<VerifyStep> {
    const { domainId, log, ledger } = this.#logDeps();
    if ("run" in call) {
      const { shards } = await log.head();
      return verifyStep(call.run, domainId, ledger(shards), sha256);
    }
    // The copy's end is read before the head, which only grows: a copy that is ahead of it holds what nobody appended.
    const tip = await ledger((await log.head()).shards).tip();
    const copy = ledger(await log.flush());
    const head = await log.head();
    const to = Math.min(call.to ?? head.size - 1, head.size - 1);
    const run = await startRun({ from: call.from, to, head, genesis: head.genesis, copiedSize: tip?.size ?? 0 }, copy);
    return verifyStep(run, domainId, copy, sha256);
  }
}
