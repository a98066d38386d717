/** Sealed rows beside a domain's segments in R2 LOG. */

import { AppError } from "../core/errors.ts";
import {
  decodeSealedPage,
  encodeSealedPage,
  type PageRows,
  pageWithoutSubject,
  parseSealedPageKey,
  sealedPageKey,
  sealedPagePrefix,
} from "../core/sealed-page.ts";
import { asSealed } from "../crypto/sealed.ts";
import type { ErasablePages, SealedPageStore, SealedRows } from "../services/ports.ts";
import { asking as askingOf } from "./r2-asking.ts";

const asking = askingOf("archive");
const REWRITE_ATTEMPTS = 5;
const LIST_PAGE = 1000;

export class R2SealedPageStore implements SealedPageStore, ErasablePages {
  readonly #bucket: R2Bucket;
  readonly #domainId: string;

  constructor(bucket: R2Bucket, domainId: string) {
    this.#bucket = bucket;
    this.#domainId = domainId;
  }

  async put(firstSeq: number, rows: SealedRows): Promise<void> {
    const key = sealedPageKey(this.#domainId, firstSeq);
    if (rows.privates.length + rows.subjects.length === 0) {
      if (await asking(() => this.#bucket.head(key))) await asking(() => this.#bucket.delete(key));
    } else await asking(() => this.#bucket.put(key, encodeSealedPage(rows)));
  }

  async get(firstSeq: number): Promise<SealedRows> {
    const page = await this.#read(firstSeq);
    return page ? rowsOf(page.text, firstSeq) : { privates: [], subjects: [] };
  }

  async list(fromSeq: number, limit: number): Promise<number[]> {
    const prefix = sealedPagePrefix(this.#domainId);
    const starts: number[] = [];
    let startAfter = fromSeq > 0 ? sealedPageKey(this.#domainId, fromSeq - 1) : prefix;
    while (starts.length < limit) {
      const pageSize = Math.min(LIST_PAGE, limit - starts.length);
      const page = await asking(() => this.#bucket.list({ prefix, startAfter, limit: pageSize }));
      for (const { key } of page.objects) {
        const seq = parseSealedPageKey(this.#domainId, key);
        if (seq !== null) starts.push(seq);
        startAfter = key;
      }
      if (!page.truncated) break;
    }
    return starts;
  }

  rewrite(firstSeq: number, change: (rows: SealedRows) => SealedRows | null): Promise<void> {
    return this.#rewrite(firstSeq, (text) => {
      const after = change(rowsOf(text, firstSeq));
      return after && encodeSealedPage(after);
    });
  }

  removeSubject(firstSeq: number, pseudonym: string): Promise<void> {
    return this.#rewrite(firstSeq, (text) => pageWithoutSubject(text, pseudonym));
  }

  async #rewrite(firstSeq: number, change: (text: string) => string | null): Promise<void> {
    for (let attempt = 0; attempt < REWRITE_ATTEMPTS; attempt++) {
      const before = await this.#read(firstSeq);
      const after = before && change(before.text);
      if (before === null || after === null) return;
      // R2 deletes without conditions, so a page that holds nothing any more stays as an empty one.
      const key = sealedPageKey(this.#domainId, firstSeq);
      const onlyIf = { etagMatches: before.etag };
      if (await asking(() => this.#bucket.put(key, after, { onlyIf }))) return;
    }
    throw new AppError("storage.unavailable", {
      internal: `archive: sealed page ${firstSeq} was changed all the time`,
    });
  }

  async #read(firstSeq: number): Promise<{ text: string; etag: string } | null> {
    const object = await asking(() => this.#bucket.get(sealedPageKey(this.#domainId, firstSeq)));
    return object && { text: await asking(() => object.text()), etag: object.etag };
  }
}

/** A page that is not rows, or holds a value that is not of its column, is damaged as a whole: it is not read in part. */
function rowsOf(text: string, firstSeq: number): SealedRows {
  const rows = decodeSealedPage(text);
  try {
    if (rows) return sealedRows(rows);
  } catch (cause) {
    throw damaged(firstSeq, cause);
  }
  throw damaged(firstSeq);
}

const damaged = (firstSeq: number, cause?: unknown): AppError =>
  new AppError("storage.unavailable", { internal: `archive: sealed page ${firstSeq} is damaged`, cause });

/** Throws TypeError for a value that does not say that it is of its column's slot. */
function sealedRows({ privates, subjects }: PageRows): SealedRows {
  return {
    privates: privates.map((row) => ({ ...row, sealed: row.sealed && asSealed("private_values", row.sealed) })),
    subjects: subjects.map((row) => ({
      ...row,
      subjectPlaintext: asSealed("subject_identity", row.subjectPlaintext),
      emailClaim: row.emailClaim && asSealed("contact", row.emailClaim),
      sourceIp: row.sourceIp && asSealed("network", row.sourceIp),
      idpClaimNames: row.idpClaimNames && asSealed("idp_claims", row.idpClaimNames),
    })),
  };
}
