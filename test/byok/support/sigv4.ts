/**
 * AWS Signature Version 4 by headers, written from AWS's description and on node:crypto, sharing nothing with what the product
 * signs with. For a path of one slash, which is all that KMS has. Runs in Node and in workerd.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

export interface SignedParts {
  method: string;
  /** With its query. */
  path: string;
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>;
  body: string;
}

const sha256Hex = (text: string) => createHash("sha256").update(text, "utf8").digest("hex");
const hmac = (key: Buffer | string, text: string) => createHmac("sha256", key).update(text, "utf8").digest();
const encoded = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

export function canonicalRequest({ method, path, headers, body }: SignedParts, signed: readonly string[]): string {
  const [resource = "/", query = ""] = path.split("?");
  if (resource !== "/" || path.split("?").length > 2) throw new Error("only a path of one slash");
  const parameters = [...new URLSearchParams(query)].map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
  const lines = signed.map((name) => `${name}:${(headers.get(name) ?? "").trim().replace(/ +/g, " ")}\n`);
  const bodyHash = sha256Hex(body);
  const claimed = headers.get("x-amz-content-sha256");
  if (claimed !== undefined && claimed !== bodyHash) throw new Error("the body is not what x-amz-content-sha256 says");
  return [method, resource, parameters.sort().join("&"), lines.join(""), signed.join(";"), bodyHash].join("\n");
}

export function signature(
  parts: SignedParts,
  signed: readonly string[],
  { secret, scope, datetime }: { secret: string; scope: string; datetime: string },
): string {
  const [date = "", region = "", service = "", last = ""] = scope.split("/");
  const toSign = ["AWS4-HMAC-SHA256", datetime, scope, sha256Hex(canonicalRequest(parts, signed))].join("\n");
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), service), last);
  return hmac(key, toSign).toString("hex");
}

export interface Authorization {
  accessKeyId: string;
  scope: string;
  signed: string[];
  signature: string;
}

const FORM =
  /^AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)\/(\d{8}\/[a-z0-9-]+\/[a-z]+\/aws4_request), SignedHeaders=([a-z0-9-]+(?:;[a-z0-9-]+)*), Signature=([0-9a-f]{64})$/;

/** Takes the one spelling that AWS documents; null for every other. */
export function parseAuthorization(header: string): Authorization | null {
  const [, accessKeyId = "", scope = "", signed = "", its = ""] = FORM.exec(header) ?? [];
  if (its === "") return null;
  const names = signed.split(";");
  return names.join() === [...names].sort().join() ? { accessKeyId, scope, signed: names, signature: its } : null;
}

export function signatureIsRight(parts: SignedParts, its: Authorization, secret: string): boolean {
  const datetime = parts.headers.get("x-amz-date") ?? "";
  const right = signature(parts, its.signed, { secret, scope: its.scope, datetime });
  return timingSafeEqual(Buffer.from(right), Buffer.from(its.signature));
}
