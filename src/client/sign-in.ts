/** Signing in: what a program does for a person who has a browser (RFC 8628), and what follows from links of mails. */
import { authPath, type CallOptions, type Requests } from "./requests.ts";
import type { AcceptInvitation, Device, Jurisdiction, SessionToken } from "./types.ts";

export class SignInClient {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Codes for a device that a person will approve in a browser (RFC 8628 §3.1). No credential is sent. */
  device(jurisdiction: Jurisdiction, options: CallOptions = {}): Promise<Device> {
    return this.#open(`${authPath(jurisdiction)}/device`, undefined, options);
  }

  /**
   * The session of an approved device (RFC 8628 §3.4). Until then throws the problems `device.authorization_pending`,
   * `device.slow_down`, `device.expired_token`, `device.access_denied`. Asked once, never retried here: whoever waits keeps the
   * interval.
   */
  deviceToken(jurisdiction: Jurisdiction, deviceCode: string, options: CallOptions = {}): Promise<SessionToken> {
    return this.#open(`${authPath(jurisdiction)}/device/token`, { device_code: deviceCode }, options);
  }

  /** Joins a tenant with the token of an invitation's link, and opens a session. The token is good once. */
  acceptInvitation(
    jurisdiction: Jurisdiction,
    wanted: AcceptInvitation,
    options: CallOptions = {},
  ): Promise<SessionToken> {
    return this.#open(`${authPath(jurisdiction)}/invitations/accept`, wanted, options);
  }

  /** Ends the session whose token is the credential. */
  async logout(jurisdiction: Jurisdiction, options: CallOptions = {}): Promise<void> {
    await this.#requests.post(`${authPath(jurisdiction)}/logout`, undefined, options);
  }

  async #open<T>(path: string, body: unknown, options: CallOptions): Promise<T> {
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const spec = { method: "POST" as const, path, ...json, retry: false, authenticate: false };
    return (await this.#requests.send({ ...spec, ...options })).json as T;
  }
}
