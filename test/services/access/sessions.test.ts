/** Whose session a token is of: asked once in a while of the object that keeps it, and never believed for longer than a minute. */
import { beforeEach, describe, expect, test } from "vitest";
import { makeId } from "../../../src/core/ids.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { SessionPrincipal } from "../../../src/services/access/principal.ts";
import { type SessionLookUp, sessionLookUp } from "../../../src/services/access/sessions.ts";
import { readTokenKeys } from "../../../src/services/access/token-settings.ts";
import { signSessionToken, type TokenSubject } from "../../../src/services/access/tokens.ts";
import { TOKEN_SIGNING_KEYS } from "../../support/token-keys.ts";

const uuid = (n: number) => `0193a0c4-5f7e-7c3a-9d53-${String(n).padStart(12, "0")}`;
const settings = { TOKEN_SIGNING_KEY: TOKEN_SIGNING_KEYS.eu, TOKEN_AUDIENCE: "https://api.test" };
const keys = readTokenKeys(settings, "log.test", "eu");
const subject = (n = 1) => ({
  sub: makeId("member", "eu", uuid(n)),
  sid: makeId("session", "eu", uuid(n)),
  tnt: makeId("tenant", "eu", uuid(n)),
});
const staff = { sub: makeId("staff", "eu", uuid(1)), sid: makeId("session", "eu", uuid(1)), tnt: null };
const principalOf = ({ sub, sid, tnt }: TokenSubject): SessionPrincipal => ({
  kind: tnt === null ? "staff" : "member",
  tenantId: tnt,
  permissions: [],
  person: { id: sub, sessionId: sid, role: null, secondFactorAtMs: null },
});

let now: number;
let asked: string[];
let answer: (wanted: TokenSubject) => SessionPrincipal | null;
let session: SessionLookUp;

beforeEach(() => {
  now = Date.parse("2026-11-21T12:00:00.000Z");
  asked = [];
  answer = principalOf;
  const ask = async (wanted: TokenSubject) => {
    asked.push(wanted.sid);
    return answer(wanted);
  };
  const keepers = {
    member: (tnt: string, sid: string, sub: string) => ask({ tnt, sid, sub }),
    staff: (sid: string, sub: string) => ask({ tnt: null, sid, sub }),
  };
  session = sessionLookUp(keys, keepers, () => now, {
    freshMs: LIMITS.sessionCacheMs,
    staleMs: LIMITS.sessionStaleMs,
    maxEntries: 3,
  });
});

const tokenOf = (whose: TokenSubject) => signSessionToken(whose, keys, now);

describe("a warm request", () => {
  test("asks no object, for members and for staff", async () => {
    for (const whose of [subject(), staff]) {
      const token = await tokenOf(whose);
      for (let i = 0; i < 5; i++) expect(await session(token)).toEqual(principalOf(whose));
    }
    expect(asked).toHaveLength(2);
  });

  test("with a token that is none asks nobody at all", async () => {
    const token = await tokenOf(subject());
    for (const text of ["", "a.b.c", `${token}x`, token.slice(0, -2)]) expect(await session(text)).toBeNull();
    expect(asked).toEqual([]);
  });
});

describe("S1-22 a revoked session", () => {
  test("is over within a minute, though its token has a day to go", async () => {
    const token = await tokenOf(subject());
    await session(token);
    answer = () => null;
    now += LIMITS.sessionCacheMs;
    expect(await session(token)).toBeNull();
    expect(LIMITS.sessionCacheMs).toBeLessThanOrEqual(60_000);
    // And stays so: what was known of it is gone.
    now -= 1;
    expect(await session(token)).toBeNull();
  });

  test("is over within a minute also while its object does not answer", async () => {
    const token = await tokenOf(subject());
    await session(token);
    answer = () => {
      throw new Error("away");
    };
    now += LIMITS.sessionStaleMs - 1;
    expect(await session(token)).not.toBeNull();
    now += 1;
    await expect(session(token)).rejects.toThrow("away");
    expect(LIMITS.sessionStaleMs).toBeLessThanOrEqual(60_000);
  });

  test("is over at once where it is asked afresh", async () => {
    const token = await tokenOf(subject());
    await session(token);
    answer = () => null;
    expect(await session(token, true)).toBeNull();
    expect(await session(token)).toBeNull();
  });

  test("is not prolonged by a clock that is set back", async () => {
    const token = await tokenOf(subject());
    await session(token);
    answer = () => null;
    now -= 1000;
    expect(await session(token)).toBeNull();
  });

  test("a change of role is felt as soon", async () => {
    const token = await tokenOf(subject());
    await session(token);
    answer = (whose) => ({ ...principalOf(whose), permissions: ["member.list"] });
    now += LIMITS.sessionCacheMs;
    expect((await session(token))?.permissions).toEqual(["member.list"]);
  });
});

test("a token that ends while its session is known from memory is nobody's", async () => {
  const token = await tokenOf(subject());
  now += keys.lifetimeS * 1000 - 1;
  expect(await session(token)).not.toBeNull();
  now += 1;
  expect(await session(token)).toBeNull();
});

test("what an object answers about somebody else is not believed", async () => {
  const [mine, other] = [subject(1), subject(2)];
  const token = await tokenOf(mine);
  for (const wrong of [
    { ...mine, sub: other.sub },
    { ...mine, sid: other.sid },
    { ...mine, tnt: other.tnt },
    { ...mine, tnt: null },
  ]) {
    answer = () => principalOf(wrong);
    expect(await session(token)).toBeNull();
  }
});

test("memory is bounded, and sessions that are none take none of it", async () => {
  const tokens = await Promise.all([1, 2, 3, 4].map((n) => tokenOf(subject(n))));
  answer = () => null;
  for (const token of tokens) await session(token);
  answer = principalOf;
  for (const token of tokens.slice(0, 3)) await session(token);
  asked = [];
  for (const token of tokens.slice(0, 3)) await session(token);
  expect(asked).toEqual([]);
  // One more than there is room for: all are asked again, none is lost.
  await session(tokens[3] as string);
  expect(await session(tokens[0] as string)).toEqual(principalOf(subject(1)));
  expect(asked).toHaveLength(2);
});
