/** A passkey's authenticator in software (WebAuthn Level 3): ES256 keys, `none` attestation, and every lie that a test asks it for. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type {
  AuthenticationResponseJSON,
  RegistrationResponseJSON,
} from "../../src/services/access/factors/passkeys.ts";

export interface Lies {
  origin?: string;
  rpId?: string;
  challenge?: string;
  type?: string;
  /** Instead of one more than before. */
  counter?: number;
  userPresent?: boolean;
  /** Signs with a key that is not the passkey's. */
  otherKey?: boolean;
}

export class SoftwareAuthenticator {
  readonly id = randomBytes(32).toString("base64url");
  counter = 0;
  readonly #origin: string;
  readonly #rpId: string;
  readonly #key: KeyObject;
  readonly #publicKey: KeyObject;

  constructor(origin: string, rpId = new URL(origin).hostname) {
    this.#origin = origin;
    this.#rpId = rpId;
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#key = privateKey;
    this.#publicKey = publicKey;
  }

  register(challenge: string, lies: Lies = {}): RegistrationResponseJSON {
    const id = Buffer.from(this.id, "base64url");
    const attested = Buffer.concat([Buffer.alloc(16), uint16(id.length), id, coseKey(this.#publicKey)]);
    const authData = Buffer.concat([this.#authData(lies, 0x40), attested]);
    const attestationObject = cborMap([
      ["fmt", cborText("none")],
      ["attStmt", cborMap([])],
      ["authData", cborBytes(authData)],
    ]);
    return {
      id: this.id,
      rawId: this.id,
      type: "public-key",
      clientExtensionResults: {},
      response: {
        clientDataJSON: this.#clientData("webauthn.create", challenge, lies).toString("base64url"),
        attestationObject: attestationObject.toString("base64url"),
        transports: ["internal"],
      },
    };
  }

  assert(challenge: string, lies: Lies = {}): AuthenticationResponseJSON {
    this.counter = lies.counter ?? this.counter + 1;
    const authData = this.#authData(lies, 0);
    const clientData = this.#clientData("webauthn.get", challenge, lies);
    const signed = Buffer.concat([authData, createHash("sha256").update(clientData).digest()]);
    const key = lies.otherKey ? generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey : this.#key;
    return {
      id: this.id,
      rawId: this.id,
      type: "public-key",
      clientExtensionResults: {},
      response: {
        clientDataJSON: clientData.toString("base64url"),
        authenticatorData: authData.toString("base64url"),
        signature: sign("sha256", signed, key).toString("base64url"),
      },
    };
  }

  #clientData(type: string, challenge: string, lies: Lies): Buffer {
    const said = {
      type: lies.type ?? type,
      challenge: lies.challenge ?? challenge,
      origin: lies.origin ?? this.#origin,
    };
    return Buffer.from(JSON.stringify({ ...said, crossOrigin: false }));
  }

  #authData(lies: Lies, flags: number): Buffer {
    const rpIdHash = createHash("sha256")
      .update(lies.rpId ?? this.#rpId)
      .digest();
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(this.counter);
    return Buffer.concat([rpIdHash, Buffer.of(flags | (lies.userPresent === false ? 0 : 0x01)), counter]);
  }
}

const uint16 = (n: number) => Buffer.of(n >> 8, n & 255);

/** RFC 9052 §7.1: EC2, ES256, P-256. */
function coseKey(key: KeyObject): Buffer {
  const { x, y } = key.export({ format: "jwk" }) as { x: string; y: string };
  return Buffer.concat([
    Buffer.of(0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21),
    cborBytes(Buffer.from(x, "base64url")),
    Buffer.of(0x22),
    cborBytes(Buffer.from(y, "base64url")),
  ]);
}

const cborText = (text: string) => Buffer.concat([Buffer.of(0x60 | text.length), Buffer.from(text)]);
const cborBytes = (bytes: Buffer) =>
  Buffer.concat([
    bytes.length < 256 ? Buffer.of(0x58, bytes.length) : Buffer.of(0x59, bytes.length >> 8, bytes.length & 255),
    bytes,
  ]);
const cborMap = (pairs: [string, Buffer][]) =>
  Buffer.concat([Buffer.of(0xa0 | pairs.length), ...pairs.flatMap(([name, value]) => [cborText(name), value])]);
