/** S2-11, S2-12: second factors in the real books, and what somebody who stole a session, a code or a browser can do with it. */
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { CODE_TRIES } from "../../src/services/access/factors/tries.ts";
import { SoftwareAuthenticator } from "../support/authenticator.ts";
import { actionsOf, codeOf, type FactorWorld, inFactorWorld, PUBLIC_ORIGIN, wrongCode } from "../support/factors.ts";

const code = (reason: string) => expect.objectContaining({ code: reason });
const STEP_MS = 30_000;
const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** Adds a passkey of a new authenticator. */
async function withPasskey({ desk }: FactorWorld, asker: Parameters<FactorWorld["session"]>[0]) {
  const device = new SoftwareAuthenticator(PUBLIC_ORIGIN);
  const { challenge } = await desk.passkeyRegistration(asker);
  const added = await desk.addPasskey(asker, "My phone", device.register(challenge));
  return { device, added };
}

describe("an authenticator app", () => {
  it("counts for nothing before a right code, then opens the session, brings recovery codes, and the log is told", () =>
    inFactorWorld(async (world) => {
      const { desk, told, now } = world;
      const asker = await world.person();
      const { secret, uri, qrSvg } = await desk.beginTotp(asker);
      expect(uri).toContain("Moonseal:ada%40example.com");
      expect(qrSvg).toContain("<svg");
      expect(await desk.list(asker)).toMatchObject({ totpAddedAt: null, shownAt: null, recoveryCodesLeft: 0 });
      await expect(desk.show(asker, { totp: codeOf(secret, now.ms) })).rejects.toEqual(code("auth.factor_wrong"));
      const { factors, recoveryCodes } = await desk.confirmTotp(asker, codeOf(secret, now.ms));
      const at = new Date(now.ms).toISOString();
      expect(factors).toMatchObject({ totpAddedAt: at, shownAt: at, recoveryCodesLeft: 10 });
      expect(recoveryCodes).toHaveLength(10);
      expect(actionsOf(told)).toEqual(["tenant.login_failed totp", "tenant.second_factor_added totp"]);
    }));

  it("is not confirmed with a code of an earlier secret, nor a quarter of an hour later", () =>
    inFactorWorld(async (world) => {
      const { desk, now } = world;
      const asker = await world.person();
      const first = await desk.beginTotp(asker);
      now.ms += 1;
      const second = await desk.beginTotp(asker);
      await expect(desk.confirmTotp(asker, codeOf(first.secret, now.ms))).rejects.toEqual(code("auth.factor_wrong"));
      now.ms += LIMITS.totpEnrolmentMs;
      await expect(desk.confirmTotp(asker, codeOf(second.secret, now.ms))).rejects.toEqual(code("auth.factor_wrong"));
      expect((await desk.list(asker)).totpAddedAt).toBeNull();
    }));

  it("a code opens once: not again, not in another session, not twice at once, and no older one after it", () =>
    inFactorWorld(async (world) => {
      const { desk, now } = world;
      const asker = await world.person();
      const other = world.session(asker);
      const { code: totp } = await world.withTotp(asker);
      await expect(desk.show(other, { totp: totp() })).rejects.toEqual(code("auth.factor_wrong"));
      now.ms += STEP_MS;
      const older = totp();
      now.ms += STEP_MS;
      const both = await Promise.allSettled([desk.show(asker, { totp: totp() }), desk.show(other, { totp: totp() })]);
      expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      await expect(desk.show(other, { totp: older })).rejects.toEqual(code("auth.factor_wrong"));
      now.ms += STEP_MS;
      expect(await desk.show(other, { totp: totp() })).toMatchObject({ shownAt: new Date(now.ms).toISOString() });
    }));

  it("its secret lies sealed, and codes and recovery codes are nowhere in the object's tables", () =>
    inFactorWorld(async (world) => {
      const asker = await world.person();
      const { secret } = await world.desk.beginTotp(asker);
      const { recoveryCodes } = await world.desk.confirmTotp(asker, codeOf(secret, world.now.ms));
      const rows = world.factors.book.sealedTotps();
      const stored = Buffer.concat(rows.map(({ sealed }) => Buffer.from(sealed))).toString("latin1");
      expect(rows).toHaveLength(1);
      for (const plain of [secret.replaceAll(" ", ""), ...(recoveryCodes ?? [])]) {
        expect(stored).not.toContain(plain);
      }
    }));
});

describe("S2-11, S2-12 a stolen session that was opened with one factor", () => {
  it("adds no factor beside the owner's, removes none, makes no recovery codes and renames nothing", () =>
    inFactorWorld(async (world) => {
      const { desk, told } = world;
      const owner = await world.person();
      const { added } = await withPasskey(world, owner);
      const id = added.factors.passkeys[0]?.id ?? "";
      await world.withTotp(owner);
      const thief = world.session(owner);
      const before = told.length;
      const device = new SoftwareAuthenticator(PUBLIC_ORIGIN);
      for (const attempt of [
        () => desk.beginTotp(thief),
        () => desk.confirmTotp(thief, "000000"),
        () => desk.removeTotp(thief),
        () => desk.newRecoveryCodes(thief),
        () => desk.passkeyRegistration(thief),
        () => desk.addPasskey(thief, "Mine", device.register("AAAA")),
        () => desk.renamePasskey(thief, id, "Mine"),
        () => desk.removePasskey(thief, id),
      ]) {
        await expect(attempt()).rejects.toEqual(code("auth.step_up_required"));
      }
      expect(told).toHaveLength(before);
    }));

  it("that began to add one before the owner had any cannot finish it afterwards", () =>
    inFactorWorld(async (world) => {
      const { desk, now } = world;
      const owner = await world.person();
      const thief = world.session(owner);
      const { secret } = await desk.beginTotp(thief);
      const { challenge } = await desk.passkeyRegistration(thief);
      await withPasskey(world, owner);
      await expect(desk.confirmTotp(thief, codeOf(secret, now.ms))).rejects.toEqual(code("auth.step_up_required"));
      const answer = new SoftwareAuthenticator(PUBLIC_ORIGIN).register(challenge);
      await expect(desk.addPasskey(thief, "Mine", answer)).rejects.toEqual(code("auth.step_up_required"));
    }));

  it("that finishes adding one in the very moment in which the owner adds their first is refused", () =>
    inFactorWorld(async (world) => {
      const { desk, people, now } = world;
      const owner = await world.person();
      const thief = world.session(owner);
      const { secret } = await desk.beginTotp(thief);
      const ofVersion = people.tenantKeys.ofVersion;
      // The thief's code waits for the key while the owner's passkey is written.
      people.tenantKeys.ofVersion = async (version) => {
        people.tenantKeys.ofVersion = ofVersion;
        await withPasskey(world, owner);
        return ofVersion(version);
      };
      await expect(desk.confirmTotp(thief, codeOf(secret, now.ms))).rejects.toEqual(code("auth.step_up_required"));
      expect(await desk.list(owner)).toMatchObject({ totpAddedAt: null, passkeys: [{ name: "My phone" }] });
    }));

  it("the proof of another session opens only that one", () =>
    inFactorWorld(async (world) => {
      const owner = await world.person();
      const thief = world.session(owner);
      await world.withTotp(owner);
      expect((await world.desk.list(owner)).shownAt).not.toBeNull();
      expect((await world.desk.list(thief)).shownAt).toBeNull();
    }));

  it("asks for a new proof after a quarter of an hour, to the millisecond", () =>
    inFactorWorld(async (world) => {
      const { desk, now } = world;
      const owner = await world.person();
      await world.withTotp(owner);
      now.ms += LIMITS.stepUpMs;
      expect(await desk.newRecoveryCodes(owner)).toHaveLength(10);
      now.ms += 1;
      await expect(desk.newRecoveryCodes(owner)).rejects.toEqual(code("auth.step_up_required"));
    }));

  it.each(["ended", "expired", "of somebody else", "of somebody who was removed"])(
    "a session that is %s does nothing",
    (how) =>
      inFactorWorld(async (world) => {
        const { desk, people, now } = world;
        const owner = await world.person();
        const { code: totp } = await world.withTotp(owner);
        now.ms += STEP_MS;
        if (how === "ended") people.book.endSession(owner.sessionId, now.ms);
        if (how === "expired") now.ms += people.sessionMs;
        if (how === "of somebody who was removed") people.book.removePerson(owner.personId, now.ms);
        const asker =
          how === "of somebody else" ? { ...(await world.person("eve@example.com")), personId: owner.personId } : owner;
        for (const attempt of [
          () => desk.list(asker),
          () => desk.beginTotp(asker),
          () => desk.show(asker, { totp: totp() }),
        ]) {
          await expect(attempt()).rejects.toEqual(code("auth.required"));
        }
      }),
  );
});

describe("guessing a code", () => {
  it("ends after five tries and then waits grow; a right code in a wait is not looked at", () =>
    inFactorWorld(async (world) => {
      const { desk, now } = world;
      const asker = await world.person();
      const { code: totp } = await world.withTotp(asker);
      now.ms += STEP_MS;
      for (let i = 0; i < CODE_TRIES.network.free; i++) {
        await expect(desk.show(asker, { totp: wrongCode(totp) })).rejects.toEqual(code("auth.factor_wrong"));
      }
      const refused = await desk.show(asker, { totp: totp() }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "auth.too_many_tries", retryAfterSeconds: 60 });
      now.ms += 60_000;
      expect(await desk.show(asker, { totp: totp() })).toHaveProperty("shownAt");
    }));

  it("a hundred at once are five tries, and from a hundred networks ten", () =>
    inFactorWorld(async (world) => {
      const asker = await world.person();
      const { code: totp } = await world.withTotp(asker);
      const wrong = wrongCode(totp);
      const outcomes = async (network: (i: number) => string) => {
        const tries = Array.from({ length: 100 }, (_, i) =>
          world.desk.show({ ...asker, network: network(i) }, { totp: wrong }),
        );
        const settled = await Promise.allSettled(tries);
        return settled.filter((each) => each.status === "rejected" && each.reason.code === "auth.factor_wrong").length;
      };
      expect(await outcomes(() => "one")).toBe(CODE_TRIES.network.free);
      expect(await outcomes((i) => `n${i}`)).toBe(CODE_TRIES.person.free - CODE_TRIES.network.free);
    }));

  it("over a day of a patient botnet is right with less than 10^-4, and the log is told of each try in few entries", () =>
    inFactorWorld(async (world) => {
      const { desk, now, told } = world;
      const asker = await world.person();
      const { code: totp } = await world.withTotp(asker);
      now.ms += STEP_MS;
      const before = told.length;
      const endMs = now.ms + DAY_MS;
      let guesses = 0;
      for (let network = 0; now.ms < endMs; network++) {
        const error = await desk
          .show({ ...asker, network: `n${network}` }, { totp: wrongCode(totp) })
          .catch((e: unknown) => e);
        const { code: reason, retryAfterSeconds } = error as { code: string; retryAfterSeconds?: number };
        if (reason === "auth.factor_wrong") guesses++;
        else if (reason === "auth.too_many_tries") now.ms += (retryAfterSeconds ?? 0) * 1000;
        else break; // the session is over after a day
      }
      expect(guesses).toBeGreaterThan(5);
      expect(1 - (1 - 3e-6) ** guesses).toBeLessThan(1e-4);
      now.ms += HOUR_MS;
      await world.factors.tellRest(world.people);
      const entries = told.slice(before);
      const failures = entries.map(({ event }) => Number(event.metadata?.failures));
      expect(failures.reduce((sum, each) => sum + each, 0)).toBe(guesses);
      expect(entries.length).toBeLessThanOrEqual(guesses);
    }));

  it("by a stranger holds up neither a browser that has logged in before, nor a passkey, nor a recovery code elsewhere", () =>
    inFactorWorld(async (world) => {
      const { desk, now } = world;
      const owner = { ...(await world.person()), network: "home" };
      const { device } = await withPasskey(world, owner);
      const { secret } = await desk.beginTotp(owner);
      const totp = () => codeOf(secret, now.ms);
      await desk.confirmTotp(owner, totp());
      now.ms += STEP_MS;
      const browser = "a browser of the owner's";
      await desk.show({ ...owner, browser }, { totp: totp() });
      const [spare] = await desk.newRecoveryCodes(owner);
      const thief = world.session(owner);
      for (let i = 0; i < 200; i++) {
        await desk.show({ ...thief, network: `n${i}` }, { totp: wrongCode(totp) }).catch(() => undefined);
      }
      now.ms += STEP_MS;
      await expect(desk.show(owner, { totp: totp() })).rejects.toEqual(code("auth.too_many_tries"));
      expect(await desk.show({ ...owner, browser }, { totp: totp() })).toHaveProperty("shownAt");
      const { challenge } = await desk.passkeyChallenge(owner);
      expect(await desk.show(owner, { passkey: device.assert(challenge) })).toHaveProperty("shownAt");
      expect(await desk.show(owner, { recoveryCode: spare ?? "" })).toMatchObject({ recoveryCodesLeft: 9 });
    }));

  it("a browser is known only after it has logged in, and only to the person who has", () =>
    inFactorWorld(async (world) => {
      const [ada, eve] = [await world.person(), await world.person("eve@example.com")];
      const browser = "a browser of Eve's";
      await world.withTotp({ ...eve, browser });
      const { code: totp } = await world.withTotp(ada);
      const wrong = wrongCode(totp);
      for (let i = 0; i < 40; i++)
        await world.desk.show({ ...ada, network: `n${i}` }, { totp: wrong }).catch(() => undefined);
      for (const claimed of [browser, "0".repeat(64), ""]) {
        const tried = world.desk.show({ ...ada, browser: claimed }, { totp: wrong });
        await expect(tried).rejects.toEqual(code("auth.too_many_tries"));
      }
    }));
});

describe("recovery codes", () => {
  it("open once each, also when two come at once, and new ones void those before", () =>
    inFactorWorld(async (world) => {
      const { desk } = world;
      const asker = await world.person();
      const { recoveryCodes } = await world.withTotp(asker);
      const [first = "", second = ""] = recoveryCodes;
      expect(await desk.show(asker, { recoveryCode: first.toUpperCase() })).toMatchObject({ recoveryCodesLeft: 9 });
      await expect(desk.show(asker, { recoveryCode: first })).rejects.toEqual(code("auth.factor_wrong"));
      const both = [desk.show(asker, { recoveryCode: second }), desk.show(asker, { recoveryCode: second })];
      expect((await Promise.allSettled(both)).map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      await desk.newRecoveryCodes(asker);
      await expect(desk.show(asker, { recoveryCode: recoveryCodes[2] ?? "" })).rejects.toEqual(
        code("auth.factor_wrong"),
      );
    }));

  it("of another person open nothing", () =>
    inFactorWorld(async (world) => {
      const [ada, eve] = [await world.person(), await world.person("eve@example.com")];
      await world.withTotp(ada);
      const { recoveryCodes } = await world.withTotp(eve);
      const tried = world.desk.show(ada, { recoveryCode: recoveryCodes[0] ?? "" });
      await expect(tried).rejects.toEqual(code("auth.factor_wrong"));
      expect((await world.desk.list(eve)).recoveryCodesLeft).toBe(10);
    }));

  it("are not handed out without a factor, and go with the last one", () =>
    inFactorWorld(async (world) => {
      const asker = await world.person();
      await expect(world.desk.newRecoveryCodes(asker)).rejects.toEqual(code("auth.mfa_required"));
      const { recoveryCodes } = await world.withTotp(asker);
      expect(await world.desk.removeTotp(asker)).toMatchObject({ totpAddedAt: null, recoveryCodesLeft: 0 });
      const tried = world.desk.show(asker, { recoveryCode: recoveryCodes[0] ?? "" });
      await expect(tried).rejects.toEqual(code("auth.factor_wrong"));
    }));
});

describe("passkeys", () => {
  it("are added, listed, renamed and removed, and prove themselves once for each challenge", () =>
    inFactorWorld(async (world) => {
      const { desk, told } = world;
      const asker = await world.person();
      const { device, added } = await withPasskey(world, asker);
      expect(added.recoveryCodes).toHaveLength(10);
      expect(added.factors.passkeys).toMatchObject([{ id: device.id, name: "My phone", lastUsedAt: null }]);
      const { challenge } = await desk.passkeyChallenge(asker);
      const answer = device.assert(challenge);
      await desk.show(asker, { passkey: answer });
      await expect(desk.show(asker, { passkey: answer })).rejects.toEqual(code("auth.factor_wrong"));
      expect((await desk.renamePasskey(asker, device.id, "Work phone")).passkeys).toMatchObject([
        { name: "Work phone" },
      ]);
      expect((await desk.removePasskey(asker, device.id)).passkeys).toEqual([]);
      expect(actionsOf(told)).toEqual([
        "tenant.second_factor_added passkey",
        "tenant.second_factor_shown passkey",
        "tenant.login_failed passkey",
        "tenant.second_factor_removed passkey",
      ]);
    }));

  it("without a counter prove themselves once for each challenge, too", () =>
    inFactorWorld(async (world) => {
      const asker = await world.person();
      const { device } = await withPasskey(world, asker);
      const answer = device.assert((await world.desk.passkeyChallenge(asker)).challenge, { counter: 0 });
      await world.desk.show(asker, { passkey: answer });
      await expect(world.desk.show(asker, { passkey: answer })).rejects.toEqual(code("auth.factor_wrong"));
    }));

  it("a challenge is of one session, of one purpose, and over after five minutes", () =>
    inFactorWorld(async (world) => {
      const { desk, now } = world;
      const asker = await world.person();
      const { device } = await withPasskey(world, asker);
      const other = world.session(asker);
      const fails = (as: typeof asker, challenge: string) =>
        expect(desk.show(as, { passkey: device.assert(challenge) })).rejects.toEqual(code("auth.factor_wrong"));
      await fails(other, (await desk.passkeyChallenge(asker)).challenge);
      await desk.passkeyChallenge(other);
      await fails(other, (await desk.passkeyChallenge(asker)).challenge);
      await fails(asker, (await desk.passkeyRegistration(asker)).challenge);
      const { challenge } = await desk.passkeyChallenge(asker);
      now.ms += LIMITS.passkeyChallengeMs;
      await fails(asker, challenge);
    }));

  it.each([
    ["another origin", { origin: "https://moonseal.example.evil.example" }],
    ["another relying party", { rpId: "evil.example" }],
    ["a counter that went back", { counter: 0 }],
    ["another key", { otherKey: true }],
  ])("with %s are refused and the session stays as it was", (_, lie) =>
    inFactorWorld(async (world) => {
      const { desk } = world;
      const owner = await world.person();
      const { device } = await withPasskey(world, owner);
      await desk.show(owner, { passkey: device.assert((await desk.passkeyChallenge(owner)).challenge) });
      const session = world.session(owner);
      const answer = device.assert((await desk.passkeyChallenge(session)).challenge, lie);
      await expect(desk.show(session, { passkey: answer })).rejects.toEqual(code("auth.factor_wrong"));
      expect((await desk.list(session)).shownAt).toBeNull();
    }),
  );

  it("of two answers with one counter that come at once in two sessions one is refused", () =>
    inFactorWorld(async (world) => {
      const { desk } = world;
      const one = await world.person();
      const { device } = await withPasskey(world, one);
      const two = world.session(one);
      const challenges = [(await desk.passkeyChallenge(one)).challenge, (await desk.passkeyChallenge(two)).challenge];
      const answers = challenges.map((challenge) => device.assert(challenge, { counter: 5 }));
      const both = [one, two].map((asker, i) => desk.show(asker, { passkey: answers[i] as (typeof answers)[0] }));
      expect((await Promise.allSettled(both)).map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    }));

  it("of one person are nobody else's, and at most twenty", () =>
    inFactorWorld(async (world) => {
      const { desk } = world;
      const [ada, eve] = [await world.person(), await world.person("eve@example.com")];
      const { device } = await withPasskey(world, ada);
      await withPasskey(world, eve);
      const { challenge } = await desk.passkeyChallenge(eve);
      await expect(desk.show(eve, { passkey: device.assert(challenge) })).rejects.toEqual(code("auth.factor_wrong"));
      await expect(desk.removePasskey(eve, device.id)).rejects.toEqual(code("resource.not_found"));
      const again = await desk.passkeyRegistration(eve);
      const stolen = desk.addPasskey(eve, "Ada's", device.register(again.challenge));
      await expect(stolen).rejects.toEqual(code("auth.factor_wrong"));
      for (let i = 1; i < LIMITS.passkeysPerPerson; i++) await withPasskey(world, ada);
      await expect(withPasskey(world, ada)).rejects.toEqual(code("limit.reached"));
    }));
});

describe("the operator's people and resets", () => {
  it("S2-11 somebody of the operator's staff keeps a factor", () =>
    inFactorWorld(async (world) => {
      const asker = await world.person();
      await world.withTotp(asker);
      await expect(world.desk.removeTotp(asker)).rejects.toEqual(code("auth.factor_needed"));
      await withPasskey(world, asker);
      expect(await world.desk.removeTotp(asker)).toMatchObject({ totpAddedAt: null, passkeys: [{ name: "My phone" }] });
      expect(actionsOf(world.told).at(-1)).toBe("staff.second_factor_removed totp");
    }, "staff"));

  it("a reset takes everything and ends the sessions, but nobody's who holds more than whoever asks", () =>
    inFactorWorld(async (world) => {
      const { people, factors, told, now } = world;
      const owner = { ...(await world.person()), browser: "a browser" };
      await world.withTotp(owner);
      const by = { type: "service", id: "operator" } as const;
      const weak = factors.reset(owner.personId, by, ["tenant.read"], people);
      await expect(weak).rejects.toEqual(code("auth.forbidden"));
      await factors.reset(owner.personId, by, "any", people);
      await expect(world.desk.list(owner)).rejects.toEqual(code("auth.required"));
      now.ms += 1;
      const fresh = world.session(owner);
      expect(await world.desk.list(fresh)).toEqual({
        totpAddedAt: null,
        passkeys: [],
        recoveryCodesLeft: 0,
        shownAt: null,
      });
      expect(factors.book.knowsBrowser(owner.personId, "a browser")).toBe(false);
      expect(await world.desk.beginTotp(fresh)).toHaveProperty("secret");
      expect(actionsOf(told).slice(-2)).toEqual(["tenant.second_factors_reset", "tenant.session_ended"]);
      await expect(factors.reset("mem_none", by, "any", people)).rejects.toEqual(code("resource.not_found"));
    }));

  it("S2-4 secrets are sealed anew and still open; one that was replaced meanwhile stays as it is", () =>
    inFactorWorld(async (world) => {
      const { factors, people, desk, now } = world;
      const asker = await world.person();
      const { code: totp } = await world.withTotp(asker);
      const [before] = factors.book.sealedTotps();
      expect(await factors.reseal(() => true, people)).toBe(1);
      const [after] = factors.book.sealedTotps();
      expect(after?.sealed).not.toEqual(before?.sealed);
      factors.book.resealTotp(asker.personId, before?.sealed ?? new Uint8Array(), before?.sealed as never);
      expect(factors.book.sealedTotps()).toEqual([after]);
      expect(await factors.reseal(() => false, people)).toBe(0);
      now.ms += STEP_MS;
      expect(await desk.show(asker, { totp: totp() })).toHaveProperty("shownAt");
    }));
});
