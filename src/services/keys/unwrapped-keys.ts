/** Keys that a tenant's own key service opened: used from memory for at most 60 s, then asked for again. */
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Clock, TenantKeyRecord } from "../ports.ts";

export type Unwrap = (record: TenantKeyRecord, version: number) => Promise<Uint8Array>;

interface Unwrapped {
  wrapped: string;
  key: Promise<Uint8Array>;
  askedAtMs: number;
}

const KEY_BYTES = 32;

export class UnwrappedKeys {
  readonly #clock: Clock;
  readonly #unwrap: Unwrap;
  readonly #byVersion = new Map<number, Unwrapped>();

  constructor(clock: Clock, unwrap: Unwrap) {
    this.#clock = clock;
    this.#unwrap = unwrap;
  }

  /**
   * The 32 bytes of a wrapped version. One question at a time for each version; a refusal is not remembered. Throws what the
   * key service's client throws, and `keys.unavailable` when it gives something that is no key. A key whose time is over is
   * dropped at the next call for any version.
   */
  keyOf(record: TenantKeyRecord): Promise<Uint8Array> {
    const { version, material } = record;
    if (material.kind !== "wrapped") throw new TypeError("a raw key needs no unwrapping");
    this.#dropOld();
    const known = this.#byVersion.get(version);
    if (known?.wrapped === material.wrapped) return known.key;
    const key = this.#ask(record);
    const asked = { wrapped: material.wrapped, key, askedAtMs: this.#clock() };
    this.#byVersion.set(version, asked);
    key.catch(() => {
      if (this.#byVersion.get(version) === asked) this.#byVersion.delete(version);
    });
    return key;
  }

  forget(): void {
    this.#byVersion.clear();
  }

  async #ask(record: TenantKeyRecord): Promise<Uint8Array> {
    const key = await this.#unwrap(record, record.version);
    if (key.length !== KEY_BYTES)
      throw new AppError("keys.unavailable", { internal: "the key service gave no 32 bytes" });
    return key;
  }

  #dropOld(): void {
    const nowMs = this.#clock();
    for (const [version, { askedAtMs }] of this.#byVersion) {
      const age = nowMs - askedAtMs;
      if (age < 0 || age >= LIMITS.unwrappedKeyMs) this.#byVersion.delete(version);
    }
  }
}
