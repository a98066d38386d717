/** Legal holds: orders to keep, before which erasure and retention stop (GDPR Art. 17(3)(e)). */
import { type CallOptions, type Requests, tenantPath } from "./requests.ts";
import type { LegalHold, LegalHoldPreview, PlaceLegalHold, PreviewLegalHold, ReviewLegalHold } from "./types.ts";

export class HoldClient {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Oldest first, released ones too. */
  async list(tenantId: string, options: CallOptions = {}): Promise<LegalHold[]> {
    return (await this.#requests.get<{ legal_holds: LegalHold[] }>(pathOf(tenantId), {}, options)).legal_holds;
  }

  read(tenantId: string, holdId: string, options: CallOptions = {}): Promise<LegalHold> {
    return this.#requests.get(pathOf(tenantId, holdId), {}, options);
  }

  /** Holds everywhere once it is `active`; while `placing`, in the domains that are `confirmed`. Not repeated when the answer is lost. */
  place(tenantId: string, hold: PlaceLegalHold, options: CallOptions = {}): Promise<LegalHold> {
    return this.#requests.post(pathOf(tenantId), hold, options);
  }

  /** What a hold by query would cover now; nothing is held by it. Each count of a domain is an entry. */
  preview(tenantId: string, wanted: PreviewLegalHold, options: CallOptions = {}): Promise<LegalHoldPreview> {
    return this.#requests.postAgain(`${pathOf(tenantId)}/preview`, wanted, options);
  }

  /** Records a review, and when the next one is due. */
  review(tenantId: string, holdId: string, review: ReviewLegalHold, options: CallOptions = {}): Promise<LegalHold> {
    return this.#requests.post(`${pathOf(tenantId, holdId)}/review`, review, options);
  }

  /** For good. A second time it throws the problem `hold.released`. */
  release(tenantId: string, holdId: string, reason: string, options: CallOptions = {}): Promise<LegalHold> {
    return this.#requests.post(`${pathOf(tenantId, holdId)}/release`, { reason }, options);
  }
}

const pathOf = (tenantId: string, holdId?: string) =>
  `${tenantPath(tenantId)}/legal-holds${holdId === undefined ? "" : `/${encodeURIComponent(holdId)}`}`;
