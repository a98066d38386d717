/** The limiter of one isolate: those without a credential and those with one do not share its memory. */
import { expect, test } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import type { Lease, RateDeskCalls, Wanted } from "../../../src/services/rates/calls.ts";
import { rateLimiter } from "../../../src/services/rates/limiter.ts";

test("S1-24 a client never feels a flood of askers: what the isolate holds for it stays", async () => {
  const rate = { perSecond: 10, burst: 600 };
  const grant = async ({ needed, ahead }: Wanted): Promise<Lease> => ({
    granted: needed + ahead,
    rate,
    left: 100,
    waitMs: 0,
  });
  let leases = 0;
  const desk = {
    lease: (wanted: Wanted) => {
      leases++;
      return grant(wanted);
    },
    leaseForAsker: grant,
  } as unknown as RateDeskCalls;
  const limiter = rateLimiter(
    () => desk,
    new Uint8Array(32),
    () => 1_000_000,
  );
  const client = () => limiter.client("tnt_eu_a", "key_eu_b", "requests", 1, () => undefined);
  await client();
  for (let i = 0; i <= LIMITS.rateClients; i++)
    await limiter.asker(`2001:db8:0:${i.toString(16)}::`, "auth", () => undefined);
  expect((await client()).admitted).toBe(true);
  expect(leases).toBe(1);
}, 30_000);
