/**
 * A witness of C2SP tlog-witness by itself: nothing of `src/services/witness` is in it. Stricter than the specification: it
 * takes no header but a content type, no byte beside the format, and no checkpoint with more than the log's one signature.
 */

import { sign } from "node:crypto";
import { fromBase64 } from "../../src/core/bytes.ts";
import {
  COSIGNATURE_V1,
  cosignatureMessage,
  cosignerKeyHash,
  formatCosignature,
  formatCosignerKey,
} from "../../src/core/cosignature.ts";
import { checkConsistency } from "../../src/core/merkle/consistency.ts";
import { formatSignatureLine } from "../../src/core/note.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { privateKey, rawPublicKey } from "../../src/crypto/signer.ts";
import { verifyNote } from "../../src/crypto/verify.ts";
import type { WitnessConfig } from "../../src/services/witness/config.ts";

const text = (status: number, body = "", type = "text/plain") =>
  new Response(body, { status, headers: { "Content-Type": type } });
const BODY =
  /^old (0|[1-9]\d*)\n((?:[A-Za-z0-9+/]{43}=\n){0,63})\n(([^\s]+)\n(0|[1-9]\d*)\n([A-Za-z0-9+/]{43}=)\n\n\u2014 \4 [A-Za-z0-9+/]{91}=\n)$/;

export class WitnessDouble {
  readonly config: WitnessConfig;
  readonly url: string;
  /** Everything that came, to the byte. */
  readonly received: { url: string; method: string; headers: [string, string][]; body: string }[] = [];
  /** Verifier keys by origin. */
  readonly logs = new Map<string, string>();
  readonly latest = new Map<string, { size: number; root: Uint8Array; note: string }>();
  /** Answers instead of the witness; null: the witness itself. */
  instead: ((url: string) => Response | Promise<Response> | null) | null = null;
  clock = () => Date.now();
  readonly #seed: Uint8Array;
  readonly #keyHash: Uint8Array;

  constructor(name: string, fill: number, independent = true) {
    this.#seed = new Uint8Array(32).fill(fill);
    const publicKey = rawPublicKey(privateKey(this.#seed));
    this.url = `https://${name}`;
    const verifierKey = formatCosignerKey(sha256, name, publicKey);
    this.#keyHash = cosignerKeyHash(sha256, name, publicKey);
    this.config = {
      name,
      keys: [{ name, keyHash: this.#keyHash, type: COSIGNATURE_V1, publicKey }],
      verifierKeys: [verifierKey],
      verifierKey,
      url: this.url,
      monitoringUrl: this.url,
      independent,
      origins: null,
    };
  }

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const request = new Request(url, init);
    const body = await request.clone().text();
    const headers = [...request.headers] as [string, string][];
    this.received.push({ url, method: request.method, headers, body });
    const instead = await this.instead?.(url);
    if (instead) return instead;
    if (headers.some(([name]) => name !== "content-type")) throw new Error("a witness is sent no other header");
    if (request.method === "GET") return this.#read(url);
    if (url !== `${this.url}/add-checkpoint`) return text(404);
    return this.#add(body);
  };

  cosignature(checkpointText: string, timestamp = Math.floor(this.clock() / 1000)): string {
    const { name } = this.config;
    const keyHash = this.#keyHash;
    const signature = sign(null, Buffer.from(cosignatureMessage(checkpointText, timestamp)), privateKey(this.#seed));
    return formatSignatureLine({ name, keyHash, signature: formatCosignature(timestamp, new Uint8Array(signature)) });
  }

  #read(url: string): Response {
    const found = [...this.latest].find(
      ([origin]) => url === `${this.url}/${Buffer.from(sha256(origin)).toString("hex")}/checkpoint`,
    );
    return found ? text(200, found[1].note) : text(404);
  }

  #add(body: string): Response {
    const [, old = "", proofLines = "", note = "", origin = "", at = "", base64 = ""] = BODY.exec(body) ?? [];
    if (note === "") throw new Error(`a byte of this is not of the format:\n${body}`);
    const key = this.logs.get(origin);
    if (!key) return text(404);
    if (!verifyNote(note, key).ok) return text(403);
    const [oldSize, size, root] = [Number(old), Number(at), fromBase64(base64) ?? new Uint8Array()];
    if (oldSize > size) return text(400);
    const latest = this.latest.get(origin);
    if (oldSize !== (latest?.size ?? 0)) return text(409, `${latest?.size ?? 0}\n`, "text/x.tlog.size");
    const proof = proofLines
      .split("\n")
      .slice(0, -1)
      .map((line) => fromBase64(line) ?? new Uint8Array());
    const grew =
      latest && oldSize > 0 ? checkConsistency(sha256, oldSize, size, proof, latest.root, root) : proof.length === 0;
    if (!grew) return text(422);
    const line = this.cosignature(note.slice(0, note.lastIndexOf("\n\n") + 1));
    this.latest.set(origin, { size, root, note: note + line });
    return text(200, line);
  }
}
