/** What the files of a dead cell hold of one domain: in the object, in D1 and in the archive. Shares no code with the product. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { zstdDecompressSync } from "node:zlib";
import type { Jurisdiction } from "../../../src/core/ids.ts";
import { d1File, domainFile, r2Blobs, r2Index, withDatabase } from "../../support/evil/places.ts";

export interface StoredRow {
  seq: number;
  id: string;
  prev_hash: string;
  entry_hash: string;
  payload: string;
}

export interface StoredLog {
  head: { size: number; entry_hash: string; copied_size: number; archived_size: number; stopped_reason: string | null };
  object: StoredRow[];
  d1: StoredRow[];
  /** Payloads only, as the archive holds them, each with the seq of its place. */
  archive: { seq: number; payload: string }[];
}

export function readStoredLog(state: string, domainId: string): StoredLog {
  const jurisdiction = domainId.slice(4, 6) as Jurisdiction;
  const { head, object } = withDatabase(domainFile(state, domainId), (database) => ({
    head: database.prepare("SELECT * FROM head").get() as unknown as StoredLog["head"],
    object: database.prepare(`SELECT ${COLUMNS} FROM pending ORDER BY seq`).all() as unknown as StoredRow[],
  }));
  const d1 = withDatabase(d1File(state, "LEDGER_00", jurisdiction), (database) =>
    database.prepare(`SELECT ${D1_COLUMNS} FROM audit_log WHERE domain_id = ? ORDER BY seq`).all(domainId),
  ) as unknown as StoredRow[];
  return { head, object, d1, archive: readArchive(state, domainId, jurisdiction) };
}

const COLUMNS = "seq, id, prev_hash, entry_hash, payload";
const D1_COLUMNS = "seq, id, lower(hex(prev_hash)) AS prev_hash, lower(hex(entry_hash)) AS entry_hash, payload";

function readArchive(state: string, domainId: string, jurisdiction: Jurisdiction): StoredLog["archive"] {
  const segments = withDatabase(r2Index(state, "LOG", jurisdiction), (database) =>
    database.prepare("SELECT key, blob_id FROM _mf_objects WHERE key GLOB ? ORDER BY key").all(`audit/${domainId}/*`),
  ) as { key: string; blob_id: string }[];
  return segments.flatMap(({ key, blob_id }) => {
    const firstSeq = Number(/(\d{20})\.json\.zst$/.exec(key)?.[1]);
    const bytes = readFileSync(path.join(r2Blobs(state, "LOG", jurisdiction), blob_id));
    const lines = zstdDecompressSync(bytes).toString("utf8").split("\n").slice(0, -1);
    return lines.map((payload, i) => ({ seq: firstSeq + i, payload }));
  });
}
