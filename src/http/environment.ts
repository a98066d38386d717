/** What every request of a cell carries: the services, and who asks. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ShardRange } from "../core/shards.ts";
import type { StaffCalls } from "../services/access/factors/calls.ts";
import type { PeopleCalls, SigningInCalls } from "../services/access/people/calls.ts";
import type { SignedIn } from "../services/access/principal.ts";
import type { SessionLookUp } from "../services/access/sessions.ts";
import type { CellConfig } from "../services/cell-config.ts";
import type { DeletionRecord } from "../services/deletion/register.ts";
import type { CheckServices } from "../services/intake/checks.ts";
import type { RejectedEvents } from "../services/intake/rejected.ts";
import type { SlotCalls } from "../services/keys/slots/calls.ts";
import type { DomainKeeperCalls, DomainLogCalls } from "../services/log/calls.ts";
import type { MonitoringCalls, MonitoringView } from "../services/monitoring/calls.ts";
import type { Permission } from "../services/permissions.ts";
import type {
  ApiKeyRecord,
  ControlStore,
  DomainRecord,
  EventTypeStore,
  LedgerStore,
  RejectedStore,
} from "../services/ports.ts";
import type { EntryIndex } from "../services/query/ports.ts";
import type { ReadRecorder } from "../services/query/record-read.ts";
import type { RateDeskCalls } from "../services/rates/calls.ts";
import type { Verdict } from "../services/rates/leases.ts";
import type { RateLimiter } from "../services/rates/limiter.ts";
import type { ResidencyReport } from "../services/residency.ts";
import type { CellStatus } from "../services/status.ts";
import type { TenantDeskCalls } from "../services/tenancy/calls.ts";
import type { WitnessCalls } from "../services/witness/witness.ts";
import type { ByteRange } from "./byte-range.ts";

/** Wired in src/cell.ts. */
export interface CellServices extends ReadRecorder, CheckServices {
  config: CellConfig;
  clock: () => number;
  control: ControlStore;
  eventTypes: EventTypeStore;
  /** Counts what was refused, behind the answer. */
  rejected: RejectedEvents;
  rejectedStore: RejectedStore;
  /** Answers from memory for at most `LIMITS.keyCacheMs`. */
  key: (keyId: string) => Promise<ApiKeyRecord | null>;
  /** Answers from memory for at most `LIMITS.domainCacheMs`: a domain never changes hands, its settings do. */
  domain: (domainId: string) => Promise<DomainRecord | null>;
  /** Whose session a token is of, when the token is right and the session open; from memory for at most `LIMITS.sessionCacheMs`. */
  session: SessionLookUp;
  /** Where a domain's rows lie; from memory for at most `LIMITS.shardCacheMs` unless `fresh`. */
  shards: (domainId: string, fresh?: boolean) => Promise<ShardRange[]>;
  ledger: (domainId: string, ranges: readonly ShardRange[]) => LedgerStore;
  /** What a domain's entries are found by. One that is found behind its entries is told to go on. */
  entryIndex: (domainId: string, ranges: readonly ShardRange[]) => EntryIndex;
  /** How many entries these domains of one tenant have, by the queryable copy. */
  entriesOf: (domainIds: readonly string[]) => Promise<number>;
  log: (domainId: string) => DomainLogCalls;
  keeper: (domainId: string) => DomainKeeperCalls;
  desk: (tenantId: string) => TenantDeskCalls;
  rates: RateLimiter;
  /** What counts for a tenant, and knows when its keys were last used. */
  rateDesk: (tenantId: string) => RateDeskCalls;
  /** The operator's people; absent where a cell keeps none. */
  staffPeople?: PeopleCalls;
  /** Signing in, before anybody knows by whom. */
  signingIn: SigningInCalls;
  /** Second factors and passwords of the operator's people. */
  staff: StaffCalls;
  /** A tenant's deletion, running or over. */
  deletion: (tenantId: string) => Promise<DeletionRecord | null>;
  /** Bytes of an export's file, or of a range of it; null: it is not there. */
  exportFile: (key: string, range: ByteRange | null) => Promise<ReadableStream<Uint8Array> | null>;
  /** Streams the archive of a log that is moved here into the bucket; its SHA-256. Throws `request.invalid` for another length. */
  receiveArchive: (
    place: { domainId: string; upload: string; bytes: number },
    body: ReadableStream<Uint8Array>,
  ) => Promise<string>;
  residency: () => Promise<ResidencyReport>;
  status: () => Promise<CellStatus>;
  /** Jobs, alerts, probes and backups. */
  readonly monitoring: Pick<MonitoringCalls, "view" | "takeReport">;
  /** The same view for strangers, from memory for at most `LIMITS.statusCacheMs`. */
  watched: () => Promise<MonitoringView>;
  slots: SlotCalls;
  /** What this cell cosigns for others. */
  witness: WitnessCalls;
}

/** Who asks: a key of a tenant, the operator's secret, a member of a tenant, or one of the operator's people. */
export interface Principal {
  kind: "api_key" | "operator" | "member" | "staff";
  /** Null for the operator and the operator's people, who belong to none. */
  tenantId: string | null;
  keyId: string | null;
  permissions: readonly Permission[];
  /** Of keys that a service account has. */
  serviceAccountId?: string | null;
  /** Of members and staff. */
  person: SignedIn | null;
}

export interface HttpEnv {
  Variables: {
    services: CellServices;
    requestId: string;
    /** The route answers pages: what goes wrong is a page too. */
    isPage?: boolean;
    /** Sources of scripts in the policy of this page; without it there are none. */
    pageScripts?: string;
    /** Set by the declaration of the route; public routes have none. */
    principal: Principal;
    /** The domain of the path, once the caller is known to be allowed to know it. */
    domain: DomainRecord;
    /** The tenant's approval (`acc_…`) that lets one of the operator's people do what they do not hold. */
    accessId?: string;
    /** Of what this request was counted under, by name. */
    rateVerdicts?: ReadonlyMap<string, Verdict>;
  };
}

export type CellApp = OpenAPIHono<HttpEnv>;
