/** What the steps of an erasure need, out of the parts of a domain's object. */

import type { ProductEvent } from "../../src/core/actions/product.ts";
import { fromHex, toHex } from "../../src/core/bytes.ts";
import { entryHash } from "../../src/core/chain.ts";
import { erasureCertificateText } from "../../src/core/erasure-certificate.ts";
import { AppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import type { CellConfig } from "../../src/services/cell-config.ts";
import { certificateOf } from "../../src/services/erasure/certificate.ts";
import type { ErasureEntry } from "../../src/services/erasure/erasure.ts";
import type { ErasableKeys, ErasureDeps } from "../../src/services/erasure/ports.ts";
import type { Receipt } from "../../src/services/log/append.ts";
import { type ReadRow, readThrough } from "../../src/services/log/read-through.ts";
import type { DomainIdentity } from "../../src/services/ports.ts";
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

/** From the object while it waits there, else from D1, else out of the archive: a replay may be of an entry that was pruned. */
async function rowOf(entry: ErasureEntry | null, journal: SqliteJournal, stores: DomainStores): Promise<ReadRow> {
  const seq = entry?.seq ?? -1;
  const waiting = async (fromSeq: number, limit: number) => journal.pending(fromSeq, limit, Number.POSITIVE_INFINITY);
  const [first] = await waiting(seq, 1);
  const places = { ...stores, waiting, sha256 };
  const row = first?.seq === seq ? first : (await readThrough({ fromSeq: seq, toSeq: seq, limit: 1 }, places))[0];
  const before = fromHex(row?.prevHash ?? "");
  if (row && before && toHex(entryHash(sha256, before, row.payload)) === entry?.entryHash) return row;
  throw new AppError("storage.unavailable", { internal: "erasure: its entry could not be read again" });
}
