/** CloudTrail records as AWS writes them, one for each kind of identity. Invented names and numbers throughout. */
import { gzipSync } from "node:zlib";
import type { CloudTrailRecord } from "../../../src/cli/cloudtrail/parse-record.ts";
import type { JsonValue } from "../../../src/core/strict-json.ts";

const ACCOUNT = "111122223333";
const sts = (rest: string) => `arn:aws:sts::${ACCOUNT}:${rest}`;
const iam = (rest: string) => `arn:aws:iam::${ACCOUNT}:${rest}`;

export const IDENTITIES: { readonly [type: string]: CloudTrailRecord | null } = {
  Root: { type: "Root", principalId: ACCOUNT, arn: iam("root"), accountId: ACCOUNT, accessKeyId: "ASIAROOT" },
  IAMUser: {
    type: "IAMUser",
    principalId: "AIDAEXAMPLE",
    arn: iam("user/mara"),
    accountId: ACCOUNT,
    accessKeyId: "AKIAEXAMPLE",
    userName: "mara",
  },
  AssumedRole: {
    type: "AssumedRole",
    principalId: "AROAEXAMPLE:mara-session",
    arn: sts("assumed-role/Deploy/mara-session"),
    accountId: ACCOUNT,
    accessKeyId: "ASIAEXAMPLE",
    sessionContext: {
      sessionIssuer: {
        type: "Role",
        principalId: "AROAEXAMPLE",
        arn: iam("role/Deploy"),
        accountId: ACCOUNT,
        userName: "Deploy",
      },
      sourceIdentity: "mara.k",
    },
  },
  FederatedUser: {
    type: "FederatedUser",
    principalId: `${ACCOUNT}:jo`,
    arn: sts("federated-user/jo"),
    accountId: ACCOUNT,
    sessionContext: { sessionIssuer: { type: "IAMUser", principalId: "AIDAISSUER", arn: iam("user/issuer") } },
  },
  SAMLUser: {
    type: "SAMLUser",
    principalId: "SampleUkh1i4+ExamplexL/jEvs=:jo",
    userName: "jo",
    identityProvider: "SampleUkh1i4+ExamplexL/jEvs=",
  },
  WebIdentityUser: { type: "WebIdentityUser", userName: "jo", identityProvider: "accounts.google.com" },
  IdentityCenterUser: {
    type: "IdentityCenterUser",
    accountId: ACCOUNT,
    credentialId: "9b1f-credential",
    onBehalfOf: {
      userId: "544894e8-80c1-707f-60e3-3ba6510dfac1",
      identityStoreArn: "arn:aws:identitystore::111122223333:identitystore/d-1",
    },
  },
  Directory: { type: "Directory", principalId: "d-90670c5d32", userName: "CORP\\jo", accountId: ACCOUNT },
  AWSAccount: { type: "AWSAccount", principalId: "AIDAOTHER", accountId: "444455556666" },
  AWSService: { type: "AWSService", invokedBy: "autoscaling.amazonaws.com" },
  Unknown: { type: "Unknown", principalId: "AROAUNKNOWN", accountId: ACCOUNT, userName: "" },
  Anonymous: { type: "AWSAccount", principalId: "", accountId: "ANONYMOUS_PRINCIPAL" },
  Hidden: { type: "IAMUser", accountId: ACCOUNT, accessKeyId: "", userName: "HIDDEN_DUE_TO_SECURITY_REASONS" },
  ServiceEvent: { accountId: ACCOUNT, invokedBy: "secretsmanager.amazonaws.com" },
  None: null,
};

let made = 0;

/** A record like any other, with `changes` to it; `eventID` differs each time. */
export function cloudTrailRecord(
  changes: { [field: string]: JsonValue } = {},
  eventID = nextEventId(),
): CloudTrailRecord {
  return {
    eventVersion: "1.09",
    userIdentity: IDENTITIES.IAMUser ?? null,
    eventTime: "2023-07-10T12:00:00Z",
    eventSource: "s3.amazonaws.com",
    eventName: "PutObject",
    awsRegion: "eu-central-1",
    sourceIPAddress: "203.0.113.7",
    userAgent: "aws-cli/2.13",
    requestParameters: { bucketName: "reports", key: "mara/2023.pdf" },
    responseElements: null,
    requestID: "7H0EXAMPLE",
    eventID,
    readOnly: false,
    eventType: "AwsApiCall",
    managementEvent: true,
    recipientAccountId: ACCOUNT,
    eventCategory: "Management",
    ...changes,
  };
}

function nextEventId(): string {
  return `1f3c0000-0000-4000-8000-${String(++made).padStart(12, "0")}`;
}

export const recordOf = (identity: string) => cloudTrailRecord({ userIdentity: IDENTITIES[identity] ?? null });
export const allKinds = () => Object.keys(IDENTITIES).map(recordOf);
export const logFile = (records: readonly CloudTrailRecord[]) => JSON.stringify({ Records: records });
export const gzipped = (text: string) => gzipSync(text);
