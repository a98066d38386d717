/** What a run consists of: which Workers, with which settings, over which files. */
import type { Jurisdiction } from "../../../src/core/ids.ts";
import { testBindings } from "../../support/bindings.ts";

/** One cell's Worker. Two cells of one jurisdiction share its databases and buckets, never its objects. */
export interface CellPlan {
  /** Of the Worker: its objects' files lie under this name. */
  name: string;
  jurisdiction: Jurisdiction;
  vars?: Record<string, string>;
  /** Settings and secrets instead of those that tests share. */
  settings?: Record<string, string>;
}

export interface RunPlan {
  /** The folder of databases, buckets and objects. */
  state: string;
  cells: CellPlan[];
  /** Whether a gateway stands in front. It needs the cells `moonseal-cell-eu` and `moonseal-cell-us`. */
  gateway: boolean;
}

export const cellName = (jurisdiction: Jurisdiction) => `moonseal-cell-${jurisdiction}`;
export const settingsOf = ({ jurisdiction, vars, settings }: CellPlan): Record<string, string> => ({
  JURISDICTION: jurisdiction,
  ...(settings ?? testBindings(jurisdiction)),
  ...vars,
});

export const OBJECT_CLASSES = {
  DOMAIN_LOG: "DomainLog",
  DOMAIN_KEEPER: "DomainKeeper",
  TENANT_DESK: "TenantDesk",
  CELL_DESK: "CellDesk",
  RATE_DESK: "RateDesk",
  WITNESS_LOG: "WitnessLog",
} as const;
export type ObjectBinding = keyof typeof OBJECT_CLASSES;

export const DATABASES = ["CONTROL", "LEDGER_00"] as const;
export type Database = (typeof DATABASES)[number];
export const databaseId = (database: Database, jurisdiction: Jurisdiction) =>
  `local-moonseal-${database.toLowerCase().replace("_", "-")}-${jurisdiction}`;

export const BUCKETS = ["LOG", "KEYS"] as const;
export type Bucket = (typeof BUCKETS)[number];
export const bucketName = (bucket: Bucket, jurisdiction: Jurisdiction) =>
  `moonseal-${bucket.toLowerCase()}-${jurisdiction}`;
