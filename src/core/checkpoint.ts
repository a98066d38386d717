/** C2SP tlog-checkpoint: origin, tree size and root as the text of a signed note. Extension lines are never written. */
import { fromBase64, toBase64 } from "./bytes.ts";
import { type Note, parseNote } from "./note.ts";
import { HASH_BYTES } from "./sha256.ts";

export interface Checkpoint {
  /** `<log host>/<domain id>`, without LF. */
  origin: string;
  size: number;
  root: Uint8Array;
}

/** The text of the note; ends with LF. Throws on what no reader would accept. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  if (!ORIGIN.test(origin)) throw new RangeError("an origin is one line");
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError("a tree has 0 to 2^53-1 leaves");
  if (root.length !== HASH_BYTES) throw new RangeError("a root has 32 bytes");
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/**
 * Reads the text of a note; null for any other spelling. Extension lines are accepted, as the specification demands, and
 * handed out: nothing is said about them.
 */
export function parseCheckpoint(text: string): (Checkpoint & { extensions: string[] }) | null {
  if (!text.endsWith("\n")) return null;
  const [origin = "", sizeLine = "", rootLine = "", ...extensions] = text.slice(0, -1).split("\n");
  const size = parseDecimal(sizeLine);
  const root = fromBase64(rootLine);
  if (!ORIGIN.test(origin) || size === null || root?.length !== HASH_BYTES) return null;
  if (extensions.some((line) => line === "")) return null;
  return { origin, size, root, extensions };
}

/** The same for the whole note. No signature is checked. */
export function parseCheckpointNote(note: string): { note: Note; checkpoint: Checkpoint } | null {
  const parsed = parseNote(note);
  const checkpoint = parsed && parseCheckpoint(parsed.text);
  return parsed && checkpoint ? { note: parsed, checkpoint } : null;
}

/** A number from 0 to 2^53-1 in its one spelling; null for `""`, `007`, `+7`, 2^63. */
export function parseDecimal(text: string): number | null {
  const value = /^(?:0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : null;
}

const ORIGIN = /^[^\s\p{Cc}]+$/u;
