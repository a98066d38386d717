/**
 * AWS KMS as a tenant's key service: Encrypt and Decrypt (JSON 1.1), signed with SigV4. The tenant and the key version are the
 * encryption context, which AWS binds to the ciphertext and writes into the tenant's CloudTrail; the key is pinned by its ARN
 * in both directions. Retries are the caller's: aws4fetch only signs here.
 */
import { AwsV4Signer } from "aws4fetch";
import { fromBase64, toBase64 } from "../../core/bytes.ts";
import { addressOf, KeyServiceFailure, type KeyServiceSettings } from "../../core/key-service.ts";
import { LIMITS } from "../../core/limits.ts";
import type { KeyService } from "../../services/ports.ts";
import { exchange, membersOf, noAnswer, type ServiceAnswer, type Wire } from "./exchange.ts";

type Settings = Extract<KeyServiceSettings, { kind: "aws_kms" }>;
type Credentials = { access_key_id: string; secret_access_key: string };

const KEY_BYTES = 32;

export class AwsKmsKeyService implements KeyService {
  readonly #settings: Settings;
  readonly #credentials: Credentials;
  readonly #wire: Wire;

  constructor(settings: Settings, credentials: Credentials, wire: Wire) {
    this.#settings = settings;
    this.#credentials = credentials;
    this.#wire = wire;
  }

  async wrap(tenantId: string, key: Uint8Array, version: number): Promise<string> {
    const { CiphertextBlob } = await this.#call("Encrypt", tenantId, version, { Plaintext: toBase64(key) });
    const bytes = typeof CiphertextBlob === "string" ? fromBase64(CiphertextBlob) : null;
    if (bytes && bytes.length > 0 && toBase64(bytes).length <= LIMITS.wrappedKeyChars) return toBase64(bytes);
    throw noAnswer("it gave no ciphertext");
  }

  async unwrap(tenantId: string, wrapped: string, version: number): Promise<Uint8Array> {
    const { Plaintext } = await this.#call("Decrypt", tenantId, version, { CiphertextBlob: wrapped });
    const bytes = typeof Plaintext === "string" ? fromBase64(Plaintext) : null;
    if (bytes?.length === KEY_BYTES) return bytes;
    throw noAnswer("it gave no key of 32 bytes");
  }

  async #call(
    action: "Encrypt" | "Decrypt",
    tenantId: string,
    version: number,
    asked: object,
  ): Promise<{ [name: string]: unknown }> {
    const KeyId = this.#settings.key_arn;
    const EncryptionContext = { "moonseal:tenant": tenantId, "moonseal:key-version": String(version) };
    const body = JSON.stringify({ KeyId, EncryptionContext, ...asked });
    const answer = await exchange(await this.#signed(action, body), this.#wire);
    if (answer.status !== 200) throw failureOf(answer);
    const members = membersOf(answer.text);
    if (members.KeyId !== KeyId) throw noAnswer("it answered for another key");
    return members;
  }

  async #signed(action: string, body: string) {
    const url = `${addressOf(this.#settings).replace(/\/+$/, "")}/`;
    const signer = new AwsV4Signer({
      method: "POST",
      url,
      // All of them are signed, also the content type.
      headers: { "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": `TrentService.${action}` },
      allHeaders: true,
      body,
      service: "kms",
      region: this.#settings.region,
      accessKeyId: this.#credentials.access_key_id,
      secretAccessKey: this.#credentials.secret_access_key,
    });
    const { headers } = await signer.sign();
    return { url, headers: Object.fromEntries(headers), body };
  }
}

/**
 * By the type of the error, which KMS gives in `__type` with or without a name space; its message may name the tenant's
 * account and is not repeated. A type that is not known here: by the status.
 */
function failureOf({ status, headers, text }: ServiceAnswer): KeyServiceFailure {
  const type = typeOf(text, headers);
  const known = FAILURES.get(type ?? "");
  const [fault, words] = known ?? byStatus(status);
  return new KeyServiceFailure(fault, words, { internal: `AWS KMS: ${known ? type : "another error"}, ${status}` });
}

function typeOf(text: string, headers: Headers): string | null {
  let named: unknown = headers.get("x-amzn-errortype");
  try {
    named = membersOf(text).__type ?? named;
  } catch {
    // A load balancer in front of KMS answers in HTML.
  }
  return typeof named === "string" ? (/(?:^|#)([A-Za-z]{1,64})(?::|$)/.exec(named)?.[1] ?? null) : null;
}

type Failure = readonly ["refused" | "no_answer", string];

const byStatus = (status: number): Failure =>
  status === 401 || status === 403
    ? ["refused", `it does not allow the call (status ${status})`]
    : status >= 500 || status === 429 || status < 400
      ? ["no_answer", `it has a fault of its own (status ${status})`]
      : ["refused", `it does not accept the request (status ${status})`];

const DENIED: Failure = ["refused", "its policy does not allow us to use the key"];
const CREDENTIALS: Failure = ["refused", "it does not accept the access key"];
const CIPHERTEXT: Failure = ["refused", "what it had wrapped does not open under this key, tenant and version"];
const BUSY: Failure = ["no_answer", "it is too busy"];
const FAULTY: Failure = ["no_answer", "it has a fault of its own"];

/** KMS API reference (Encrypt, Decrypt, common errors); SigV4's own. */
const FAILURES: ReadonlyMap<string, Failure> = new Map<string, Failure>([
  ["DisabledException", ["refused", "the key is disabled there"]],
  ["KMSInvalidStateException", ["refused", "the key is about to be deleted there, or not ready for use"]],
  ["NotFoundException", ["refused", "the key does not exist there"]],
  ["InvalidKeyUsageException", ["refused", "the key is not a symmetric key for encryption"]],
  ["AccessDeniedException", DENIED],
  ["AccessDenied", DENIED],
  ["InvalidGrantTokenException", DENIED],
  ["OptInRequired", DENIED],
  ["UnrecognizedClientException", CREDENTIALS],
  ["InvalidClientTokenId", CREDENTIALS],
  ["InvalidSignatureException", CREDENTIALS],
  ["SignatureDoesNotMatch", CREDENTIALS],
  ["IncompleteSignature", CREDENTIALS],
  ["MissingAuthenticationToken", CREDENTIALS],
  ["ExpiredTokenException", CREDENTIALS],
  ["RequestExpired", CREDENTIALS],
  ["InvalidCiphertextException", CIPHERTEXT],
  ["IncorrectKeyException", CIPHERTEXT],
  ["ThrottlingException", BUSY],
  ["LimitExceededException", BUSY],
  ["RequestLimitExceeded", BUSY],
  ["KMSInternalException", FAULTY],
  ["KeyUnavailableException", FAULTY],
  ["DependencyTimeoutException", FAULTY],
  ["InternalFailure", FAULTY],
  ["ServiceUnavailable", FAULTY],
]);
