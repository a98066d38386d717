/** `GET /v1/residency`: what was observed about where a cell keeps its data, signed; never what was configured. */
import { canonicalJson } from "../core/canonical.ts";
import type { Jurisdiction } from "../core/ids.ts";
import type { NoteSigner } from "../crypto/signer.ts";

/** First line of the note: the same key signs other documents. */
export const RESIDENCY_LABEL = "moonseal/residency/v1";

export interface Observation {
  observed: string;
  how: string;
  observed_at: string | null;
}

export interface ResidencyReport {
  jurisdiction: Jurisdiction;
  durable_objects: Observation;
  databases: Record<string, Observation>;
  buckets: Record<string, Observation>;
  signer: string;
  note: string;
}

export interface ResidencyProbe {
  jurisdiction: Jurisdiction;
  /** Asked inside an object. Null: the platform names no jurisdiction there. */
  objectJurisdiction: () => Promise<string | null>;
  /** True on a machine that knows no jurisdictions. */
  unpinnedLocal: boolean;
  /** Reaches each store through its binding; rejects when it does not answer. */
  databases: Record<string, () => Promise<unknown>>;
  buckets: Record<string, () => Promise<unknown>>;
  /** What provisioning read back, by the binding's name. */
  provisioned: () => Promise<{ resource: string; jurisdiction: string; readBackAt: string }[]>;
  signer: NoteSigner;
  nowMs: number;
}

export async function residencyReport(probe: ResidencyProbe): Promise<ResidencyReport> {
  const now = new Date(probe.nowMs).toISOString();
  const readBack = new Map((await probe.provisioned()).map((row) => [row.resource, row]));
  const observe = async (stores: ResidencyProbe["databases"]) => {
    const entries = await Promise.all(
      Object.entries(stores).map(async ([name, reach]) => {
        const reached = await reach().then(
          () => true,
          () => false,
        );
        return [name, storeObservation(probe, readBack.get(name), reached, now)] as const;
      }),
    );
    return Object.fromEntries(entries);
  };
  const observedObject = await probe.objectJurisdiction();
  const body = {
    jurisdiction: probe.jurisdiction,
    durable_objects: {
      observed: observedObject ?? (probe.unpinnedLocal ? "unpinned local" : "none"),
      how: "read inside a Durable Object (ctx.id.jurisdiction)",
      observed_at: now,
    },
    databases: await observe(probe.databases),
    buckets: await observe(probe.buckets),
  };
  const { signer } = probe;
  return {
    ...body,
    signer: signer.verifierKey,
    note: signer.sign(`${RESIDENCY_LABEL}\n${canonicalJson({ ...body, at: now })}\n`),
  };
}

function storeObservation(
  probe: ResidencyProbe,
  row: { jurisdiction: string; readBackAt: string } | undefined,
  reached: boolean,
  now: string,
): Observation {
  const through = reached ? `; the binding answered at ${now}` : "; the binding does not answer";
  if (probe.unpinnedLocal) return { observed: "unpinned local", how: `a local simulation${through}`, observed_at: now };
  if (!row) return { observed: "not recorded", how: `provisioning recorded no read-back${through}`, observed_at: null };
  return {
    observed: row.jurisdiction,
    how: `read back from the account when provisioned${through}`,
    observed_at: row.readBackAt,
  };
}
