/**
 * One-time codes of an authenticator app (RFC 6238): SHA-1, six digits, steps of 30 seconds, which is what every app takes.
 * Pure; the object that keeps the secret also keeps the last step that was accepted.
 */

import { Secret, TOTP } from "otpauth";
import encodeQR from "qr";
import type { RandomBytes } from "../../ports.ts";

/** 160 bits, the length of the hash (RFC 4226 §4, R6). */
export const TOTP_SECRET_BYTES = 20;
export const TOTP_PERIOD_S = 30;
/** Steps before and after the present one that are taken too: clocks differ. Three codes are right at any moment. */
export const TOTP_WINDOW = 1;
export const TOTP_DIGITS = 6;

export const newTotpSecret = (random: RandomBytes): Uint8Array => random(TOTP_SECRET_BYTES);

/** The secret as a person types it: base32 in groups of four. */
export function totpSecretText(secret: Uint8Array): string {
  return (new Secret({ buffer: ownBuffer(secret) }).base32.match(/.{1,4}/g) ?? []).join(" ");
}

/** `otpauth://totp/…`, for authenticator apps. It holds the secret: shown once, never logged. */
export function totpUri(secret: Uint8Array, issuer: string, label: string): string {
  return totp(secret, issuer, label).toString();
}

/** The URI as an SVG image without script, style or reference. */
export function qrSvg(uri: string): string {
  return encodeQR(uri, "svg", { ecc: "medium", border: 4 });
}

/**
 * The time step whose code this untrusted text is, or null: wrong, malformed, or of a step that is not after `lastStep` (a code
 * counts once, RFC 6238 §5.2; so do the codes before it). The same work for every six digits.
 */
export function acceptedStep(secret: Uint8Array, code: string, nowMs: number, lastStep: number | null): number | null {
  if (!/^\d{6}$/.test(code)) return null;
  const present = TOTP.counter({ period: TOTP_PERIOD_S, timestamp: nowMs });
  const delta = TOTP.validate({
    token: code,
    secret: new Secret({ buffer: ownBuffer(secret) }),
    algorithm: "SHA1",
    digits: TOTP_DIGITS,
    period: TOTP_PERIOD_S,
    timestamp: nowMs,
    window: TOTP_WINDOW,
  });
  if (delta === null) return null;
  const step = present + delta;
  return lastStep === null || step > lastStep ? step : null;
}

function totp(secret: Uint8Array, issuer: string, label: string): TOTP {
  return new TOTP({
    issuer,
    label,
    secret: new Secret({ buffer: ownBuffer(secret) }),
    algorithm: "SHA1",
    digits: TOTP_DIGITS,
    period: TOTP_PERIOD_S,
  });
}

const ownBuffer = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;
