/** Opaque cursors: where a list or a run goes on, bound to what it was asked of. */

import { fromBase64, toBase64, utf8 } from "../core/bytes.ts";
import { AppError } from "../core/errors.ts";

/** Encodes a plain JSON value; `kind` and `owner` tie the cursor to one route of one domain or list. */
export function encodeCursor(kind: string, owner: string, state: object | string): string {
  const json = JSON.stringify([kind, owner, state]);
  return toBase64(utf8(json)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The state of an untrusted cursor as `read` accepts it. Throws `request.invalid`, naming `pointer`, for anything else. */
export function decodeCursor<T>(
  cursor: string,
  kind: string,
  owner: string,
  read: (state: unknown) => T | null,
  pointer = "query:cursor",
): T {
  const padded = cursor
    .replaceAll("-", "+")
    .replaceAll("_", "/")
    .padEnd(Math.ceil(cursor.length / 4) * 4, "=");
  const bytes = fromBase64(padded);
  try {
    const [cursorKind, cursorOwner, state] = JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes ?? utf8("")),
    );
    const value = cursorKind === kind && cursorOwner === owner ? read(state) : null;
    if (value !== null) return value;
  } catch {
    // Not one of ours: the same answer as for one that belongs elsewhere.
  }
  throw new AppError("request.invalid", {
    errors: [{ pointer, detail: "is not a cursor of this list" }],
  });
}
