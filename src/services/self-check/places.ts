/** Whether a domain's keys are there, and its stores where its cell is. Words of what is wrong; none: nothing is. */
import { isAppError } from "../../core/errors.ts";
import { type Jurisdiction, parseId } from "../../core/ids.ts";
import type { ControlStore, RootStore, SubjectPageStore, TenantKeyStore } from "../ports.ts";

interface KeyPlaces {
  roots: Pick<RootStore, "get">;
  tenantKeys: Pick<TenantKeyStore, "list">;
  subjectPages: Pick<SubjectPageStore, "list">;
}

/**
 * The tenant's root, without which nobody has a pseudonym, and the tenant's key in force, under which the keys of this domain's people
 * lie. `tenantId` null: the domain is not on record. No key leaves this. Throws the store's error.
 */
export async function keyFaults(
  tenantId: string | null,
  domainId: string,
  { roots, tenantKeys, subjectPages }: KeyPlaces,
): Promise<string[]> {
  if (tenantId === null) return [];
  const rootFault = await faultOf(async () => ((await roots.get(tenantId)) === null ? "tenant_root_missing" : null));
  const pages = await subjectPages.list(domainId);
  const keyFault =
    pages.length === 0
      ? null
      : await faultOf(async () =>
          (await tenantKeys.list(tenantId)).some(({ retiredAt }) => retiredAt === null) ? null : "tenant_key_missing",
        );
  return [rootFault, keyFault].filter((fault) => fault !== null);
}

/** What cannot be read as a key is none. */
async function faultOf(look: () => Promise<string | null>): Promise<string | null> {
  try {
    return await look();
  } catch (error) {
    if (isAppError(error) && error.code === "internal") return "key_damaged";
    throw error;
  }
}

/** `observed`: what the platform says of the object that asks. Where the platform knows no jurisdictions, objects and ids tell. */
export async function jurisdictionFaults(
  domainId: string,
  cell: { jurisdiction: Jurisdiction; pinnedTo: Jurisdiction | null },
  observed: string | null,
  provisioned: ControlStore["provisioned"],
): Promise<string[]> {
  if (observed !== cell.pinnedTo) return ["object_elsewhere"];
  const domain = parseId(domainId);
  const elsewhere = domain?.jurisdiction === cell.jurisdiction ? [] : ["domain_elsewhere"];
  const stores = (await provisioned()).filter(({ jurisdiction }) => jurisdiction !== cell.jurisdiction);
  return [...elsewhere, ...stores.map(({ resource }) => `${resource.toLowerCase()}_elsewhere`)];
}
