/** The deletions that a cell knows of, and what became of those that are over. */
import type { FinalHead } from "../../core/deletion-certificate.ts";
import { LIMITS } from "../../core/limits.ts";
import type { TenantSweep } from "../ports.ts";

export interface DeletionRecord {
  tenantId: string;
  requestedAt: string;
  /** Null: it runs. */
  finished: { at: string; note: string; heads: FinalHead[] } | null;
}

/** Whether it should be over and is not (S3-44). */
export function isOverdue({ requestedAt, finished }: DeletionRecord, nowMs: number): boolean {
  return finished === null && nowMs > Date.parse(requestedAt) + LIMITS.deletionMs;
}

/**
 * Deletes again what came back of a tenant after its deletion: a database that was set back to an earlier time brings rows
 * back. Bounded; cron comes again. Resolves to whether there was anything.
 */
export async function sweepAgain({ tenantId, finished }: DeletionRecord, sweep: TenantSweep): Promise<boolean> {
  let came = false;
  for (const { domain_id: domainId } of finished?.heads ?? []) {
    if ((await sweep.remainsOfDomain(domainId)).length === 0) continue;
    came = true;
    await sweep.destroySubjectKeys(domainId);
    await sweep.deleteRows(domainId);
    await sweep.deleteArchive(domainId);
  }
  if ((await sweep.remainsOfTenant(tenantId)).length === 0) return came;
  await sweep.destroySubjectKeys(tenantId);
  await sweep.destroyTenantKeys(tenantId);
  await sweep.deleteRecords(tenantId);
  return true;
}
