/** What failed in one round of the desk's alarm: one line in the log for each code, however often it came. Codes only. */
import { isAppError } from "../../src/core/errors.ts";

export class RoundFaults {
  readonly #seen = new Map<string, Map<string, number>>();

  /** `part`: of the round, or the kind of the job. */
  note(error: unknown, part: string): void {
    const code = isAppError(error) ? error.code : "unknown";
    const parts = this.#seen.get(code) ?? new Map<string, number>();
    this.#seen.set(code, parts.set(part, (parts.get(part) ?? 0) + 1));
  }

  /** `left`: jobs that are not finished. */
  report(left: number): void {
    for (const [fault, parts] of this.#seen) {
      console.warn(JSON.stringify({ at: "tenant-desk", fault, in: Object.fromEntries(parts), left }));
    }
    this.#seen.clear();
  }
}
