/** One's own second factors. All of it needs the token of a session as the credential. */
import { authPath, type CallOptions, type Requests } from "./requests.ts";
import type {
  Jurisdiction,
  RecoveryCodes,
  SecondFactor,
  SecondFactorAdded,
  SecondFactorShown,
  SecondFactors,
  TotpEnrolment,
} from "./types.ts";

export class SecondFactorClient {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  list(jurisdiction: Jurisdiction, options: CallOptions = {}): Promise<SecondFactors> {
    return this.#requests.get(`${authPath(jurisdiction)}/factors`, {}, options);
  }

  /** Shows one in this session: what is sensitive is open for fifteen minutes. Never retried: a code is good once. */
  show(jurisdiction: Jurisdiction, factor: SecondFactor, options: CallOptions = {}): Promise<SecondFactorShown> {
    return this.#requests.post(`${authPath(jurisdiction)}/second-factor`, factor, options);
  }

  /** A secret for an authenticator app. It counts for nothing before `confirmTotp`. */
  beginTotp(jurisdiction: Jurisdiction, options: CallOptions = {}): Promise<TotpEnrolment> {
    return this.#requests.post(`${authPath(jurisdiction)}/factors/totp`, undefined, options);
  }

  /** With a code of the new secret. With the first factor come recovery codes, in this answer and never again. */
  confirmTotp(jurisdiction: Jurisdiction, code: string, options: CallOptions = {}): Promise<SecondFactorAdded> {
    return this.#requests.post(`${authPath(jurisdiction)}/factors/totp/confirm`, { code }, options);
  }

  removeTotp(jurisdiction: Jurisdiction, options: CallOptions = {}): Promise<SecondFactors> {
    return this.#requests.delete(`${authPath(jurisdiction)}/factors/totp`, options);
  }

  /** Ten new ones; the old ones are void. */
  newRecoveryCodes(jurisdiction: Jurisdiction, options: CallOptions = {}): Promise<RecoveryCodes> {
    return this.#requests.post(`${authPath(jurisdiction)}/factors/recovery-codes`, undefined, options);
  }
}
