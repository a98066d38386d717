/**
 * Who a lost log was: by its entry 0, which every log begins with (src/services/log/genesis.ts); where that has expired, by the row of
 * the control database, the checkpoint and the tenant's root.
 */
import { parseCheckpointNote } from "../../core/checkpoint.ts";
import { isJurisdiction } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { parsePayload } from "../../core/payload/payload.ts";
import { FIRST_SHARD } from "../../core/shards.ts";
import type { DomainIdentity, DomainKind, EntryRow } from "../ports.ts";
import { type RestoreDeps, RestoreRefused } from "./ports.ts";

/** Of the rows that were read first. Throws `RestoreRefused`. */
export async function identityOf(first: EntryRow, deps: RestoreDeps): Promise<DomainIdentity> {
  const identity = first.seq === 0 ? byEntryZero(first, deps) : await byTheRest(deps, first.seq);
  if (identity.jurisdiction !== deps.jurisdiction) throw new RestoreRefused("archive_elsewhere", first.seq);
  return identity;
}

const KINDS: readonly DomainKind[] = ["client", "tenant", "platform"];

function byEntryZero(row: EntryRow, { domainId }: RestoreDeps): DomainIdentity {
  const parsed = parsePayload(row.payload);
  const named = (parsed.ok ? parsed.payload.metadata : undefined) ?? {};
  const { genesis, jurisdiction, kind, origin, tenant } = named as Record<string, unknown>;
  const isWhole =
    genesis === row.prevHash &&
    typeof jurisdiction === "string" &&
    isJurisdiction(jurisdiction) &&
    KINDS.includes(kind as DomainKind) &&
    typeof origin === "string" &&
    origin.endsWith(`/${domainId}`) &&
    typeof tenant === "string";
  if (!parsed.ok || !isWhole) throw new RestoreRefused("archive_damaged", row.seq);
  return {
    domainId,
    tenantId: tenant,
    kind: kind as DomainKind,
    jurisdiction,
    origin,
    genesis,
    segmentEntries: LIMITS.segmentEntriesDefault,
    createdAt: parsed.payload.recorded_at,
  };
}

async function byTheRest(deps: RestoreDeps, firstSeq: number): Promise<DomainIdentity> {
  const { domainId, control, mirror, jurisdiction } = deps;
  const domain = await control.domain(domainId);
  const note = await mirror.checkpoint();
  // What the log is called stands nowhere else: of a note that anybody may have put there it is not taken.
  const origin = note === null || !deps.isOurs(note) ? undefined : parseCheckpointNote(note)?.checkpoint.origin;
  const genesis = domain === null ? null : await deps.genesisOf(domain.tenantId);
  // Nothing else says what the log began with.
  if (domain === null || origin === undefined || genesis === null) throw new RestoreRefused("archive_missing", 0);
  if (!origin.endsWith(`/${domainId}`)) throw new RestoreRefused("archive_foreign", firstSeq);
  const { tenantId, kind, segmentEntries, createdAt } = domain;
  return { domainId, tenantId, kind, jurisdiction, origin, genesis, segmentEntries, createdAt };
}

/**
 * The rows without which nobody finds the log. True: the tenant's own was made, now or by a restore of which nothing else is left: a crash
 * before its record would else take with it that a key is to be shown. Throws `RestoreRefused`.
 */
export async function demandKnownTenant(identity: DomainIdentity, deps: RestoreDeps): Promise<boolean> {
  const { control } = deps;
  const { domainId, tenantId, kind, segmentEntries, createdAt, jurisdiction } = identity;
  if (await deps.isDeleted(tenantId)) throw new RestoreRefused("tenant_deleted");
  const known = await control.domain(domainId);
  if (known !== null) {
    if (known.tenantId !== tenantId) throw new RestoreRefused("archive_foreign", 0);
    return kind === "tenant" && (await control.tenant(tenantId))?.name === nameOf(tenantId);
  }
  const shard = (await control.shards(domainId))[0]?.shard ?? FIRST_SHARD;
  const row = { id: domainId, tenantId, kind, segmentEntries, createdAt, settings: {} };
  if ((await control.tenant(tenantId)) === null) {
    if (kind !== "tenant") throw new RestoreRefused("tenant_missing");
    // What it was called stood in the control database alone.
    const tenant = {
      id: tenantId,
      name: nameOf(tenantId),
      jurisdiction,
      tier: "enterprise",
      settings: {},
    } as const;
    await control.addTenant({ ...tenant, tenantDomainId: domainId, createdAt }, { ...row, name: "tenant" }, shard);
    return true;
  }
  await control.addDomain({ ...row, name: kind === "tenant" ? "tenant" : `restored ${domainId}` }, shard);
  return false;
}

const nameOf = (tenantId: string) => `restored ${tenantId}`;
