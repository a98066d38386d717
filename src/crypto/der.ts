/** What of DER (ITU-T X.690) a certificate needs, written. Lengths below 2^16. */
import { concatBytes, utf8 } from "../core/bytes.ts";

export const SEQUENCE = 0x30;
export const SET = 0x31;

/** One element: its tag, its length in the one spelling of DER, its content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(...content);
  const { length } = body;
  if (length >= 0x10000) throw new RangeError("an element of a certificate is short");
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concatBytes(Uint8Array.from([tag, ...(length < 0x80 ? [length] : long)]), body);
}

/** A whole number that is not negative. `bytes`: big-endian. */
export function derInteger(bytes: Uint8Array): Uint8Array {
  let at = 0;
  while (at < bytes.length - 1 && bytes[at] === 0) at++;
  const short = bytes.subarray(at);
  return der(0x02, (short[0] ?? 0) >= 0x80 ? concatBytes(new Uint8Array(1), short) : short);
}

/** `dotted`: arcs below 2^21. */
export function derOid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = rest.flatMap((arc) => {
    const low = arc & 0x7f;
    const middle = ((arc >> 7) & 0x7f) | 0x80;
    if (arc < 0x80) return [low];
    return arc < 0x4000 ? [middle, low] : [((arc >> 14) & 0x7f) | 0x80, middle, low];
  });
  return der(0x06, Uint8Array.from([first * 40 + second, ...bytes]));
}

export const derText = (text: string): Uint8Array => der(0x0c, utf8(text));
/** `YYYYMMDDHHMMSSZ`. */
export const derTime = (text: string): Uint8Array => der(0x18, utf8(text));
/** `YYMMDDHHMMSSZ`, years 1950 to 2049. */
export const derUtcTime = (text: string): Uint8Array => der(0x17, utf8(text));
/** `unused`: bits at its end that mean nothing. */
export const derBits = (bytes: Uint8Array, unused = 0): Uint8Array => der(0x03, Uint8Array.from([unused]), bytes);
export const derOctets = (bytes: Uint8Array): Uint8Array => der(0x04, bytes);
