/** The shapes of the API, inferred from the server's own schemas. Types only: nothing of zod is loaded at run time. */
import type { z } from "zod";
import type { Jurisdiction } from "../core/ids.ts";
import type {
  accessSchema,
  approveAccessSchema,
  breakGlassSchema,
  requestAccessSchema,
} from "../http/schemas/access.ts";
import type { eventResultSchema, summarySchema } from "../http/schemas/append.ts";
import type { changeDomainSettingsSchema, domainSettingsSchema } from "../http/schemas/domain-settings.ts";
import type {
  countAnswerSchema,
  countSchema,
  facetsAnswerSchema,
  facetsSchema,
  queryAnswerSchema,
  querySchema,
  tenantQueryAnswerSchema,
  tenantQuerySchema,
} from "../http/schemas/entry-query.ts";
import type { erasedEverywhereSchema, eraseIdentitySchema, erasureSchema } from "../http/schemas/erasure.ts";
import type {
  addEventTypeSchema,
  addVersionSchema,
  eventTypeVersionSchema,
  ownEventTypeSchema,
  ownEventTypesSchema,
} from "../http/schemas/event-types.ts";
import type {
  exportLinkSchema,
  exportLinkWishSchema,
  exportOfDomainSchema,
  exportSchema,
  exportWishSchema,
  newExportLinkSchema,
} from "../http/schemas/exports.ts";
import type {
  factorAddedSchema,
  factorShownSchema,
  factorsSchema,
  recoveryCodesSchema,
  secondFactorSchema,
  totpEnrolmentSchema,
} from "../http/schemas/factors.ts";
import type { healthSchema } from "../http/schemas/health.ts";
import type {
  holdPreviewSchema,
  holdSchema,
  placeHoldSchema,
  previewHoldSchema,
  reviewHoldSchema,
} from "../http/schemas/holds.ts";
import type { importSchema } from "../http/schemas/imports.ts";
import type {
  createServiceAccountSchema,
  describeServiceAccountSchema,
  rotatedKeySchema,
  rotateKeySchema,
  serviceAccountSchema,
  serviceAccountWithKeysSchema,
} from "../http/schemas/keys.ts";
import type {
  acceptInvitationSchema,
  deviceSchema,
  invitationSchema,
  inviteSchema,
  memberSchema,
  sessionSchema,
  tokenSchema,
  updateMemberSchema,
} from "../http/schemas/people.ts";
import type { rejectedSchema } from "../http/schemas/rejected.ts";
import type {
  apiKeySchema,
  appendAnswerSchema,
  createDomainSchema,
  createdTenantSchema,
  createKeySchema,
  createTenantSchema,
  domainSchema,
  entrySchema,
  headSchema,
  issuedKeySchema,
  principalSchema,
  receiptSchema,
  residencySchema,
  verificationSchema,
} from "../http/schemas/resources.ts";
import type {
  confirmationSchema,
  domainDryRunSchema,
  domainRetentionSchema,
  dryRunSchema,
  retentionSchema,
  runSchema,
  runsSchema,
  setDomainRetentionSchema,
  setRetentionSchema,
} from "../http/schemas/retention.ts";
import type { revealedEntrySchema, revealSchema, searchSchema } from "../http/schemas/reveal.ts";
import type { statusSchema } from "../http/schemas/status.ts";

export type { AuditEvent } from "../core/event.ts";

export type Receipt = z.infer<typeof receiptSchema>;
export type AppendAnswer = z.infer<typeof appendAnswerSchema>;
export type DomainHealth = z.infer<typeof healthSchema>;
export type Head = z.infer<typeof headSchema>;
export type Verification = z.infer<typeof verificationSchema>;
export type Principal = z.infer<typeof principalSchema>;
export type Domain = z.infer<typeof domainSchema>;
export type ApiKey = z.infer<typeof apiKeySchema>;
export type IssuedApiKey = z.infer<typeof issuedKeySchema>;
export type CreatedTenant = z.infer<typeof createdTenantSchema>;
export type Residency = z.infer<typeof residencySchema>;
export type Status = z.infer<typeof statusSchema>;
export type CreateTenant = z.input<typeof createTenantSchema>;
export type CreateDomain = z.input<typeof createDomainSchema>;
export type CreateApiKey = z.input<typeof createKeySchema>;
export type RotateApiKey = z.input<typeof rotateKeySchema>;
export type RotatedApiKey = z.infer<typeof rotatedKeySchema>;
export type ServiceAccount = z.infer<typeof serviceAccountSchema>;
export type ServiceAccountWithKeys = z.infer<typeof serviceAccountWithKeysSchema>;
export type CreateServiceAccount = z.input<typeof createServiceAccountSchema>;
export type DescribeServiceAccount = z.input<typeof describeServiceAccountSchema>;

export type { Jurisdiction };
export type Device = z.infer<typeof deviceSchema>;
export type SessionToken = z.infer<typeof tokenSchema>;
export type AcceptInvitation = z.input<typeof acceptInvitationSchema>;
export type Session = z.infer<typeof sessionSchema>;
export type Member = z.infer<typeof memberSchema>;
export type UpdateMember = z.input<typeof updateMemberSchema>;
export type Invitation = z.infer<typeof invitationSchema>;
export type Invite = z.input<typeof inviteSchema>;

export type SecondFactor = z.input<typeof secondFactorSchema>;
export type SecondFactors = z.infer<typeof factorsSchema>;
export type SecondFactorAdded = z.infer<typeof factorAddedSchema>;
export type SecondFactorShown = z.infer<typeof factorShownSchema>;
export type TotpEnrolment = z.infer<typeof totpEnrolmentSchema>;
export type RecoveryCodes = z.infer<typeof recoveryCodesSchema>;

export type Access = z.infer<typeof accessSchema>;
export type RequestAccess = z.input<typeof requestAccessSchema>;
export type BreakGlass = z.input<typeof breakGlassSchema>;
export type ApproveAccess = z.input<typeof approveAccessSchema>;

export type EraseIdentity = z.input<typeof eraseIdentitySchema>;
export type Erasure = z.infer<typeof erasureSchema>;
export type ErasedEverywhere = z.infer<typeof erasedEverywhereSchema>;

export type EventFormat = "event" | "cloudevents" | "ocsf";
export type EventResult = z.infer<typeof eventResultSchema>;
export type AppendSummary = z.infer<typeof summarySchema>;

export type OwnEventType = z.infer<typeof ownEventTypeSchema>;
export type OwnEventTypes = z.infer<typeof ownEventTypesSchema>;
export type EventTypeVersion = z.infer<typeof eventTypeVersionSchema>;
export type AddEventType = z.input<typeof addEventTypeSchema>;
export type AddEventTypeVersion = z.input<typeof addVersionSchema>;
export type RejectedEvents = z.infer<typeof rejectedSchema>;
export type DomainSettings = z.infer<typeof domainSettingsSchema>;
export type ChangeDomainSettings = z.input<typeof changeDomainSettingsSchema>;

export type Export = z.infer<typeof exportSchema>;
export type Import = z.infer<typeof importSchema>;
export type ExportWish = z.input<typeof exportWishSchema>;
export type ExportOfDomainWish = z.input<typeof exportOfDomainSchema>;
export type ExportLink = z.infer<typeof exportLinkSchema>;
export type ExportLinkWish = z.input<typeof exportLinkWishSchema>;
export type NewExportLink = z.infer<typeof newExportLinkSchema>;

/** `text`: the exact canonical text that was hashed; the only form that can be verified. */
export type PayloadForm = "json" | "text";
export type Entry<P extends PayloadForm = "json"> = Omit<z.infer<typeof entrySchema>, "payload"> & {
  payload: P extends "text" ? string : { [field: string]: unknown };
};
export interface EntryPage<P extends PayloadForm = "json"> {
  entries: Entry<P>[];
  next_cursor: string | null;
  has_more: boolean;
}

export interface EntryQuery<P extends PayloadForm = "json"> {
  order?: "asc" | "desc" | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
  /** First and last seq, both included. */
  from?: number | undefined;
  to?: number | undefined;
  payload?: P | undefined;
  /** `latest`: everything that was committed before the request is in the answer. */
  consistency?: "latest" | undefined;
}

export interface HistoryQuery<P extends PayloadForm = "json"> extends Omit<EntryQuery<P>, "consistency"> {
  action?: string | undefined;
  outcome?: string | undefined;
  category?: string | undefined;
  after?: string | undefined;
  before?: string | undefined;
}

/** What is asked (docs/querying.md), and which page of it. */
export type Query<P extends PayloadForm = "json"> = Omit<z.input<typeof querySchema>, "payload"> & {
  payload?: P | undefined;
};
export type QueryPage<P extends PayloadForm = "json"> = Omit<z.infer<typeof queryAnswerSchema>, "entries"> & {
  entries: Entry<P>[];
};
export type TenantQuery<P extends PayloadForm = "json"> = Omit<z.input<typeof tenantQuerySchema>, "payload"> & {
  payload?: P | undefined;
};
export type TenantQueryPage<P extends PayloadForm = "json"> = Omit<
  z.infer<typeof tenantQueryAnswerSchema>,
  "entries"
> & { entries: (Entry<P> & { domain_id: string })[] };
export type CountQuery = z.input<typeof countSchema>;
export type EntryCount = z.infer<typeof countAnswerSchema>;
export type FacetQuery = z.input<typeof facetsSchema>;
export type EntryFacets = z.infer<typeof facetsAnswerSchema>;

/** Whose entries, and which page of them. */
export type SearchQuery<P extends PayloadForm = "json"> = Omit<z.input<typeof searchSchema>, "payload"> & {
  payload?: P | undefined;
};

/** Which entries, and why. */
export type RevealQuery<P extends PayloadForm = "json"> = Omit<z.input<typeof revealSchema>, "payload"> & {
  payload?: P | undefined;
};
export type RevealedEntry<P extends PayloadForm = "json"> = Omit<z.infer<typeof revealedEntrySchema>, "payload"> &
  Pick<Entry<P>, "payload">;
export interface RevealedPage<P extends PayloadForm = "json"> {
  domain_id: string;
  entries: RevealedEntry<P>[];
  next_cursor: string | null;
  has_more: boolean;
}

export interface VerifyQuery {
  from?: number | undefined;
  to?: number | undefined;
  cursor?: string | undefined;
}

/** An append's answer, and whether the server had seen the very request before. */
export interface AppendResult extends AppendAnswer {
  idempotency_replayed: boolean;
}

export type Retention = z.infer<typeof retentionSchema>;
export type SetRetention = z.input<typeof setRetentionSchema>;
export type RetentionRun = z.infer<typeof runSchema>;
export type RetentionRuns = z.infer<typeof runsSchema>;
export type RetentionDryRun = z.infer<typeof dryRunSchema>;
export type DomainRetention = z.infer<typeof domainRetentionSchema>;
export type SetDomainRetention = z.input<typeof setDomainRetentionSchema>;
export type DomainRetentionDryRun = z.infer<typeof domainDryRunSchema>;
export type RetentionConfirmation = z.infer<typeof confirmationSchema>;

export type LegalHold = z.infer<typeof holdSchema>;
export type PlaceLegalHold = z.input<typeof placeHoldSchema>;
export type PreviewLegalHold = z.input<typeof previewHoldSchema>;
export type LegalHoldPreview = z.infer<typeof holdPreviewSchema>;
export type ReviewLegalHold = z.input<typeof reviewHoldSchema>;
