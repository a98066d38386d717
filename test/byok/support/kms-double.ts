/**
 * AWS KMS as far as the product uses it, and stricter: it recomputes each signature by itself, takes no header unsigned and
 * no member that is not asked for, binds ciphertexts to their encryption context, and answers errors in the shapes of KMS.
 * A function from Request to Response, so it also stands in for the network inside workerd.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { parseAuthorization, signatureIsRight } from "./sigv4.ts";

export const REGION = "eu-central-1";
export const KEY_ARN = `arn:aws:kms:${REGION}:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
export const ACCESS_KEY_ID = "AKIAMOONSEALDOUBLE00";
export const SECRET_ACCESS_KEY = "canary/secret+access/key/of/the/kms/double";

const CLOCK_SKEW_MS = 5 * 60 * 1000;
const MUST_BE_SIGNED = ["content-type", "host", "x-amz-date", "x-amz-target"];
const ENCRYPTED_MEMBERS = ["EncryptionContext", "KeyId", "Plaintext"];
const DECRYPTED_MEMBERS = ["CiphertextBlob", "EncryptionContext", "KeyId"];

type Context = Record<string, string>;
type Asked = { KeyId: string; EncryptionContext: Context; Plaintext?: string; CiphertextBlob?: string };

export class KmsDouble {
  /** What the key's owner does with it. */
  keyState: "Enabled" | "Disabled" | "PendingDeletion" = "Enabled";
  policyAllows = true;
  throttled = false;
  broken = false;
  readonly secrets = new Map([[ACCESS_KEY_ID, SECRET_ACCESS_KEY]]);
  /** What was asked for, in order: `Encrypt {context}`. */
  readonly trail: string[] = [];
  readonly #keys = new Map([[KEY_ARN, randomBytes(32)]]);
  readonly #clock: () => number;

  constructor(clock: () => number = Date.now) {
    this.#clock = clock;
  }

  addKey(arn: string): void {
    this.#keys.set(arn, randomBytes(32));
  }

  readonly handle = async (request: Request): Promise<Response> => {
    const body = await request.text();
    if (this.broken) return new Response("<html>503 Service Unavailable</html>", { status: 503 });
    if (this.throttled) return failure("ThrottlingException", "Rate exceeded");
    const refusal = this.#authenticate(request, body);
    if (refusal) return refusal;
    const action = /^TrentService\.(Encrypt|Decrypt)$/.exec(request.headers.get("x-amz-target") ?? "")?.[1];
    if (!action) return failure("UnknownOperationException", "");
    const asked = JSON.parse(body) as Asked;
    const members = Object.keys(asked).sort().join();
    if (members !== (action === "Encrypt" ? ENCRYPTED_MEMBERS : DECRYPTED_MEMBERS).join()) {
      return failure("SerializationException", `Unexpected members ${members}`);
    }
    this.trail.push(`${action} ${JSON.stringify(asked.EncryptionContext)}`);
    return this.#keyRefusal(asked.KeyId) ?? (action === "Encrypt" ? this.#encrypt(asked) : this.#decrypt(asked));
  };

  #authenticate(request: Request, body: string): Response | null {
    const url = new URL(request.url);
    const header = (name: string) => request.headers.get(name) ?? "";
    if (request.method !== "POST" || url.pathname !== "/" || url.search !== "") return failure("InvalidAction", "");
    if (header("content-type") !== "application/x-amz-json-1.1") return failure("UnknownOperationException", "");
    const its = parseAuthorization(header("authorization"));
    if (!its) return failure("IncompleteSignatureException", "Authorization header requires existence of its parts.");
    const date = header("x-amz-date");
    if (its.scope !== `${date.slice(0, 8)}/${REGION}/kms/aws4_request`) {
      return failure("InvalidSignatureException", "Credential should be scoped to a valid region.");
    }
    const sentAt = Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"));
    if (!(Math.abs(this.#clock() - sentAt) <= CLOCK_SKEW_MS)) {
      return failure("InvalidSignatureException", "Signature expired");
    }
    const headers = new Map([...request.headers, ["host", url.host]] as [string, string][]);
    const amazon = [...headers.keys()].filter((name) => name.startsWith("x-amz-"));
    if (![...MUST_BE_SIGNED, ...amazon].every((name) => its.signed.includes(name))) {
      return failure("InvalidSignatureException", "Headers must be signed.");
    }
    const secret = this.secrets.get(its.accessKeyId);
    if (!secret)
      return failure("UnrecognizedClientException", "The security token included in the request is invalid.");
    if (signatureIsRight({ method: request.method, path: "/", headers, body }, its, secret)) return null;
    const message = "The request signature we calculated does not match the signature you provided.";
    return failure("InvalidSignatureException", `${message} Your access key is ${its.accessKeyId}`);
  }

  #keyRefusal(arn: string): Response | null {
    if (!this.#keys.has(arn)) return failure("NotFoundException", `Key '${arn}' does not exist`);
    if (!this.policyAllows) {
      const message = "User: arn:aws:iam::111122223333:user/moonseal is not authorized to perform: kms:Decrypt";
      return failure("AccessDeniedException", message);
    }
    if (this.keyState === "Disabled") return failure("DisabledException", `${arn} is disabled.`);
    if (this.keyState === "PendingDeletion") return failure("KMSInvalidStateException", `${arn} is pending deletion.`);
    return null;
  }

  #encrypt({ KeyId, EncryptionContext, Plaintext = "" }: Asked): Response {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", this.#keys.get(KeyId) as Buffer, nonce);
    cipher.setAAD(contextBytes(EncryptionContext));
    const sealed = Buffer.concat([cipher.update(Buffer.from(Plaintext, "base64")), cipher.final()]);
    const blob = Buffer.concat([digestOf(KeyId), nonce, cipher.getAuthTag(), sealed]);
    return answer({ CiphertextBlob: blob.toString("base64"), KeyId, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" });
  }

  #decrypt({ KeyId, EncryptionContext, CiphertextBlob = "" }: Asked): Response {
    const blob = Buffer.from(CiphertextBlob, "base64");
    const arn = [...this.#keys.keys()].find((candidate) => digestOf(candidate).equals(blob.subarray(0, 32)));
    if (arn !== undefined && arn !== KeyId) {
      return failure(
        "IncorrectKeyException",
        "The key ID in the request does not identify a CMK that can perform this",
      );
    }
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.#keys.get(KeyId) as Buffer, blob.subarray(32, 44));
      decipher.setAAD(contextBytes(EncryptionContext));
      decipher.setAuthTag(blob.subarray(44, 60));
      const key = Buffer.concat([decipher.update(blob.subarray(60)), decipher.final()]);
      return answer({ Plaintext: key.toString("base64"), KeyId, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" });
    } catch {
      // KMS says nothing but the type.
      return failure("InvalidCiphertextException", null);
    }
  }
}

const digestOf = (arn: string) => createHash("sha256").update(arn).digest();
const contextBytes = (context: Context) => Buffer.from(JSON.stringify(Object.entries(context).sort()));

function answer(members: object, status = 200): Response {
  const headers = { "Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": crypto.randomUUID() };
  return new Response(JSON.stringify(members), { status, headers });
}

function failure(type: string, message: string | null): Response {
  return answer({ __type: type, ...(message === null ? {} : { message }) }, 400);
}
