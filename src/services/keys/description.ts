/** What may be said about a tenant's key service: settings, state, and who holds which key. Never a credential, never a key. */
import type { KeyServiceSettings, KeyServiceState } from "../../core/key-service.ts";
import type { KeyServiceRecord, TenantKeyRecord } from "../ports.ts";
import { parseWrappedKey } from "./wrapped-key.ts";

export interface KeyVersionDescription {
  version: number;
  createdAt: string;
  retiredAt: string | null;
  /** The service without which this version does not open; null: it stands raw in the cell. */
  service: number | null;
}

export interface KeyServiceDescription {
  /** The service that wraps new keys; null: none does. */
  active: {
    service: number;
    settings: KeyServiceSettings;
    createdAt: string;
    /** As last seen by any object of the tenant, and when. */
    state: KeyServiceState;
    checkedAt: string;
  } | null;
  /** Ascending. While one of them is raw, what was sealed under it opens without the service. */
  keyVersions: KeyVersionDescription[];
}

export function describeKeyServices(
  services: readonly KeyServiceRecord[],
  keys: readonly TenantKeyRecord[],
): KeyServiceDescription {
  const active = services.find(({ retiredAt }) => retiredAt === null);
  return {
    active: active ? describeOne(active) : null,
    keyVersions: keys.map(({ version, createdAt, retiredAt, material }) => ({
      version,
      createdAt,
      retiredAt,
      service: material.kind === "wrapped" ? parseWrappedKey(material.wrapped).service : null,
    })),
  };
}

/** Field by field, so that the credentials never go out. */
function describeOne({ service, settings, createdAt, state, checkedAt }: KeyServiceRecord) {
  return { service, settings, createdAt, state, checkedAt };
}
