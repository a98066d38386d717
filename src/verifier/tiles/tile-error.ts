/** Why a tree cannot be read. `wrong`: what was served does not belong to the root; `missing`: it was not served. */
export class TileError extends Error {
  override name = "TileError";
  readonly reason: "missing" | "wrong";
  /** The path that was asked for (C2SP tlog-tiles). */
  readonly path: string;

  constructor(reason: "missing" | "wrong", path: string, message: string) {
    super(message);
    this.reason = reason;
    this.path = path;
  }
}
