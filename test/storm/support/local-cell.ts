/** A cell of one's own with a tenant and a domain, for whoever brings no address. */
import { rmSync } from "node:fs";
import path from "node:path";
import type { Jurisdiction } from "../../../src/core/ids.ts";
import { REPOSITORY } from "../../../src/ops/paths.ts";
import { type CellProcess, startCells } from "./cell-process.ts";
import { cellName } from "./plan.ts";
import { type Domain, newDomain, newTenant } from "./story.ts";

export interface LocalCell {
  cell: CellProcess;
  url: string;
  domain: Domain;
  tenant: { tenantId: string; key: string };
}

export interface LocalCellOptions {
  /** A folder of its own; what was there is deleted. */
  state: string;
  segmentEntries: number;
  jurisdiction?: Jurisdiction;
  vars?: Record<string, string>;
  environment?: Record<string, string>;
}

export const storeFor = (name: string) => path.join(REPOSITORY, ".wrangler/storm", name);

export async function startLocalCell(options: LocalCellOptions): Promise<LocalCell> {
  const { state, segmentEntries, jurisdiction = "eu", vars = {}, environment } = options;
  rmSync(state, { recursive: true, force: true });
  const name = cellName(jurisdiction);
  const cell = await startCells({ state, cells: [{ name, jurisdiction, vars }], gateway: false }, environment);
  const url = cell.url(name);
  const tenant = await newTenant(url, jurisdiction);
  return { cell, url, tenant, domain: await newDomain(url, tenant, segmentEntries) };
}
