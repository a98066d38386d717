/**
 * Collects broken promises. A double that sees one throws into the code under test, which may swallow it: so the first one
 * is kept here, and whoever drives the run asks after every step.
 */
export class Violation extends Error {
  override readonly name = "Violation";
}

export class Referee {
  #first: Violation | null = null;

  fail(message: string): never {
    const violation = new Violation(message);
    this.#first ??= violation;
    throw violation;
  }

  demand(holds: boolean, message: () => string): void {
    if (!holds) this.fail(message());
  }

  get violation(): Violation | null {
    return this.#first;
  }

  /** Throws the first violation, if there was one. */
  check(): void {
    if (this.#first) throw this.#first;
  }
}

/** No code may change what it was handed or what it handed out. Bytes cannot be frozen: the doubles copy them. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
