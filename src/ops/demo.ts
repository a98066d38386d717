/** A demo tenant with one domain in each jurisdiction, made once and kept over restarts. */
import { existsSync, readFileSync } from "node:fs";
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import { expectStatus, type LocalApi } from "./local-api.ts";
import { localPaths } from "./paths.ts";
import { writePrivateFile } from "./private-file.ts";

export interface Demo {
  tenantId: string;
  tenantName: string;
  domainId: string;
  domainName: string;
  key: string;
}
export type Demos = Record<Jurisdiction, Demo>;

const DOMAIN_NAME = "demo";

/** The remembered demos; one that the cell no longer knows (its state was deleted) is made again. */
export async function ensureDemos(
  root: string,
  api: LocalApi,
  operatorSecrets: Record<Jurisdiction, string>,
): Promise<Demos> {
  const known = readDemos(root);
  const made = await Promise.all(
    JURISDICTIONS.map(async (jurisdiction) => {
      const kept = known[jurisdiction];
      const usable = kept !== undefined && (await isUsable(api, kept));
      return [jurisdiction, usable ? kept : await createDemo(api, jurisdiction, operatorSecrets[jurisdiction])];
    }),
  );
  const demos = Object.fromEntries(made) as Demos;
  writePrivateFile(localPaths(root).demo, `${JSON.stringify(demos, null, 2)}\n`);
  return demos;
}

export function readDemos(root: string): Partial<Demos> {
  const { demo } = localPaths(root);
  if (!existsSync(demo)) return {};
  try {
    return JSON.parse(readFileSync(demo, "utf8")) as Partial<Demos>;
  } catch {
    return {};
  }
}

async function isUsable(api: LocalApi, { tenantId, domainId, key }: Demo): Promise<boolean> {
  const whoami = await api.get("/v1/whoami", key);
  if (whoami.status !== 200 || whoami.body.tenant_id !== tenantId) return false;
  return (await api.get(`/v1/domains/${domainId}`, key)).status === 200;
}

async function createDemo(api: LocalApi, jurisdiction: Jurisdiction, operatorSecret: string): Promise<Demo> {
  const place = jurisdiction.toUpperCase();
  const name = `Demo ${place}`;
  const tenant = await api.post("/v1/tenants", operatorSecret, { name, jurisdiction, tier: "enterprise" });
  const created = expectStatus(`creating the tenant ${name}`, 201, tenant);
  const key: string = created.api_key.key;
  const domain = await api.post(`/v1/tenants/${created.tenant.id}/domains`, key, { name: DOMAIN_NAME });
  const { id: domainId } = expectStatus(`creating a domain of ${name}`, 201, domain);
  return { tenantId: created.tenant.id, tenantName: name, domainId, domainName: DOMAIN_NAME, key };
}
