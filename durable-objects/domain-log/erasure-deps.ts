/** What the steps of an erasure need, out of the parts of a domain's object. */

import type { ProductEvent } from "../../src/core/actions/product.ts";
import { erasureCertificateText } from "../../src/core/erasure-certificate.ts";
import { AppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { CellConfig } from "../../src/services/cell-config.ts";
import { certificateOf } from "../../src/services/erasure/certificate.ts";
import type { ErasureEntry } from "../../src/services/erasure/erasure.ts";
import type { ErasableKeys, ErasureDeps } from "../../src/services/erasure/ports.ts";
import type { Receipt } from "../../src/services/log/append.ts";
import type { DomainIdentity, EntryRow } from "../../src/services/ports.ts";
import type { Copies } from "./copies.ts";
import type { SqliteJournal } from "./journal.ts";
import type { DomainStores } from "./stores.ts";

export interface ErasureParts {
  config: CellConfig;
  identity: DomainIdentity;
  journal: SqliteJournal;
  stores: DomainStores;
  copies: Copies;
  keys: ErasableKeys;
  /** A C2SP tlog-proof of an entry, without the entry; null: the log signs nothing. */
  proofOf: (seq: number) => Promise<string | null>;
  /** Of the domain's keeper (`ErasureDeps`). */
  dropExports: () => Promise<number>;
  /** Appends an entry of the product's own, once for each key. */
  tell: (event: ProductEvent, idempotencyKey: string) => Promise<Receipt>;
}

export function erasureDeps(parts: ErasureParts): Omit<ErasureDeps, "book"> {
  const { identity, journal, stores, copies, config } = parts;
  return {
    domainId: identity.domainId,
    keys: parts.keys,
    rows: stores.sealedRows,
    pages: stores.sealedPages,
    settled: () => copies.settled(),
    copiedThrough: async (size) =>
      journal.stoppedReason() !== null || copies.copiedWithin(size, LIMITS.replicationWaitMs),
    append: async (event, idempotencyKey) => entryOf(await parts.tell(event, idempotencyKey)),
    certify: async (erasure, { head, finalAt }) => {
      const { payload } = await rowOf(erasure.entry, journal, stores);
      const inclusionProof = await parts.proofOf(erasure.entry?.seq ?? -1);
      const at = { payload, head, finalAt, inclusionProof };
      return config.signer.sign(erasureCertificateText(certificateOf(erasure, identity, at)));
    },
    dropExports: parts.dropExports,
    head: () => journal.head(),
    clock: stores.clock,
  };
}

function entryOf({ seq, id, entry_hash, prev_hash, recorded_at }: Receipt): ErasureEntry {
  return { seq, id, entryHash: entry_hash, prevHash: prev_hash, recordedAt: recorded_at };
}

/** From the object while it waits there, else from D1. */
async function rowOf(entry: ErasureEntry | null, journal: SqliteJournal, stores: DomainStores): Promise<EntryRow> {
  const seq = entry?.seq ?? -1;
  const [waiting] = journal.pending(seq, 1, Number.POSITIVE_INFINITY);
  const row = waiting?.seq === seq ? waiting : (await stores.ledger.rows({ fromSeq: seq, toSeq: seq, limit: 1 }))[0];
  if (row?.entryHash === entry?.entryHash && row) return row;
  throw new AppError("storage.unavailable", { internal: "erasure: its entry could not be read again" });
}
