/** What the walk over a domain's sealed values needs, wired to its object. */
import type { CellConfig } from "../../src/services/cell-config.ts";
import type { WalkDeps } from "../../src/services/keys/resealing/walk.ts";
import type { SubjectVault } from "../../src/services/keys/subject-vault.ts";
import type { DomainIdentity } from "../../src/services/ports.ts";
import type { SqliteSealedJournal } from "./sealed-journal.ts";
import type { DomainStores } from "./stores.ts";
import { SqliteWaitingCells } from "./waiting-cells.ts";

interface WalkParts {
  storage: DurableObjectStorage;
  config: CellConfig;
  identity: DomainIdentity;
  sealed: SqliteSealedJournal;
  vault: SubjectVault;
  stores: DomainStores;
}

/** `isFirst`: the walk begins, so which key is the present one is read and not remembered. */
export async function walkDeps(parts: WalkParts, isFirst: boolean): Promise<WalkDeps> {
  const { storage, config, identity, sealed, vault, stores } = parts;
  if (isFirst) vault.readTenantKeysAgain();
  const waiting = new SqliteWaitingCells(storage);
  return {
    tenantId: identity.tenantId,
    sealer: config.sealer,
    slots: config.slots,
    tenantKey: await vault.tenantKey(),
    tenantKeyOf: (version) => vault.tenantKeyOf(version),
    vault,
    index: {
      subjects: (pseudonyms) => sealed.subjects(pseudonyms),
      lastPage: () => sealed.lastPage(),
      onPage: (page, after, limit) => waiting.onPage(page, after, limit),
    },
    waiting,
    ledger: stores.resealLedger,
    pages: stores.sealedPages,
    segments: stores.segments,
    clock: stores.clock,
  };
}
