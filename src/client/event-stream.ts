/** Reads server-sent events (WHATWG HTML §9.2.6) out of untrusted bytes. */

export interface StreamEvent {
  type: string;
  /** Null: the block carried no data. To a reader that is no event, but it may move the last id. */
  data: string | null;
  /** The last id that the stream has named, up to and with this block; empty before the first. */
  lastId: string;
}

/** Of one event that is not whole yet: a server that never ends one must not fill the memory. Characters. */
const MAX_EVENT_CHARS = 8 * 1024 * 1024;

/** Events in order; throws for one that is too long. What stands behind the last empty line was cut off and is no event. */
export async function* eventsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  let lastId = "";
  let block = emptyBlock();
  for await (const line of linesOf(chunks)) {
    if (line === "") {
      yield { type: block.type, data: block.data.length === 0 ? null : block.data.join("\n"), lastId };
      block = emptyBlock();
      continue;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") block.data.push(value);
    else if (field === "event") block.type = value;
    else if (field === "id" && !value.includes("\0")) lastId = value;
    block.chars += line.length;
    if (block.chars > MAX_EVENT_CHARS) throw new Error("an event is too long");
  }
}

const emptyBlock = () => ({ type: "message", data: [] as string[], chars: 0 });

/** Lines end with CR LF, LF or CR; a byte order mark at the beginning is none of the first. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    // A CR at the end may be half of a CR LF.
    const held = rest.endsWith("\r") ? rest.slice(-1) : "";
    const lines = rest.slice(0, rest.length - held.length).split(/\r\n|\n|\r/);
    rest = `${lines.pop() ?? ""}${held}`;
    yield* lines;
    if (rest.length > MAX_EVENT_CHARS) throw new Error("a line is too long");
  }
}
