import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../../../src/core/bytes.ts";
import {
  acceptedStep,
  qrSvg,
  TOTP_SECRET_BYTES,
  totpSecretText,
  totpUri,
} from "../../../../src/services/access/factors/totp.ts";

/** RFC 6238 appendix B, SHA-1, the last six of its eight digits. */
const SECRET = utf8("12345678901234567890");
const VECTORS: [seconds: number, code: string][] = [
  [59, "287082"],
  [1_111_111_109, "081804"],
  [1_111_111_111, "050471"],
  [1_234_567_890, "005924"],
  [2_000_000_000, "279037"],
  [20_000_000_000, "353130"],
];

describe("S2-11 codes of an authenticator app", () => {
  it.each(VECTORS)("takes the code of RFC 6238 appendix B at %i s", (seconds, code) => {
    expect(acceptedStep(SECRET, code, seconds * 1000, null)).toBe(Math.floor(seconds / 30));
  });

  it("takes the code of one step before and one after, and of no other", () => {
    const step = 37_037_036; // of 1,111,111,109 s
    const at = (steps: number) => acceptedStep(SECRET, "081804", 1_111_111_109_000 + steps * 30_000, null);
    expect([-2, -1, 0, 1, 2].map(at)).toEqual([null, step, step, step, null]);
  });

  it("takes no code a second time, nor an older one after it", () => {
    const [seconds, code] = VECTORS[2] as [number, string];
    const step = acceptedStep(SECRET, code, seconds * 1000, null) as number;
    expect(acceptedStep(SECRET, code, seconds * 1000, step - 1)).toBe(step);
    expect(acceptedStep(SECRET, code, seconds * 1000, step)).toBeNull();
    expect(acceptedStep(SECRET, code, seconds * 1000, step + 1)).toBeNull();
  });

  it("takes nothing but six digits", () => {
    for (const text of ["", "28708", "2870820", " 287082", "287 082", "２８７０８２", "28708a", "-28708"]) {
      expect(acceptedStep(SECRET, text, 59_000, null)).toBeNull();
    }
  });

  it("shows the secret so that it can be typed, and as an image without script or reference", () => {
    const secret = Uint8Array.from({ length: TOTP_SECRET_BYTES }, (_, i) => i * 11);
    expect(totpSecretText(secret)).toMatch(/^(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}$/);
    const uri = totpUri(secret, "Moonseal", "ada@example.com");
    expect(uri).toMatch(
      /^otpauth:\/\/totp\/Moonseal:ada%40example\.com\?issuer=Moonseal&secret=[A-Z2-7]{32}&algorithm=SHA1/,
    );
    const svg = qrSvg(uri);
    expect(svg).toMatch(/^<svg[^>]* viewBox=/);
    expect(svg).not.toMatch(/<script|href|style=|on\w+=/i);
  });

  it("keeps names out of the markup of the image whatever they are", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (label) => {
        expect(qrSvg(totpUri(SECRET, "Moonseal", label || "-"))).toMatch(/^<svg[^<>]*><path[^<>]*><\/svg>$/);
      }),
      { numRuns: 30 },
    );
  });
});
