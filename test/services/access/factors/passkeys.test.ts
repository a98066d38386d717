import { describe, expect, it } from "vitest";
import {
  authenticationOptions,
  type Passkey,
  provedCounter,
  registered,
  registrationOptions,
} from "../../../../src/services/access/factors/passkeys.ts";
import { type Lies, SoftwareAuthenticator } from "../../../support/authenticator.ts";

const rp = { origin: "https://moonseal.example", id: "moonseal.example", name: "Moonseal" };
const person = { id: "mem_eu_01jcy3x8e7f4s9m2k5n8q1r4tv", label: "ada@example.com" };
const CHALLENGE = Buffer.from("a challenge of thirty-two bytes!").toString("base64url");

async function withPasskey(): Promise<{ device: SoftwareAuthenticator; passkey: Passkey }> {
  const device = new SoftwareAuthenticator(rp.origin);
  const passkey = await registered(rp, device.register(CHALLENGE), CHALLENGE);
  if (!passkey) throw new Error("not registered");
  return { device, passkey };
}

describe("passkeys", () => {
  it("are registered with a challenge, bound to the host, and prove themselves with the next one", async () => {
    const options = await registrationOptions(rp, person, []);
    expect(options.rp).toEqual({ id: rp.id, name: rp.name });
    expect(Buffer.from(options.user.id, "base64url").toString()).toBe(person.id);
    expect(Buffer.from(options.challenge, "base64url")).toHaveLength(32);
    const { device, passkey } = await withPasskey();
    const asked = await authenticationOptions(rp, [passkey]);
    expect(asked.allowCredentials?.map(({ id }) => id)).toEqual([passkey.id]);
    expect(await provedCounter(rp, device.assert(asked.challenge), asked.challenge, passkey)).toBe(1);
  });

  const lies: [string, Lies][] = [
    ["another origin", { origin: "https://moonseal.example.evil.example" }],
    ["the origin over http", { origin: "http://moonseal.example" }],
    ["another relying party", { rpId: "evil.example" }],
    ["another challenge", { challenge: Buffer.alloc(32).toString("base64url") }],
    ["another ceremony", { type: "payment.get" }],
    ["nobody present", { userPresent: false }],
  ];
  it.each(lies)("with %s none is registered and none is proved", async (_, lie) => {
    expect(await registered(rp, new SoftwareAuthenticator(rp.origin).register(CHALLENGE, lie), CHALLENGE)).toBeNull();
    const { device, passkey } = await withPasskey();
    expect(await provedCounter(rp, device.assert(CHALLENGE, lie), CHALLENGE, passkey)).toBeNull();
  });

  it("another key proves nothing, nor does the answer of another passkey", async () => {
    const [mine, other] = [await withPasskey(), await withPasskey()];
    expect(
      await provedCounter(rp, mine.device.assert(CHALLENGE, { otherKey: true }), CHALLENGE, mine.passkey),
    ).toBeNull();
    expect(await provedCounter(rp, other.device.assert(CHALLENGE), CHALLENGE, mine.passkey)).toBeNull();
    const renamed = { ...other.device.assert(CHALLENGE), id: mine.passkey.id };
    expect(await provedCounter(rp, renamed, CHALLENGE, mine.passkey)).toBeNull();
  });

  it("a counter that has not grown is a copy's; an authenticator without one is taken (WebAuthn §6.1.1)", async () => {
    const { device, passkey } = await withPasskey();
    const at = (stored: number, counter: number) =>
      provedCounter(rp, device.assert(CHALLENGE, { counter }), CHALLENGE, { ...passkey, counter: stored });
    expect(await at(7, 8)).toBe(8);
    expect(await at(7, 7)).toBeNull();
    expect(await at(7, 3)).toBeNull();
    expect(await at(7, 0)).toBeNull();
    expect(await at(0, 0)).toBe(0);
  });

  it("rubbish is refused", async () => {
    const { device, passkey } = await withPasskey();
    const answer = device.assert(CHALLENGE);
    for (const field of ["clientDataJSON", "authenticatorData", "signature"] as const) {
      const broken = { ...answer, response: { ...answer.response, [field]: "AAAA" } };
      expect(await provedCounter(rp, broken, CHALLENGE, passkey)).toBeNull();
    }
  });
});
