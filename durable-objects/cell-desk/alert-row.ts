/** A row of the table `alert` of the cell desk's SQLite. */
import type { AlertRecord } from "../../src/services/alerts/alert.ts";

export type AlertRow = {
  id: string;
  kind: string;
  domain_id: string | null;
  job: string | null;
  codes: string;
  opened_ms: number;
  last_ms: number;
  count: number;
  resolved_ms: number | null;
};

/** Of none but this table. */
export const ALERT_COLUMNS = "id, kind, domain_id, job, codes, opened_ms, last_ms, count, resolved_ms";

export function recordOf({
  kind,
  domain_id,
  job,
  codes,
  opened_ms,
  last_ms,
  resolved_ms,
  id,
  count,
}: AlertRow): AlertRecord {
  return {
    ...{ id, kind: kind as AlertRecord["kind"], codes: JSON.parse(codes), count },
    ...(domain_id === null ? {} : { domainId: domain_id }),
    ...(job === null ? {} : { job }),
    ...{ openedMs: opened_ms, lastMs: last_ms, resolvedMs: resolved_ms },
  };
}
