/** Archives of moved logs in R2 LOG: what was sent, for as long as it is needed, and what is kept of it as evidence. */
import { Buffer } from "node:buffer";
import { toHex } from "../core/bytes.ts";
import { AppError } from "../core/errors.ts";
import { importPrefix, incomingKey, keptKey } from "../core/moving/keys.ts";
import type { ImportStore } from "../services/ports.ts";
import { asking, deleteUnder, unlessThere } from "./r2-asking.ts";

const ask = asking("imports");

export class R2ImportStore implements ImportStore {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async archive(domainId: string, upload: string): Promise<Uint8Array | null> {
    const object = await ask(() => this.#bucket.get(incomingKey(domainId, upload)));
    return object && new Uint8Array(await ask(() => object.arrayBuffer()));
  }

  async part(domainId: string, upload: string, offset: number, length: number): Promise<Uint8Array | null> {
    const range = { offset, length };
    const object = await ask(() => this.#bucket.get(incomingKey(domainId, upload), { range }));
    return object && new Uint8Array(await ask(() => object.arrayBuffer()));
  }

  async keep(domainId: string, manifestHash: string, name: string, bytes: Uint8Array): Promise<void> {
    const key = keptKey(domainId, manifestHash, name);
    const put = await ask(() => this.#bucket.put(key, bytes, unlessThere()));
    if (put) return;
    const there = await ask(() => this.#bucket.get(key));
    const same = there && Buffer.from(await ask(() => there.arrayBuffer())).equals(bytes);
    if (!same) throw new AppError("internal", { internal: "import: other bytes are kept under this name" });
  }

  async clear(domainId: string): Promise<void> {
    await deleteUnder(this.#bucket, `${importPrefix(domainId)}incoming/`, ask);
  }
}

/**
 * Streams an archive into the bucket. `bytes`: its exact length, as announced; more or fewer: `request.invalid`, and nothing is
 * there. Its SHA-256 in lower-case hex.
 */
export async function receiveArchive(
  bucket: R2Bucket,
  { domainId, upload, bytes }: { domainId: string; upload: string; bytes: number },
  body: ReadableStream<Uint8Array>,
): Promise<string> {
  const [one, other] = body.tee();
  const fixed = new FixedLengthStream(bytes);
  const put = Promise.allSettled([
    bucket.put(incomingKey(domainId, upload), fixed.readable),
    one.pipeTo(fixed.writable),
  ]);
  const { sha256, received } = await digestOf(other, bytes);
  const [stored] = await put;
  if (received !== bytes) {
    throw new AppError("request.invalid", {
      errors: [{ pointer: "query:bytes", detail: "must be the length of the archive that is sent" }],
    });
  }
  if (stored.status === "rejected") {
    throw new AppError("storage.unavailable", { internal: "imports: no answer", cause: stored.reason });
  }
  return sha256;
}

/** Reads to the end, or until there are more than `most` bytes. */
async function digestOf(body: ReadableStream<Uint8Array>, most: number): Promise<{ sha256: string; received: number }> {
  const digest = new crypto.DigestStream("SHA-256");
  const writer = digest.getWriter();
  let received = 0;
  for await (const chunk of body) {
    received += chunk.length;
    if (received > most) break;
    await writer.write(chunk);
  }
  await writer.close();
  return { sha256: toHex(new Uint8Array(await digest.digest)), received };
}
