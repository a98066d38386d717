/** The body of an answer that goes on and on: read until it breaks off, and believed to be lost when it falls silent. */

export interface Watchdog {
  heard(): void;
  stop(): void;
}

/** Calls `silent` when nothing was heard for `ms`. */
export function watchdog(ms: number, silent: () => void): Watchdog {
  let timer = setTimeout(silent, ms);
  const stop = () => clearTimeout(timer);
  const heard = () => {
    stop();
    timer = setTimeout(silent, ms);
  };
  return { heard, stop };
}

/** The chunks of a body; what breaks it off is thrown as `failed` says. Whoever stops reading lets go of the connection. */
export async function* untilBroken(
  body: AsyncIterable<Uint8Array>,
  watch: Watchdog,
  failed: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) {
      // While the reader is busy with a chunk nobody listens for the next one.
      watch.stop();
      yield chunk;
      watch.heard();
    }
  } catch (error) {
    throw failed(error);
  } finally {
    watch.stop();
  }
}
