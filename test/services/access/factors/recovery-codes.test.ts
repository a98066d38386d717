import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  newRecoveryCodes,
  parseRecoveryCode,
  recoveryCodeMac,
} from "../../../../src/services/access/factors/recovery-codes.ts";

const random = (byteLength: number) => new Uint8Array(randomBytes(byteLength));

describe("recovery codes", () => {
  it("are ten of 80 bits each, all of which show", () => {
    const codes = newRecoveryCodes(random);
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^[0-9a-hjkmnp-tv-z]{4}(?:-[0-9a-hjkmnp-tv-z]{4}){3}$/);
    const spelled = new Set<string>();
    for (let bit = 0; bit < 80; bit++) {
      const bytes = new Uint8Array(10);
      bytes[bit >> 3] = 1 << (bit & 7);
      spelled.add(newRecoveryCodes(() => bytes)[0] as string);
    }
    expect(spelled.size).toBe(80);
  });

  it("are read however they are typed", () => {
    expect(parseRecoveryCode(" 0A1B-cdef ghjk MNPQ ")).toBe("0a1bcdefghjkmnpq");
    expect(parseRecoveryCode("oil0-1111-2222-3333")).toBe("0110111122223333");
    for (const wrong of [
      "",
      "0a1b-cdef-ghjk-mnp",
      "0a1b-cdef-ghjk-mnpqr",
      "u000-0000-0000-0000",
      "é".repeat(16),
      "0".repeat(400),
    ]) {
      expect(parseRecoveryCode(wrong)).toBeNull();
    }
    fc.assert(fc.property(fc.string(), (text) => void parseRecoveryCode(text)));
  });

  it("are kept as a keyed hash that is of no use to another person or cell", () => {
    const [code] = newRecoveryCodes(random) as [string];
    const mac = (pepper: number, person: string) =>
      Buffer.from(recoveryCodeMac(new Uint8Array(32).fill(pepper), person, code)).toString("hex");
    expect(mac(1, "mem_a")).toBe(mac(1, "mem_a"));
    expect(new Set([mac(1, "mem_a"), mac(2, "mem_a"), mac(1, "mem_b")]).size).toBe(3);
  });
});
