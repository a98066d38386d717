/**
 * Types of tenants in the memory of an isolate. Versions never change, so only newer ones are read; that a type was withdrawn is
 * read with them. While the store is away what was read once is used, however old.
 */
import { LIMITS } from "../../core/limits.ts";
import { CompiledVersion, type KnownType, type KnownTypes } from "../intake/schema-check.ts";
import type { Clock } from "../ports.ts";
import type { EventTypeRecord, EventTypeStore, EventTypeVersion, NumberedVersion } from "./ports.ts";

export type TypesOf = (tenantId: string) => Promise<KnownTypes>;

/** Answers from memory for at most `LIMITS.domainCacheMs`. Never rejects: null where nothing was ever read. */
export function knownTypes(store: Pick<EventTypeStore, "after">, clock: Clock): TypesOf {
  const tenants = new Map<string, TenantTypes>();
  const read = async (tenantId: string) => {
    const known = tenants.get(tenantId) ?? new TenantTypes();
    try {
      const { types, versions } = await store.after(tenantId, known.number);
      known.take(types, versions, clock());
      tenants.delete(tenantId);
      tenants.set(tenantId, known);
      forgetOldest(tenants);
    } catch {
      // What is known stays; nothing known is said as that.
    }
  };
  return async (tenantId) => {
    const known = tenants.get(tenantId);
    if (known && clock() - known.readAtMs < LIMITS.domainCacheMs) return known.byAction;
    // Each request reads for itself: a promise of another one never settles when that one is cut off.
    await read(tenantId);
    return tenants.get(tenantId)?.byAction ?? null;
  };
}

/** The ones read longest ago go first; the newest stays whatever its size, which has a limit of its own. */
function forgetOldest(tenants: Map<string, TenantTypes>): void {
  let bytes = 0;
  for (const { bytes: its } of tenants.values()) bytes += its;
  for (const [tenantId, types] of tenants) {
    if (bytes <= LIMITS.eventSchemasKeptBytes || tenants.size === 1) return;
    tenants.delete(tenantId);
    bytes -= types.bytes;
  }
}

/** What a tenant costs in memory besides its schemas, about. Bytes. */
const TENANT_BYTES = 1024;

class TenantTypes {
  byAction: ReadonlyMap<string, KnownType> = new Map();
  /** The highest number of a version that was read. */
  number = 0;
  readAtMs = 0;
  bytes = TENANT_BYTES;
  readonly #versions = new Map<string, EventTypeVersion>();
  readonly #compiled = new Map<string, CompiledVersion>();

  take(types: readonly EventTypeRecord[], versions: readonly NumberedVersion[], nowMs: number) {
    for (const version of versions) {
      this.number = Math.max(this.number, version.number);
      this.#versions.set(`${version.action} ${version.version}`, version);
      this.bytes += JSON.stringify(version).length;
    }
    this.byAction = new Map(
      types.map(({ action, newest, withdrawnAt }) => [
        action,
        { withdrawn: withdrawnAt !== null, newest, version: (version) => this.#compile(`${action} ${version}`) },
      ]),
    );
    this.readAtMs = nowMs;
  }

  #compile(name: string): CompiledVersion | undefined {
    const version = this.#versions.get(name);
    if (!version) return undefined;
    let compiled = this.#compiled.get(name);
    if (!compiled) this.#compiled.set(name, (compiled = new CompiledVersion(version)));
    return compiled;
  }
}
