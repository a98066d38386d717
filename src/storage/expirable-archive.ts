/** Payloads of a domain's archive (R2 LOG) go for good; tiles, bundles of hashes and checkpoints beside them have no such call. */

import { sealedPageKey } from "../core/sealed-page.ts";
import { segmentKey } from "../core/segment.ts";
import type { ExpirableArchive } from "../services/ports.ts";
import { asking } from "./r2-asking.ts";

const ask = asking("archive");

export class R2ExpirableArchive implements ExpirableArchive {
  readonly #bucket: R2Bucket;
  readonly #domainId: string;

  constructor(bucket: R2Bucket, domainId: string) {
    this.#bucket = bucket;
    this.#domainId = domainId;
  }

  removePage(firstSeq: number): Promise<void> {
    return ask(() => this.#bucket.delete(sealedPageKey(this.#domainId, firstSeq)));
  }

  removeSegment(firstSeq: number): Promise<void> {
    return ask(() => this.#bucket.delete(segmentKey(this.#domainId, firstSeq)));
  }
}
