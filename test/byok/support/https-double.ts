/**
 * A tenant's key service after docs/key-service-protocol.md, and stricter: no member and no header more or less than the
 * document says. A function from Request to Response.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

export const TOKEN = "canary-token-of-the-https-double";

export class HttpsDouble {
  revoked = false;
  /** Answered instead, when set. */
  status: number | null = null;
  token = TOKEN;
  readonly trail: string[] = [];
  readonly #key = randomBytes(32);

  readonly handle = async (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname;
    const body = await request.text();
    if (request.method !== "POST" || request.headers.get("content-type") !== "application/json") {
      return new Response(null, { status: 400 });
    }
    if (request.headers.get("authorization") !== `Bearer ${this.token}`) return words(401, this.token);
    if (this.status !== null) return words(this.status, "the service's own words");
    if (this.revoked) return words(403, `revoked, ${body}`);
    const asked = JSON.parse(body) as { tenant: string; version: number; key?: string; wrapped?: string };
    this.trail.push(`${path} ${asked.tenant} ${asked.version}`);
    const members = Object.keys(asked).join();
    if (path.endsWith("/v1/wrap") && members === "tenant,version,key") return this.#wrap(asked);
    if (path.endsWith("/v1/unwrap") && members === "tenant,version,wrapped") return this.#unwrap(asked);
    return new Response(null, { status: 404 });
  };

  #wrap({ tenant, version, key = "" }: { tenant: string; version: number; key?: string }): Response {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(Buffer.from(`${tenant}\n${version}`));
    const sealed = Buffer.concat([cipher.update(Buffer.from(key, "base64")), cipher.final()]);
    return Response.json({ wrapped: Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64") });
  }

  #unwrap({ tenant, version, wrapped = "" }: { tenant: string; version: number; wrapped?: string }): Response {
    const blob = Buffer.from(wrapped, "base64");
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.#key, blob.subarray(0, 12));
      decipher.setAAD(Buffer.from(`${tenant}\n${version}`)).setAuthTag(blob.subarray(12, 28));
      const key = Buffer.concat([decipher.update(blob.subarray(28)), decipher.final()]);
      return Response.json({ key: key.toString("base64") });
    } catch {
      return words(400, "does not open");
    }
  }
}

const words = (status: number, text: string) => Response.json({ error: text }, { status });
