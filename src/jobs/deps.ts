/** What a cron job is given. */
import type { cellDesk } from "../../durable-objects/gates.ts";
import type { PingKind } from "../services/dead-man/ping.ts";
import type { JobName } from "../services/dead-man/table.ts";

export interface JobDeps {
  desk: ReturnType<typeof cellDesk>;
  /** Resolves to why it did not arrive; null: it did, or nobody is to be told. Never throws. */
  ping(job: JobName, kind: PingKind, told: { run: string; code?: string | null }): Promise<string | null>;
  uuid: () => string;
}

/** Throws what the job fails with. */
export type JobWork = (deps: JobDeps) => Promise<unknown>;
