/**
 * What leaves a log, as its object decides it: where what is kept begins, and the entry that tells of it, in one commit. Rows and
 * objects go after it, by the keeper (src/services/retention/log-run.ts); every reader knows from the two numbers where to look.
 */
import type { ProductEvent } from "../../src/core/actions/product.ts";
import { equalBytes, fromHex, toHex, utf8 } from "../../src/core/bytes.ts";
import { canonicalJson } from "../../src/core/canonical.ts";
import { AppError } from "../../src/core/errors.ts";
import { SYSTEM_ACTOR_ID } from "../../src/core/event.ts";
import { TILE_WIDTH } from "../../src/core/merkle/tiles.ts";
import { leafHash } from "../../src/core/merkle/tree.ts";
import { HASH_BYTES } from "../../src/core/sha256.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { firstHeld } from "../../src/services/holds/hold.ts";
import type { Receipt } from "../../src/services/log/append.ts";
import type { DomainIdentity } from "../../src/services/ports.ts";
import type { ExpireCall, LogKeeping, PruneCall } from "../../src/services/retention/log-calls.ts";
import { clear } from "../../src/services/tenancy/clear-entry.ts";
import type { DomainTree } from "./domain-tree.ts";
import type { SqliteHolds } from "./holds.ts";
import type { SqliteJournal } from "./journal.ts";

export interface PruningContext {
  storage: DurableObjectStorage;
  journal: SqliteJournal;
  holds: SqliteHolds;
  tree: DomainTree;
  identity: () => DomainIdentity;
  /** Resolves when the copies were compared. Throws. */
  compared: () => Promise<void>;
  /** Holds by query have looked, and the guard of the ledger knows every hold. Throws `storage.unavailable`. */
  holdsAgree: () => Promise<void>;
  /** The entry, once for each key, and `beside` in its transaction. */
  tell: (event: ProductEvent, idempotencyKey: string, beside: () => void) => Promise<Receipt>;
}

type PruneAction = "ledger.pruned" | "ledger.expired";

export class Pruning {
  readonly #context: PruningContext;

  constructor(context: PruningContext) {
    this.#context = context;
  }

  keeping(): LogKeeping {
    const { journal, tree, identity } = this.#context;
    const { tenantId, kind } = identity();
    return {
      tenantId,
      kind,
      size: journal.head().size,
      copiedSize: journal.copied().size,
      archivedSize: journal.archived().size,
      mirroredSize: tree.checkpoints.mirroredSize(),
      ...journal.keptFrom(),
      stopped: journal.stoppedReason() !== null,
    };
  }

  /** As the calls of the log say it; the guard of the ledger knows the same. Throws `storage.unavailable`. */
  async firstHeld(fromSeq: number): Promise<number | null> {
    await this.#context.holdsAgree();
    return this.#heldFrom(fromSeq);
  }

  /** A hold that names people may keep any entry: nothing goes that was not looked at one by one. */
  #heldFrom(fromSeq: number): number | null {
    const { holds, storage } = this.#context;
    const sql = `SELECT 1 FROM hold_person p JOIN hold h ON h.hold_id = p.hold_id
      WHERE p.named = 1 AND h.released_at_ms IS NULL LIMIT 1`;
    if (storage.sql.exec(sql).toArray().length > 0) return fromSeq;
    return firstHeld(holds.inForce(), fromSeq, Number.MAX_SAFE_INTEGER);
  }

  /** Throws as src/services/retention/log-calls.ts says. */
  async prune(call: PruneCall): Promise<LogKeeping> {
    const { journal } = this.#context;
    await this.#context.compared();
    await this.#context.holdsAgree();
    return this.#commit("ledger.pruned", call, () => {
      const { firstHot, size, copiedSize, archivedSize, mirroredSize } = this.keeping();
      const most = Math.min(size - 1, copiedSize, archivedSize, mirroredSize);
      this.#demandFree(firstHot, call.toSeq, most);
      this.#demandLeadsTo(call);
      journal.setKeptFrom({ firstHot: call.toSeq, hotPrevHash: call.prevHash });
      return firstHot;
    });
  }

  async expire(call: ExpireCall): Promise<LogKeeping> {
    const { journal } = this.#context;
    await this.#context.compared();
    await this.#context.holdsAgree();
    return this.#commit("ledger.expired", call, () => {
      const { firstHot, firstKept } = this.keeping();
      this.#demandFree(firstKept, call.toSeq, firstHot);
      journal.setKeptFrom({ firstKept: call.toSeq });
      return firstKept;
    });
  }

  /** `decide` runs twice, first to know the words of the entry: what it changes is undone then. */
  async #commit(action: PruneAction, call: ExpireCall, decide: () => number): Promise<LogKeeping> {
    const { tell, identity } = this.#context;
    const { domainId } = identity();
    const fromSeq = this.#dryly(decide);
    const plan = { domain: domainId, action, from_seq: fromSeq, ...call };
    const range = { first_seq: fromSeq, last_seq: call.toSeq - 1, entries: call.toSeq - fromSeq };
    const event = clear(
      action,
      { type: "system", id: SYSTEM_ACTOR_ID },
      { type: "domain", id: domainId },
      {
        ...range,
        minimum_index: call.toSeq,
        duration: call.duration,
        recorded_before: new Date(call.beforeMs).toISOString(),
        plan_sha256: toHex(sha256(utf8(canonicalJson({ ...plan })))),
      },
    );
    await tell(event, `${action}:${fromSeq}:${call.toSeq}`, () => {
      if (decide() !== fromSeq) throw stale("somebody else was faster");
    });
    return this.keeping();
  }

  #dryly(decide: () => number): number {
    let fromSeq = 0;
    try {
      this.#context.journal.transaction(() => {
        fromSeq = decide();
        throw UNDONE;
      });
    } catch (error) {
      if (error !== UNDONE) throw error;
    }
    return fromSeq;
  }

  #demandFree(fromSeq: number, toSeq: number, most: number): void {
    if (toSeq <= fromSeq) throw stale("somebody else was faster");
    if (toSeq > most) throw stale("not all of it is archived, copied and under a mirrored checkpoint");
    const held = this.#heldFrom(fromSeq);
    if (held !== null && held < toSeq) throw stale("a legal hold keeps some of it");
  }

  /** The tree is the object's own record of every entry. */
  #demandLeadsTo({ toSeq, prevHash }: PruneCall): void {
    const last = toSeq - 1;
    const tile = this.#context.tree.tree.tile(0, Math.floor(last / TILE_WIDTH)) ?? new Uint8Array();
    const at = (last % TILE_WIDTH) * HASH_BYTES;
    const hash = fromHex(prevHash);
    if (!hash || !equalBytes(tile.slice(at, at + HASH_BYTES), leafHash(sha256, hash))) {
      throw new AppError("storage.unavailable", { internal: `archive: it does not lead to entry ${last} of the log` });
    }
  }
}

const UNDONE = new Error("undone");
const stale = (detail: string) => new AppError("precondition.failed", { detail });
