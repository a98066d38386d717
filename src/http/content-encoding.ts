/**
 * Bodies that come compressed (RFC 9110 §8.4). They are decompressed piece by piece as they are read, so that nobody makes more
 * memory of a small body than one piece and the decoder's window: gzip 32 KiB, zstd `LIMITS.zstdWindowLog` (RFC 9659), nor more
 * work than `LIMITS.inflatedRatio` times what was sent.
 */
import { Readable, type Transform } from "node:stream";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import type { Context } from "hono";
import { AppError } from "../core/errors.ts";
import { LIMITS } from "../core/limits.ts";
import { bodyError, readText } from "./body.ts";
import type { HttpEnv } from "./environment.ts";

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  zstd: () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: LIMITS.zstdWindowLog } }),
};
export const CONTENT_ENCODINGS = ["identity", "gzip", "zstd"] as const;

/** The pieces of a body as they come. Ends with `request.malformed` where the body is not what its encoding says. */
export interface BodyPieces extends AsyncIterator<Uint8Array> {
  /** Reads no further; never waits. */
  cancel(): void;
}

/** Throws `request.unsupported_media_type` for an encoding that is not offered, and for more than one. */
export function bodyPieces(c: Context<HttpEnv>): BodyPieces {
  const decoder = decoderOf(c);
  const reader = (c.req.raw.body ?? new Blob([]).stream()).getReader();
  const cancelBody = () => void reader.cancel().catch(() => {});
  if (!decoder) return { next: async () => resultOf(await reader.read()), cancel: cancelBody };
  const plain = decoder();
  const sent = { byteLength: 0 };
  let byteLength = 0;
  void feed(reader, plain, sent);
  const pieces = plain[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return {
    async next() {
      const came = await pieces.next().catch(() => {
        throw bodyError("request.malformed", "the body is not what Content-Encoding says, or ends too early");
      });
      byteLength += came.done ? 0 : came.value.length;
      if (byteLength > Math.max(LIMITS.inflatedFreeBytes, sent.byteLength * LIMITS.inflatedRatio)) {
        throw bodyError(
          "request.too_large",
          `the body becomes more than ${LIMITS.inflatedRatio} times as long, decompressed`,
        );
      }
      return came;
    },
    cancel() {
      plain.destroy();
      cancelBody();
    },
  };
}

/** The body's text, decompressed. Throws `request.too_large` as soon as it is longer than `maxBytes`. */
export async function readEncodedText(c: Context<HttpEnv>, maxBytes: number): Promise<string> {
  if (!decoderOf(c)) return readText(c, maxBytes);
  const tooLarge = () => bodyError("request.too_large", `the body may have ${maxBytes} bytes, decompressed`);
  if (Number(c.req.header("Content-Length") ?? 0) > maxBytes) throw tooLarge();
  const pieces = bodyPieces(c);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  let byteLength = 0;
  try {
    for (let came = await pieces.next(); !came.done; came = await pieces.next()) {
      byteLength += came.value.length;
      if (byteLength > maxBytes) throw tooLarge();
      text += decoder.decode(came.value, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw bodyError("request.malformed", "the body is not UTF-8");
    throw error;
  } finally {
    pieces.cancel();
  }
}

function decoderOf(c: Context<HttpEnv>): (() => Transform) | null {
  const encoding = (c.req.header("Content-Encoding") ?? "").trim().toLowerCase();
  if (encoding === "" || encoding === "identity") return null;
  const decoder = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (decoder) return decoder;
  throw new AppError("request.unsupported_media_type", {
    errors: [{ pointer: "header:Content-Encoding", detail: `must be one of ${CONTENT_ENCODINGS.join(", ")}` }],
  });
}

/** Waits where the decoder has enough; counts in `sent`. A body that breaks off breaks the decoder too. */
async function feed(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  plain: Transform,
  sent: { byteLength: number },
): Promise<void> {
  const body = async function* () {
    for (let came = await reader.read(); !came.done; came = await reader.read()) {
      sent.byteLength += came.value.length;
      yield came.value;
    }
  };
  const source = Readable.from(body());
  source.on("error", (error) => plain.destroy(error));
  source.pipe(plain);
}

const resultOf = ({ done, value }: { done: boolean; value?: Uint8Array | undefined }): IteratorResult<Uint8Array> =>
  done || value === undefined ? { done: true, value: undefined } : { done: false, value };
