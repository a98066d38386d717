/**
 * What a cell signs documents for people with: ECDSA P-256 (FIPS 186-5) with SHA-256, and a certificate that it signed itself
 * (RFC 5280). Nobody vouches for the certificate: a reader compares its fingerprint with the one that the operator publishes.
 *
 * Everything is made of the secret and the name alone, and signatures are those of RFC 6979: made again they are the same bytes.
 */
import { p256 } from "@noble/curves/nist.js";
import { concatBytes, toHex, utf8 } from "../core/bytes.ts";
import { der, derBits, derInteger, derOctets, derOid, derText, derTime, derUtcTime, SEQUENCE, SET } from "./der.ts";
import { hkdfSha256 } from "./hkdf.ts";
import { sha256 } from "./sha256.ts";

export interface DocumentSigner {
  /** X.509 in DER. */
  readonly certificate: Uint8Array;
  /** SHA-256 of the certificate, lower-case hex: as operators publish it. */
  readonly fingerprint: string;
  /** DER `SEQUENCE {r, s}` over SHA-256 of the bytes. Some milliseconds. */
  sign(bytes: Uint8Array): Uint8Array;
}

const SEED_BYTES = 32;
/** FIPS 186-5 A.2.1: 64 bits more than the order has, so that no key is likelier than another. */
const EXTRA_SEED_BYTES = 48;
/** For ever: RFC 5280 §4.1.2.5 has this for "no end", and UTCTime for what begins before 2050. */
const FROM = "260101000000Z";
const NO_END = "99991231235959Z";

/** `host`: of the cell's logs; the subject. The key is made when it is needed first. Throws on a seed of another length than 32. */
export function documentSigner(host: string, seed: Uint8Array): DocumentSigner {
  if (seed.length !== SEED_BYTES) throw new RangeError("a document key is made of 32 bytes");
  let made: { secretKey: Uint8Array; certificate: Uint8Array; fingerprint: string } | null = null;
  const key = () => {
    made ??= makeKey(host, seed);
    return made;
  };
  return {
    get certificate() {
      return key().certificate;
    },
    get fingerprint() {
      return key().fingerprint;
    },
    sign: (bytes) => signed(key().secretKey, bytes),
  };
}

function makeKey(host: string, seed: Uint8Array) {
  const half = (n: number) => hkdfSha256(new Uint8Array(), seed, utf8(`moonseal/document-key/v1/${n}`));
  const wide = concatBytes(half(1), half(2)).subarray(0, EXTRA_SEED_BYTES);
  const { secretKey, publicKey } = p256.keygen(wide);
  const certificate = certificateOf(host, secretKey, p256.getPublicKey(secretKey, false), publicKey);
  return { secretKey, certificate, fingerprint: toHex(sha256(certificate)) };
}

const signed = (secretKey: Uint8Array, bytes: Uint8Array): Uint8Array =>
  p256.sign(bytes, secretKey, { format: "der", lowS: false });

const ECDSA_WITH_SHA256 = der(SEQUENCE, derOid("1.2.840.10045.4.3.2"));
const P256_KEY = der(SEQUENCE, derOid("1.2.840.10045.2.1"), derOid("1.2.840.10045.3.1.7"));
const COMMON_NAME = "2.5.4.3";
const ORGANIZATION = "2.5.4.10";

/** RFC 5280 §4.1, version 3: no authority, for signatures only (digitalSignature, nonRepudiation). */
function certificateOf(host: string, secretKey: Uint8Array, point: Uint8Array, short: Uint8Array): Uint8Array {
  const part = (oid: string, text: string) => der(SET, der(SEQUENCE, derOid(oid), derText(text)));
  // X.520 allows 64 characters of a common name; the whole host is in the alternative name.
  const name = der(SEQUENCE, part(ORGANIZATION, "Moonseal documents"), part(COMMON_NAME, host.slice(0, 64)));
  const critical = Uint8Array.from([0x01, 0x01, 0xff]);
  const extension = (oid: string, value: Uint8Array, ...flag: Uint8Array[]) =>
    der(SEQUENCE, derOid(oid), ...flag, derOctets(value));
  const keyId = sha256(point).subarray(0, 20);
  const extensions = der(
    SEQUENCE,
    extension("2.5.29.19", der(SEQUENCE), critical),
    extension("2.5.29.15", derBits(Uint8Array.from([0xc0]), 6), critical),
    extension("2.5.29.14", derOctets(keyId)),
    extension("2.5.29.17", der(SEQUENCE, der(0x82, utf8(host)))),
  );
  const serial = concatBytes(Uint8Array.from([0x01]), sha256(concatBytes(short, utf8(host))).subarray(0, 15));
  const content = der(
    SEQUENCE,
    ...[der(0xa0, derInteger(Uint8Array.from([2]))), derInteger(serial), ECDSA_WITH_SHA256, name],
    der(SEQUENCE, derUtcTime(FROM), derTime(NO_END)),
    ...[name, der(SEQUENCE, P256_KEY, derBits(point)), der(0xa3, extensions)],
  );
  return der(SEQUENCE, content, ECDSA_WITH_SHA256, derBits(signed(secretKey, content)));
}
