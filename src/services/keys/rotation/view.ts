/** A tenant's keys and how their rotation goes, for whoever may read it (S3-38). Never a byte of a key. */
import { LIMITS } from "../../../core/limits.ts";
import type { TenantKeyRecord } from "../../ports.ts";
import { parseWrappedKey } from "../wrapped-key.ts";
import type { RotationBook } from "./state.ts";

export interface TenantKeysView {
  /** Ascending. */
  versions: {
    version: number;
    createdAt: string;
    retiredAt: string | null;
    /** Since when nothing is sealed under it, as far as is known. */
    unusedSince: string | null;
    /** When it may be destroyed, unless a legal hold is in force. */
    destroyedAfter: string | null;
    /** The tenant's own service that wraps it; null: none. */
    service: number | null;
  }[];
  /** When the present one is replaced; null: there is no key yet. */
  rotatesAt: string | null;
  rotation: {
    id: string;
    kind: "rotate" | "follow" | "retire";
    version: number;
    startedAt: string;
    values: number;
    keyPages: number;
    unreadable: number;
    domains: number;
    domainsDone: number;
    faults: { domainId: string; fault: string }[];
  } | null;
}

export function tenantKeysView(records: readonly TenantKeyRecord[], book: RotationBook): TenantKeysView {
  const unused = book.unusedSince();
  const newest = records.at(-1);
  const rotation = book.get();
  const domains = book.domains();
  return {
    versions: records.map(({ version, createdAt, retiredAt, material }) => {
      const unusedSince = unused.get(version) ?? null;
      return {
        version,
        createdAt,
        retiredAt,
        unusedSince,
        destroyedAfter: unusedSince && later(unusedSince, LIMITS.tenantKeyKeptMs),
        service: material.kind === "wrapped" ? parseWrappedKey(material.wrapped).service : null,
      };
    }),
    rotatesAt: newest ? later(newest.createdAt, LIMITS.tenantKeyAgeMs) : null,
    rotation: rotation && {
      id: rotation.id,
      kind: rotation.kind,
      version: rotation.version,
      startedAt: rotation.at,
      values: rotation.values,
      keyPages: rotation.pages,
      unreadable: rotation.unreadable,
      domains: domains.length,
      domainsDone: domains.filter(({ clean }) => clean).length,
      faults: domains.flatMap(({ domainId, fault }) => (fault === null ? [] : [{ domainId, fault }])),
    },
  };
}

const later = (at: string, ms: number) => new Date(Date.parse(at) + ms).toISOString();
