/** The limits as a cell's Worker uses them: leases of each isolate over the objects that count. */
import { LIMITS } from "../../core/limits.ts";
import { hmacSha256 } from "../../crypto/hmac.ts";
import type { Tiered } from "../tiers.ts";
import type { Lease, RateDeskCalls, Wanted } from "./calls.ts";
import { Leases, type Verdict } from "./leases.ts";
import { ASKER_QUOTAS, type AskerPolicy, type Bucket, clientQuota, rateOf } from "./limits.ts";

/** Runs work on behind the answer. */
export type Behind = (work: Promise<unknown>) => void;

export interface RateLimiter {
  /** Never throws: while the object that counts is away, each isolate keeps to the limit by itself. */
  client(tenantId: string, clientId: string, bucket: Bucket, tokens: number, behind: Behind): Promise<Verdict>;
  /** `asker`: where the request comes from, see `askerOf`. It goes no further than this. */
  asker(asker: string, policy: AskerPolicy, behind: Behind): Promise<Verdict>;
}

/** Until an object has said otherwise. */
const ASSUMED: Tiered = { tier: "enterprise", settings: {} };

export function rateLimiter(
  desk: (name: string) => RateDeskCalls,
  pepper: Uint8Array,
  clock: () => number,
): RateLimiter {
  const clients = new Leases(clock);
  // Anybody can be many of these; they make no room at the cost of those with a credential.
  const askers = new Leases(clock);
  return {
    client(tenantId, clientId, bucket, tokens, behind) {
      const ask = (wanted: Wanted) => inTime(desk(tenantId).lease({ clientId, bucket, ...wanted }));
      const assumed = rateOf(clientQuota(clientId, bucket, ASSUMED, {}));
      return clients.take(`${clientId}/${bucket}`, tokens, ask, assumed, behind);
    },
    asker(place, policy, behind) {
      const mac = hmacSha256(pepper, `moonseal/asker/v1\n${place}`);
      const asker = Buffer.from(mac.subarray(0, 16)).toString("hex");
      const name = `askers-${(mac[31] ?? 0) % LIMITS.askerDesks}`;
      const ask = (wanted: Wanted) => inTime(desk(name).leaseForAsker({ asker, policy, ...wanted }));
      return askers.take(`${policy}/${asker}`, 1, ask, rateOf(ASKER_QUOTAS[policy]), behind);
    },
  };
}

/** An object that takes longer counts as away. What it grants afterwards is lost, and comes back with time. */
async function inTime(answer: Promise<Lease>): Promise<Lease> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("late")), LIMITS.rateTimeoutMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
