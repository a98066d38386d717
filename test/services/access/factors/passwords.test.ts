import { describe, expect, it } from "vitest";
import { breachRange } from "../../../../src/services/access/factors/breaches.ts";
import {
  BCRYPT_COST,
  hashPassword,
  isPassword,
  NOBODYS,
  passwordFault,
} from "../../../../src/services/access/factors/passwords.ts";

const GOOD = "violet anchor 41 quarrel umbrella";

describe("S2-14 passwords of the operator's people", () => {
  it("are kept as bcrypt at cost 12, and only the right one is taken", async () => {
    const hash = await hashPassword(GOOD);
    expect(hash).toMatch(new RegExp(`^\\$2b\\$${BCRYPT_COST}\\$[./A-Za-z0-9]{53}$`));
    expect(BCRYPT_COST).toBe(12);
    expect(await isPassword(GOOD, hash)).toBe(true);
    expect(await isPassword(`${GOOD} `, hash)).toBe(false);
  });

  it("a person without one is refused with the same work: the hash of nobody's has the same cost", async () => {
    expect(NOBODYS).toMatch(new RegExp(`^\\$2b\\$${BCRYPT_COST}\\$[./A-Za-z0-9]{53}$`));
    expect(await isPassword("", null)).toBe(false);
    const cost = async (hash: string | null) => {
      const before = process.cpuUsage();
      await isPassword("some wrong password", hash);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const hash = await hashPassword(GOOD);
    await cost(hash);
    const [known, unknown] = [await cost(hash), await cost(null)];
    expect(unknown).toBeGreaterThan(known / 3);
    expect(unknown).toBeLessThan(known * 3);
  });

  it("longer ones than bcrypt looks at are refused, not cut: 72 bytes are taken, 73 are not", async () => {
    const long = "é".repeat(36);
    expect(await passwordFault(`${long}x`, [], null)).toMatch(/72 bytes/);
    await expect(hashPassword(`${long}x`)).rejects.toThrow(RangeError);
    const hash = await hashPassword(long);
    expect(await isPassword(long, hash)).toBe(true);
    expect(await isPassword(`${long}x`, hash)).toBe(false);
  });

  it.each([
    ["fourteen chars", /15 characters/],
    ["passwordpassword", /easy/],
    ["qwertyuiopasdfghjkl", /easy/],
    ["aaaaaaaaaaaaaaaaaaaaaaaa", /easy/],
    ["1234567890123456789", /easy/],
    ["moonsealmoonseal", /easy/],
    ["ada.lovelace@example.com", /easy/],
  ])("%s is refused, with a reason", async (password, reason) => {
    expect(await passwordFault(password, ["ada.lovelace@example.com", "ada", "lovelace"], null)).toMatch(reason);
  });

  it("long ones that nobody would try are taken, whatever kinds of characters they have", async () => {
    expect(await passwordFault(GOOD, ["ada@example.com"], null)).toBeNull();
    expect(await passwordFault("брошенный якорь сорок одна", [], null)).toBeNull();
  });

  it("stolen ones are refused when the operator has set a list, and nobody is kept out while it is away", async () => {
    expect(await passwordFault(GOOD, [], { count: async () => 3 })).toMatch(/stolen/);
    expect(await passwordFault(GOOD, [], { count: async () => 0 })).toBeNull();
    expect(await passwordFault(GOOD, [], { count: async () => null })).toBeNull();
  });
});

describe("the list of stolen passwords", () => {
  /** SHA-1 of `password`: 5BAA6 1E4C9B93F3F0682250B6CF8331B7EE68FD8. */
  const LINES = "0018A45C4D1DEF81644B54AB7F969B88D65:3\r\n1E4C9B93F3F0682250B6CF8331B7EE68FD8:9659365\r\nPADDED:0";
  const asked: Request[] = [];
  const answering = (make: () => Response) =>
    breachRange("https://range.example/range", async (input, init) => {
      asked.push(new Request(input as URL, init as RequestInit));
      return make();
    });

  it("learns five hex digits and nothing else", async () => {
    expect(await answering(() => new Response(LINES)).count("password")).toBe(9_659_365);
    const request = asked.at(-1) as Request;
    expect(request.url).toBe("https://range.example/range/5BAA6");
    expect(request.headers.get("Add-Padding")).toBe("true");
    expect(request.redirect).toBe("manual");
    expect(await answering(() => new Response(LINES)).count("another")).toBe(0);
  });

  it.each([
    ["an error", () => new Response("", { status: 503 })],
    ["a redirect", () => new Response(LINES, { status: 302, headers: { Location: "http://169.254.169.254/" } })],
    ["more than it may be", () => new Response("0".repeat(300_000))],
    ["no answer", () => Promise.reject(new Error("away")) as never],
  ])("%s is no count", async (_, make) => {
    expect(await answering(make).count("password")).toBeNull();
  });

  it.each([
    "http://range.example/",
    "https://localhost/",
    "https://169.254.169.254/latest",
    "https://[::1]/",
    "https://user:secret@range.example/",
    "https://range.example/?to=1",
    "file:///etc/passwd",
    "",
  ])("%s is refused as its address", (url) => {
    expect(() => breachRange(url)).toThrow(RangeError);
  });
});
