/**
 * The one declaration of the keys that seal columns (DESIGN §4): twelve slots, each for exactly one kind of column, each with
 * a Worker secret of its own for every version. `npm run check:keys` compares it with the schema in both directions.
 */
export type SlotName =
  | "subject_identity"
  | "contact"
  | "network"
  | "idp_claims"
  | "private_values"
  | "records"
  | "api_credentials"
  | "oauth_tokens"
  | "session_tokens"
  | "totp_secrets"
  | "tax_ids"
  | "payout_details";

export interface SlotDeclaration {
  /** 1 to 12; the second byte of every value that is sealed under the slot. Never given to another slot. */
  number: number;
  /** What the names of its secrets begin with: version n is the Worker secret `<secret>_V<n>`. */
  secret: `SLOT_${string}`;
  /** In plain words, for the table of docs/keys.md. */
  holds: string;
  /** `table.column` in D1. Empty: nothing is sealed under the slot yet. */
  columns: readonly `${string}.${string}`[];
  /** Likewise in the SQLite of the pinned objects, which no migration makes: durable-objects/people. */
  objectColumns?: readonly `${string}.${string}`[];
}

export const KEY_REGISTRY: Readonly<Record<SlotName, SlotDeclaration>> = {
  subject_identity: {
    number: 1,
    secret: "SLOT_SUBJECT_IDENTITY",
    holds: "identifiers and names of people",
    columns: ["audit_subject_pii.subject_plaintext"],
  },
  contact: {
    number: 2,
    secret: "SLOT_CONTACT",
    holds: "e-mail addresses and phone numbers",
    columns: ["audit_subject_pii.email_claim"],
    objectColumns: ["person.sealed", "invitation.sealed", "recovery.address"],
  },
  network: {
    number: 3,
    secret: "SLOT_NETWORK",
    holds: "source addresses and locations",
    columns: ["audit_subject_pii.source_ip"],
  },
  idp_claims: {
    number: 4,
    secret: "SLOT_IDP_CLAIMS",
    holds: "names of the claims that an identity provider sent",
    columns: ["audit_subject_pii.idp_claim_names"],
  },
  private_values: {
    number: 5,
    secret: "SLOT_PRIVATE_VALUES",
    holds: "private values of audit entries",
    columns: ["audit_private_value.sealed"],
  },
  records: {
    number: 6,
    secret: "SLOT_RECORDS",
    holds: "payloads of records, postal addresses, words of legal holds, reasons of the operator's people",
    columns: ["legal_hold_words.sealed"],
    objectColumns: ["access_grant.reason", "recovery.reason"],
  },
  api_credentials: {
    number: 7,
    secret: "SLOT_API_CREDENTIALS",
    holds: "credentials for services that a tenant brings along",
    columns: ["tenant_key_service.credentials"],
  },
  oauth_tokens: {
    number: 8,
    secret: "SLOT_OAUTH_TOKENS",
    holds: "OAuth tokens, and secrets of OAuth clients",
    columns: [],
    objectColumns: ["identity_provider.secret"],
  },
  session_tokens: {
    number: 9,
    secret: "SLOT_SESSION_TOKENS",
    holds: "session tokens",
    columns: [],
  },
  totp_secrets: {
    number: 10,
    secret: "SLOT_TOTP_SECRETS",
    holds: "secrets of second factors (TOTP)",
    columns: [],
    objectColumns: ["totp.sealed"],
  },
  tax_ids: {
    number: 11,
    secret: "SLOT_TAX_IDS",
    holds: "tax ids",
    columns: [],
  },
  payout_details: {
    number: 12,
    secret: "SLOT_PAYOUT_DETAILS",
    holds: "bank accounts and other details of payouts",
    columns: [],
  },
};

/** In the order of their numbers. */
export const SLOT_NAMES = Object.keys(KEY_REGISTRY) as SlotName[];

/** The slot that a stored byte names, or null. */
export function slotOfNumber(number: number): SlotName | null {
  return BY_NUMBER.get(number) ?? null;
}

const BY_NUMBER = new Map(SLOT_NAMES.map((name) => [KEY_REGISTRY[name].number, name]));
