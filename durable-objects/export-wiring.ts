/** The exports of a domain, wired to the objects and stores of its cell. */
import { v7 as uuidv7 } from "uuid";
import { makeId } from "../src/core/ids.ts";
import { VERSION } from "../src/core/version.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import type { CellEnv } from "../src/env.ts";
import { suggestedPolicy } from "../src/services/bundle/policy.ts";
import { VERIFY_PAGE } from "../src/services/bundle/verify-page.ts";
import { VERIFY_SCRIPT } from "../src/services/bundle/verify-script.ts";
import { cellConfig } from "../src/services/cell-config.ts";
import { EXPORT_BOUNDS } from "../src/services/exports/deps.ts";
import { mayStillFetch } from "../src/services/exports/link-maker.ts";
import { expiredProof } from "../src/services/log/expired-proof.ts";
import { D1ControlStore } from "../src/storage/control-store.ts";
import { R2ExportStore } from "../src/storage/export-store.ts";
import { R2SegmentStore } from "../src/storage/segment-store.ts";
import type { ColdReads } from "./domain-keeper/cold-reads.ts";
import { SqliteExportBook } from "./domain-keeper/export-book.ts";
import { ExportRoom } from "./domain-keeper/export-room.ts";
import { randomBytes } from "./domain-log/random.ts";
import { entryIndexAt, ledgerAt } from "./domain-log/stores.ts";
import { domainLog, logGate, tenantDesk } from "./gates.ts";
import { demandPinned } from "./pinning.ts";

/** `plan`: has the room's `run` called. `cold`: the keeper's way to entries that were pruned. */
export function exportRoom(ctx: DurableObjectState, env: CellEnv, plan: () => void, cold: ColdReads): ExportRoom {
  const domainId = ctx.id.name ?? "";
  return new ExportRoom(() => {
    const config = cellConfig(env);
    demandPinned(ctx, config);
    const { signer, documents, witnesses, witnessesRequired, logHost, jurisdiction } = config;
    const named = signer.named(`${logHost}/${domainId}`);
    const log = domainLog(env, config, domainId);
    const control = new D1ControlStore(env.CONTROL);
    const tenantOf = async () => (await control.domain(domainId))?.tenantId;
    return {
      domainId,
      bounds: EXPORT_BOUNDS,
      log,
      shards: async () => (await log.head()).shards,
      places: (ranges) => ({
        ledger: {
          rows: (range) => cold.ledger(ranges).rows(range),
          lines: (range) => ledgerAt(env, domainId, ranges).lines(range),
        },
        segments: new R2SegmentStore(env.LOG, domainId),
        waiting: log.waiting,
        sha256,
      }),
      expiredProof: async (firstKept) => {
        const index = entryIndexAt(env, domainId, (await log.head()).shards);
        return expiredProof(firstKept, { domainId, index, log });
      },
      reveal: (ranges) => ({ log, sealedRows: cold.stores(ranges).sealedRows }),
      book: new SqliteExportBook(ctx.storage),
      store: new R2ExportStore(env.LOG),
      record: (recordIn, event, once) => logGate(env, config).record(recordIn, event, once),
      signer: named,
      documents,
      policy: () => suggestedPolicy(named, witnesses, witnessesRequired),
      script: VERIFY_SCRIPT,
      page: VERIFY_PAGE,
      madeBy: `moonseal ${VERSION}`,
      sha256,
      clock: Date.now,
      random: randomBytes,
      newLinkId: () => makeId("exportLink", jurisdiction, uuidv7()),
      soon: plan,
      held: async () => {
        const tenantId = await tenantOf();
        return tenantId !== undefined && (await tenantDesk(env, config, tenantId).retention.exportsHeld());
      },
      mayStillFetch: async (by, isPrivate) => {
        const tenantId = await tenantOf();
        if (tenantId === undefined) return false;
        const memberPermissions = (memberId: string) => tenantDesk(env, config, tenantId).memberPermissions(memberId);
        return mayStillFetch(by, isPrivate, { key: (keyId) => control.key(keyId), memberPermissions });
      },
    };
  });
}
