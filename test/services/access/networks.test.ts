/** S2-15 Networks of keys, and what counts as one asker. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { askerOf, isWithin, parseNetwork } from "../../../src/services/access/networks.ts";

describe("a network", () => {
  test.each(["192.0.2.0/24", "0.0.0.0/0", "198.51.100.7/32", "2001:db8::/32", "::/0", "2001:db8::1/128"])(
    "%s is taken as it is",
    (text) => expect(parseNetwork(text)).toBe(text),
  );
  test.each([
    "192.0.2.1/24",
    "192.0.2.0",
    "192.0.2.0/33",
    "::ffff:192.0.2.0/120",
    "2001:db8::1/32",
    "a/8",
    "/8",
    "",
    "192.0.2.0/-1",
    "192.0.2.0/24 ",
  ])("%s is none", (text) => expect(parseNetwork(text)).toBeNull());
});

test("an IPv4 address lies in a network exactly when its first bits are the network's", () => {
  const bits = fc.integer({ min: 0, max: 32 });
  const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const text = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
  const head = (value: number, count: number) => (count === 0 ? 0 : (value >>> (32 - count)) * 2 ** (32 - count));
  fc.assert(
    fc.property(number, number, bits, fc.boolean(), (network, other, count, near) => {
      const first = head(network, count);
      const address = near ? first + (count === 0 ? other : other % 2 ** (32 - count)) : other;
      const inside = head(address, count) === first;
      expect(isWithin(text(address), [`${text(first)}/${count}`])).toBe(inside);
      expect(isWithin(`::ffff:${text(address)}`, [`${text(first)}/${count}`])).toBe(inside);
      expect(isWithin(text(address), [])).toBe(false);
    }),
  );
});

test.each([null, "", "x", "192.0.2", "0300.0.2.7", "3221226007", "::192.0.2.7", "192.0.2.7 ", "192.0.2.7, 192.0.2.8"])(
  "%j is no address and lies nowhere",
  (address) => expect(isWithin(address, ["0.0.0.0/0", "::/0"])).toBe(false),
);

describe("one asker", () => {
  test("is an IPv4 address, however it is spelled, or a /64", () => {
    expect(askerOf("::ffff:192.0.2.7")).toBe(askerOf("192.0.2.7"));
    expect(askerOf("2001:db8:1:2::1")).toBe(askerOf("2001:db8:1:2:ffff::9"));
    expect(askerOf("2001:db8:1:3::1")).not.toBe(askerOf("2001:db8:1:2::1"));
    expect(askerOf(null)).toBe(askerOf("rubbish"));
  });
});
