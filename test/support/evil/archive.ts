/** What somebody with write access to the archive can do to it, whatever locks it has. For a stopped cell. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { zstdCompressSync } from "node:zlib";
import type { Jurisdiction } from "../../../src/core/ids.ts";
import { flipped, type Row } from "./forge.ts";
import { r2Blobs, r2Index, withDatabase } from "./places.ts";

interface Segment {
  key: string;
  firstSeq: number;
  count: number;
  blob: string;
}

export class EvilArchive {
  readonly #state: string;
  readonly #domainId: string;
  readonly #jurisdiction: Jurisdiction;

  constructor(state: string, domainId: string) {
    this.#state = state;
    this.#domainId = domainId;
    this.#jurisdiction = domainId.slice(4, 6) as Jurisdiction;
  }

  segments(): Segment[] {
    const sql = "SELECT key, blob_id, custom_metadata FROM _mf_objects WHERE key GLOB ? ORDER BY key";
    const rows = this.#index((database) => database.prepare(sql).all(`audit/${this.#domainId}/*`));
    return rows.map(({ key, blob_id, custom_metadata }) => {
      const metadata = JSON.parse(String(custom_metadata)) as Record<string, string>;
      const blob = path.join(r2Blobs(this.#state, "LOG", this.#jurisdiction), String(blob_id));
      return { key: String(key), firstSeq: Number(metadata["first-seq"]), count: Number(metadata.count), blob };
    });
  }

  /** The segment that holds an entry. */
  holding(seq: number): Segment {
    const found = this.segments().find(({ firstSeq, count }) => firstSeq <= seq && seq < firstSeq + count);
    if (!found) throw new Error(`no segment holds entry ${seq}`);
    return found;
  }

  flipBit(seq: number, bit: number): void {
    const { blob } = this.holding(seq);
    writeFileSync(blob, flipped(readFileSync(blob), bit));
  }

  delete(seq: number): void {
    const { key } = this.holding(seq);
    this.#index((database) => database.prepare("DELETE FROM _mf_objects WHERE key = ?").run(key));
  }

  /** The published checkpoint and its tiles, as if the tree had never been mirrored. */
  forgetTree(): void {
    this.#index((database) =>
      database.prepare("DELETE FROM _mf_objects WHERE key GLOB ?").run(`tlog/${this.#domainId}/*`),
    );
  }

  /** Every segment from `seq` on, as a restored bucket would lack them. */
  cut(seq: number): void {
    for (const { firstSeq } of this.segments().filter((segment) => segment.firstSeq + segment.count > seq))
      this.delete(firstSeq);
  }

  /** Every segment with these rows instead, its metadata to match: another history under the same names. */
  rewrite(rows: readonly Row[]): void {
    for (const { key, firstSeq, count, blob } of this.segments()) {
      const own = rows.filter(({ seq }) => firstSeq <= seq && seq < firstSeq + count);
      const text = own.map(({ payload }) => `${payload}\n`).join("");
      const bytes = zstdCompressSync(text);
      writeFileSync(blob, bytes);
      const metadata = {
        "first-seq": String(firstSeq),
        count: String(own.length),
        "prev-hash": own[0]?.prevHash,
        "last-hash": own.at(-1)?.entryHash,
        sha256: sha256(text),
      };
      const sql = "UPDATE _mf_objects SET size = ?, etag = ?, checksums = ?, custom_metadata = ? WHERE key = ?";
      const etag = createHash("md5").update(bytes).digest("hex");
      const checksums = JSON.stringify({ sha256: sha256(bytes) });
      this.#index((database) =>
        database.prepare(sql).run(bytes.length, etag, checksums, JSON.stringify(metadata), key),
      );
    }
  }

  #index<T>(run: Parameters<typeof withDatabase<T>>[1]): T {
    return withDatabase(r2Index(this.#state, "LOG", this.#jurisdiction), run);
  }
}

const sha256 = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest("hex");
