/** The restore of a domain, wired to the objects and stores of its cell. */
import { parseCheckpointNote } from "../src/core/checkpoint.ts";
import { isAppError } from "../src/core/errors.ts";
import { platformDomainId } from "../src/core/ids.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import { deriveDomainKeys } from "../src/crypto/tenant-keys.ts";
import type { CellEnv } from "../src/env.ts";
import { cellConfig } from "../src/services/cell-config.ts";
import type { RestoreRecord } from "../src/services/restore/ports.ts";
import { clear } from "../src/services/tenancy/clear-entry.ts";
import { logKeysOf, signedByLog } from "../src/services/witness/log-keys.ts";
import { D1ControlStore } from "../src/storage/control-store.ts";
import { putBack } from "../src/storage/put-back.ts";
import { R2RootStore } from "../src/storage/root-store.ts";
import { R2SealedPageStore } from "../src/storage/sealed-page-store.ts";
import { decodedSegment, R2SegmentStore } from "../src/storage/segment-store.ts";
import { R2TreeMirror } from "../src/storage/tree-mirror.ts";
import type { Indexing } from "./domain-keeper/indexing.ts";
import { Restoring, type RestoringDeps } from "./domain-keeper/restoring.ts";
import { ledgerAt } from "./domain-log/stores.ts";
import { cellDesk, domainLog, logGate, restoringLog } from "./gates.ts";
import { demandPinned } from "./pinning.ts";

export interface RestoreWiring {
  indexing: () => Indexing;
  /** Have the restore, or the index, go on. */
  plan: (task: "restore" | "index") => void;
  /** The self-check reads everything anew; `forgetHeads`: the log begins again from what was archived. */
  checkAnew: (forgetHeads: boolean) => void;
}

export function restoring(
  ctx: DurableObjectState,
  env: CellEnv,
  { indexing, plan, checkAnew }: RestoreWiring,
): Restoring {
  const domainId = ctx.id.name ?? "";
  const deps = (): RestoringDeps => {
    const config = cellConfig(env);
    demandPinned(ctx, config);
    const { jurisdiction, signer, retiredKeys } = config;
    return {
      ...{ domainId, jurisdiction, sha256, clock: Date.now },
      log: restoringLog(env, config, domainId),
      flush: () => domainLog(env, config, domainId).flush(),
      ledger: (ranges) => ledgerAt(env, domainId, ranges),
      segments: new R2SegmentStore(env.LOG, domainId),
      sealedPages: new R2SealedPageStore(env.LOG, domainId),
      mirror: new R2TreeMirror(env.LOG, domainId),
      control: new D1ControlStore(env.CONTROL),
      isDeleted: async (tenantId) => (await cellDesk(env, config).deletion(tenantId)) !== null,
      async genesisOf(tenantId) {
        const root = await new R2RootStore(env.KEYS).get(tenantId);
        return root && Buffer.from(deriveDomainKeys(config.pseudonymPepper, root, domainId).genesis).toString("hex");
      },
      isOurs(note) {
        const parsed = parseCheckpointNote(note);
        if (!parsed?.checkpoint.origin.endsWith(`/${domainId}`)) return false;
        return signedByLog(parsed.note, logKeysOf(sha256, signer.named(parsed.checkpoint.origin), retiredKeys));
      },
      decode: (bytes) => decodedSegment(bytes),
      put: (object, head) => putBack(env.LOG, object, head),
      async rebuildIndex() {
        await indexing().rebuild();
        plan("index");
      },
      async tell(action, record) {
        const { by } = record.wish;
        if (action === "log.restored") checkAnew(record.log !== "living");
        const event = clear(action, by, { type: "domain", id: domainId }, toldOf(record));
        const once = `restore:${domainId}:${record.startedAtMs}:${action}`;
        try {
          await logGate(env, config).record(platformDomainId(jurisdiction), event, once);
        } catch (error) {
          // The platform's own log may be what is restored.
          const isGone = isAppError(error) && ["domain.stopped", "resource.not_found"].includes(error.code);
          if (!isGone) throw error;
        }
      },
      drilled: ({ phase, inserted, workMs, endedAtMs }) =>
        cellDesk(env, config).monitoring.drilled({
          ...{ atMs: endedAtMs ?? Date.now(), entries: inserted, workMs },
          isGood: phase === "done",
        }),
    };
  };
  return new Restoring(ctx.storage, deps, () => plan("restore"));
}

function toldOf(record: RestoreRecord) {
  const { log, isDrill, fromSeq, seq, size, inserted, compared, lost, refused, checkpointSize } = record;
  return {
    ...{ log, drill: isDrill, from: fromSeq, through: seq, size, inserted, compared, lost },
    ...(checkpointSize === null ? {} : { checkpoint_size: checkpointSize }),
    ...(refused === null ? {} : { refused: refused.code, ...(refused.seq === null ? {} : { at: refused.seq }) }),
  };
}
