/** `Range` of one range of bytes (RFC 9110 §14.2), for downloads that are resumed. */
import { AppError } from "../core/errors.ts";

export interface ByteRange {
  offset: number;
  length: number;
}

/**
 * Null: the whole, which is also the answer to several ranges and to what is no range. Throws `request.range_unsatisfiable` for
 * one that begins behind the end.
 */
export function byteRange(header: string | undefined, size: number): ByteRange | null {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return null;
  if (first !== "" && last !== "" && Number(last) < Number(first)) return null;
  const offset = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  if (offset >= size) {
    throw new AppError("request.range_unsatisfiable", { detail: `the file has ${size} bytes` });
  }
  return { offset, length: end - offset };
}
