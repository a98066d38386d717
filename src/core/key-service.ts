/**
 * Key services that tenants bring along (S3-41): what is configured, which addresses may be called, and the two ways in
 * which one fails.
 */
import { AppError } from "./errors.ts";

/** What may be shown to whoever may read it. */
export type KeyServiceSettings =
  | { kind: "aws_kms"; region: string; key_arn: string; endpoint?: string | undefined }
  | { kind: "https"; url: string };

/** What is shown to nobody. */
export type KeyServiceCredentials =
  | { kind: "aws_kms"; access_key_id: string; secret_access_key: string }
  | { kind: "https"; token: string };

/** What a tenant sends: both. */
export type KeyServiceConfig =
  | {
      kind: "aws_kms";
      region: string;
      key_arn: string;
      access_key_id: string;
      secret_access_key: string;
      endpoint?: string | undefined;
    }
  | { kind: "https"; url: string; token: string };

export type KeyServiceKind = KeyServiceSettings["kind"];

/**
 * `refused`: the service answered and will not (revoked, disabled, denied). `no_answer`: it could not be reached in time, is
 * overloaded, or said what no key service says.
 */
export type KeyServiceFault = "refused" | "no_answer";
export type KeyServiceState = "working" | KeyServiceFault;

/**
 * A key service that did not do what it was asked. `words` goes to the caller: our own words, never anything that the service
 * sent, no credential. `internal` the same, for the log of the cell.
 */
export class KeyServiceFailure extends AppError {
  readonly fault: KeyServiceFault;
  /** Why, without the sentence that `detail` puts around it. */
  readonly words: string;

  constructor(fault: KeyServiceFault, words: string, options: { internal?: string; cause?: unknown } = {}) {
    const what = fault === "refused" ? "refused" : "gave no usable answer";
    const internal = `key service: ${fault}: ${options.internal ?? words}`;
    super("keys.unavailable", { detail: `the tenant's key service ${what}: ${words}`, internal });
    this.fault = fault;
    this.words = words;
  }
}

/** What may be shown, and what may not. */
export function splitConfig(config: KeyServiceConfig): {
  settings: KeyServiceSettings;
  credentials: KeyServiceCredentials;
} {
  if (config.kind === "https") {
    const { kind, url, token } = config;
    return { settings: { kind, url }, credentials: { kind, token } };
  }
  const { kind, region, key_arn, endpoint, access_key_id, secret_access_key } = config;
  return {
    settings: { kind, region, key_arn, ...(endpoint === undefined ? {} : { endpoint }) },
    credentials: { kind, access_key_id, secret_access_key },
  };
}

/** Whether two settings name the same key of the same service; credentials may differ. */
export function sameKeyService(a: KeyServiceSettings, b: KeyServiceSettings): boolean {
  return identityOf(a) === identityOf(b);
}

const identityOf = (settings: KeyServiceSettings): string =>
  settings.kind === "https"
    ? `https ${withoutLastSlash(new URL(settings.url).href)}`
    : `aws_kms ${settings.region} ${settings.key_arn} ${withoutLastSlash(new URL(addressOf(settings)).href)}`;

const withoutLastSlash = (address: string) => address.replace(/\/+$/, "");

/** Where the service is called. */
export function addressOf(settings: KeyServiceSettings): string {
  if (settings.kind === "https") return settings.url;
  const domain = settings.region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return settings.endpoint ?? `https://kms.${settings.region}.${domain}`;
}

/**
 * What is wrong with an untrusted address, in words for the caller; null when it may be called. HTTPS to a host that has a
 * name; `local` (a cell that is pinned to nowhere) also takes this machine, there also without TLS. What the name resolves
 * to is not checked: a Worker reaches no private network.
 */
export function addressFault(address: string, local: boolean): string | null {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return "must be an address that begins with https://";
  }
  if (url.username !== "" || url.password !== "") return "must not carry a user name or a password";
  if (url.search !== "" || url.hash !== "") return "must have no query and no fragment";
  if (LOCAL_HOSTS.includes(url.hostname)) {
    if (local && (url.protocol === "http:" || url.protocol === "https:")) return null;
    return "must name a public host";
  }
  if (url.protocol !== "https:") return "must begin with https://";
  return PUBLIC_NAME.test(url.hostname) && !PRIVATE_NAME.test(url.hostname) ? null : "must name a public host";
}

const LOCAL_HOSTS: readonly string[] = ["127.0.0.1", "localhost"];
/** Labels and a top-level domain; no address in digits has one. */
const PUBLIC_NAME = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/;
const PRIVATE_NAME = /\.(?:local|localhost|internal|home\.arpa|lan|intranet|corp|test|invalid|onion)$/;
