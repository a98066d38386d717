/**
 * Where a cell tells whoever watches it. Addresses are secrets of their own kind: whoever has a ping's can silence it. So they are
 * set like secrets, stand in no answer, no log and no error, and are checked once (SSRF).
 */
import { JURISDICTIONS, type Jurisdiction } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { parseWebhookKey, type WebhookSigner, webhookSigner } from "../../crypto/webhook-signer.ts";
import { type AddressRules, providerAddress } from "../access/sso/address.ts";
import { CRON_JOB_NAMES, JOB_NAMES, type JobName } from "../dead-man/table.ts";

export interface MonitoringSettings {
  /** Where alerts go, as Standard Webhooks. Unless it is said: alerts are kept, shown and written to the platform's log only. */
  ALERT_WEBHOOK?: string;
  /** Base of a Healthchecks server with the ping key of a project, `https://hc-ping.com/<ping key>`: jobs ping `<base>/<slug>`. */
  HEALTHCHECKS_BASE?: string;
  /** Instead, the whole address of one job's check: `PING_URL_WAKE_DOMAINS`. */
  [ping: `PING_URL_${string}`]: string | undefined;
  /** Public keys of probes outside, `<name>=whpk_…`, between commas. */
  PROBE_KEYS?: string;
}

export interface MonitoringConfig {
  alertWebhook: string | null;
  /** The address that a job pings; null: nobody is told. */
  pingOf(job: JobName): string | null;
  /** Name of a probe → its public key, 32 bytes. */
  probes: ReadonlyMap<string, Uint8Array>;
  signer: WebhookSigner;
}

interface Cell {
  jurisdiction: Jurisdiction;
  logHost: string;
  /** A machine without jurisdictions: plain HTTP on the loopback may be asked. */
  loopback: boolean;
  /** Of the log keys that sign now, newest first. */
  seeds: readonly Uint8Array[];
}

const PROBE = /^(?<name>[a-z0-9-]{1,32})=(?<key>whpk_.+)$/;

/** Throws an Error that names the setting and never its value. */
export function monitoringConfig(settings: MonitoringSettings, cell: Cell): MonitoringConfig {
  const { jurisdiction, logHost, loopback, seeds } = cell;
  const rules = { loopback, ownHost: logHost };
  const base = address("HEALTHCHECKS_BASE", settings.HEALTHCHECKS_BASE, rules);
  const own = new Map<string, string | null>();
  for (const [name, value] of Object.entries(settings)) {
    if (!name.startsWith("PING_URL_")) continue;
    if (!JOB_NAMES.some((job) => name === pingSetting(job))) throw new Error(`${name}: there is no such job`);
    own.set(name, address(name, value as string, rules));
  }
  return {
    alertWebhook: address("ALERT_WEBHOOK", settings.ALERT_WEBHOOK, rules),
    pingOf: (job) =>
      own.get(pingSetting(job)) ?? (base === null ? null : `${base.replace(/\/$/, "")}/${slugOf(jurisdiction, job)}`),
    probes: probesOf(settings.PROBE_KEYS ?? ""),
    signer: webhookSigner(`${logHost}/${jurisdiction}`, seeds),
  };
}

/** The name of the setting that holds a job's own address. */
export const pingSetting = (job: string): `PING_URL_${string}` =>
  `PING_URL_${job.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;

/** The name of the check on a Healthchecks server: `moonseal-eu-wake-domains`. */
export const slugOf = (jurisdiction: Jurisdiction, job: string): string =>
  `moonseal-${jurisdiction}-${job.replaceAll(/[._]/g, "-")}`;

/** Every check that a deployment needs: one a job and a cell. */
export const ALL_SLUGS: readonly string[] = JURISDICTIONS.flatMap((jurisdiction) =>
  JOB_NAMES.map((job) => slugOf(jurisdiction, job)),
);

/** Whether a job's runs are told of one by one; the others are told of by `watch_jobs`. */
export const isCronJob = (job: JobName): boolean => (CRON_JOB_NAMES as readonly string[]).includes(job);

function address(setting: string, text: string | undefined, rules: AddressRules): string | null {
  if (!text) return null;
  try {
    const url = providerAddress(text, rules);
    if (setting === "HEALTHCHECKS_BASE" && url.search) throw new Error("a query");
    return url.href;
  } catch {
    throw new Error(`${setting} must be https:// and a public host name, without a port, credentials or a fragment`);
  }
}

function probesOf(text: string): ReadonlyMap<string, Uint8Array> {
  const items = text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  if (items.length > LIMITS.probes) throw new Error(`PROBE_KEYS may name ${LIMITS.probes} probes`);
  const probes = items.map((item) => {
    const { name, key } = PROBE.exec(item)?.groups ?? {};
    const bytes = key === undefined ? null : parseWebhookKey(key);
    if (!name || !bytes) throw new Error("PROBE_KEYS must be <name>=whpk_<base64>, between commas");
    return [name, bytes] as const;
  });
  if (new Set(probes.map(([name]) => name)).size !== probes.length) throw new Error("PROBE_KEYS names a probe twice");
  return new Map(probes);
}
