/** Chunks as a byte stream: the kind of stream that crosses RPC and that a Worker answers with. */

/** Nothing is read before somebody reads; giving up on the stream ends the generator. */
export function byteStream(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) {
        controller.close();
        // A reader that waits with its own buffer is answered once the stream is closed.
        (controller as ReadableByteStreamController).byobRequest?.respond(0);
      } else (controller as ReadableByteStreamController).enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}
