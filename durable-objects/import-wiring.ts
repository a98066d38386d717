/** The import of a domain, wired to the objects and stores of its cell. */
import { parseId } from "../src/core/ids.ts";
import { LIMITS } from "../src/core/limits.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import { verifyEd25519, verifyMlDsa44 } from "../src/crypto/verify.ts";
import type { CellEnv } from "../src/env.ts";
import { cellConfig } from "../src/services/cell-config.ts";
import { type ReadRow, readThrough } from "../src/services/log/read-through.ts";
import { logKeysOf } from "../src/services/witness/log-keys.ts";
import { R2ImportStore } from "../src/storage/import-store.ts";
import { R2SegmentStore } from "../src/storage/segment-store.ts";
import { SqliteImportBook } from "./domain-keeper/import-book.ts";
import { ImportRoom } from "./domain-keeper/import-room.ts";
import { ledgerAt } from "./domain-log/stores.ts";
import { domainLog, PRODUCT_SCOPE, recordInLog } from "./gates.ts";
import { demandPinned } from "./pinning.ts";

/** `plan`: has the room's `run` called. */
export function importRoom(ctx: DurableObjectState, env: CellEnv, plan: () => void): ImportRoom {
  const domainId = ctx.id.name ?? "";
  return new ImportRoom(() => {
    const config = cellConfig(env);
    demandPinned(ctx, config);
    const log = domainLog(env, config, domainId);
    return {
      domainId,
      book: new SqliteImportBook(ctx.storage),
      store: new R2ImportStore(env.LOG),
      log: {
        size: async () => (await log.head()).size,
        closeToClients: log.closeToClients,
        openToClients: log.openToClients,
        async append(body, idempotencyKey) {
          // The old log's own guard let them in; the translation has looked for card numbers and secrets again.
          const call = { body, form: "ndjson", scope: PRODUCT_SCOPE, idempotencyKey } as const;
          await log.append({ ...call, personalData: "off", waitForCopy: false });
        },
      },
      async ownRows(size) {
        const rows: ReadRow[] = [];
        const segments = new R2SegmentStore(env.LOG, domainId);
        const { shards } = await log.head();
        const places = { ledger: ledgerAt(env, domainId, shards), segments, waiting: log.waiting, sha256 };
        while (rows.length < size) {
          const range = { fromSeq: rows.length, toSeq: size - 1, limit: LIMITS.importOwnEntries };
          const more = await readThrough(range, places);
          if (more.length === 0) break;
          rows.push(...more);
        }
        return rows;
      },
      record: (event, once) => recordInLog(env, config, domainId, event, once),
      keysHere(origin) {
        const id = parseId(origin.slice(origin.lastIndexOf("/") + 1));
        const isHere = origin.startsWith(`${config.logHost}/`) && id?.jurisdiction === config.jurisdiction;
        return isHere ? logKeysOf(sha256, config.signer.named(origin), config.retiredKeys) : null;
      },
      platform: { sha256, verify: verifyEd25519, verifyMlDsa44 },
      clock: Date.now,
      soon: plan,
    };
  });
}
