/** Waiting for a person to approve this device in a browser (RFC 8628 §3.4, §3.5). */
import {
  type Device,
  type MoonsealClient,
  MoonsealProblem,
  MoonsealUnreachable,
  type SessionToken,
} from "../client/index.ts";
import type { Jurisdiction } from "../core/ids.ts";
import { CliError, CODE, type Io } from "./io.ts";

const SLOW_DOWN_MS = 5000;
/** Doubling stops here (RFC 8628 §3.5 asks for less frequent questions after a lost connection). */
const MAX_INTERVAL_MS = 60_000;

/** Throws `CliError` when the person refused, and when the code's time is over. Asks no more often than the server wants. */
export async function waitForApproval(
  io: Io,
  client: MoonsealClient,
  jurisdiction: Jurisdiction,
  { device_code, expires_in, interval }: Device,
): Promise<SessionToken> {
  const untilMs = io.now() + expires_in * 1000;
  let intervalMs = interval * 1000;
  for (;;) {
    await io.sleep(intervalMs, io.signal);
    if (io.now() > untilMs) throw tooLate();
    try {
      return await client.signIn.deviceToken(jurisdiction, device_code, { signal: io.signal });
    } catch (error) {
      intervalMs = nextInterval(error, intervalMs);
    }
  }
}

/** Throws what waiting does not change. */
function nextInterval(error: unknown, intervalMs: number): number {
  if (error instanceof MoonsealUnreachable) return Math.min(intervalMs * 2, MAX_INTERVAL_MS);
  if (!(error instanceof MoonsealProblem)) throw error;
  if (error.code === "device.authorization_pending") return intervalMs;
  if (error.code === "device.slow_down") return intervalMs + SLOW_DOWN_MS;
  if (error.code === "device.access_denied") throw new CliError("it was refused in the browser", CODE.failed);
  if (error.code === "device.expired_token") throw tooLate();
  const away = error.status >= 500 || error.status === 429;
  if (!away) throw error;
  return Math.max(Math.min(intervalMs * 2, MAX_INTERVAL_MS), error.retryAfterMs ?? 0);
}

const tooLate = () => new CliError("nobody approved the code in time; begin anew: moonseal login", CODE.failed);
