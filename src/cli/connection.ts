/** Which server, with which key, about which domain: flags before environment before profile. */

import packageJson from "../../package.json" with { type: "json" };
import { MoonsealClient, type TransportOptions } from "../client/index.ts";
import { parseApiKey, parseOperatorSecret } from "../core/api-key.ts";
import { type Jurisdiction, parseId } from "../core/ids.ts";
import { type Config, readConfig } from "./config.ts";
import { CliError, type Io } from "./io.ts";
import { readToken } from "./session-token.ts";
import { stepUp } from "./step-up.ts";
import { line, safeText } from "./text.ts";

export interface ConnectionFlags {
  profile?: string;
  url?: string;
  key?: string;
  domain?: string;
}

/** A value and where it came from. */
export interface Sourced {
  value: string;
  source: string;
}

export interface Settings {
  profile: Sourced | null;
  url: Sourced | null;
  key: Sourced | null;
  domain: Sourced | null;
}

/** Looks the settings up without judging them. Throws when a profile is named that does not exist. */
export async function readSettings(io: Io, flags: ConnectionFlags): Promise<Settings> {
  const config = await readConfig(io);
  const first = (...candidates: (Sourced | null)[]) => candidates.find((candidate) => candidate !== null) ?? null;
  const named = (value: string | null | undefined, source: string) => (value ? { value, source } : null);
  const profile = first(
    named(flags.profile, "--profile"),
    named(io.env.MOONSEAL_PROFILE, "MOONSEAL_PROFILE"),
    named(config.current, "the profile in use"),
  );
  const chosen = profileOf(config, profile);
  type Name = "url" | "key" | "domain";
  const given = (name: Name) =>
    first(
      named(flags[name], `--${name}`),
      named(io.env[`MOONSEAL_${name.toUpperCase()}`], `MOONSEAL_${name.toUpperCase()}`),
    );
  const kept = (name: Name) => named(chosen?.[name], `profile ${profile?.value}`);
  const setting = (name: Name) => first(given(name), kept(name));
  const url = setting("url");
  // A session is sent only to the server that opened it, whatever address a flag names.
  const session = url && url.value === chosen?.url ? chosen.session : undefined;
  const key = first(given("key"), named(session?.token, `the session of profile ${profile?.value}`), kept("key"));
  return { profile, url, key, domain: setting("domain") };
}

function profileOf(config: Config, profile: Sourced | null) {
  if (!profile) return null;
  if (Object.hasOwn(config.profiles, profile.value)) return config.profiles[profile.value] ?? null;
  throw new CliError(`there is no profile ${safeText(profile.value)} (${profile.source}); see: moonseal profiles list`);
}

export interface Connection {
  url: string;
  key: string | undefined;
  client: MoonsealClient;
}

export interface DomainConnection extends Connection {
  key: string;
  domainId: string;
}

/** For commands that need a credential. Nothing is sent yet. */
export async function connect(
  io: Io,
  flags: ConnectionFlags,
  transport: Partial<TransportOptions> = {},
): Promise<Connection & { key: string; settings: Settings }> {
  const settings = await readSettings(io, flags);
  const url = requireUrl(settings);
  const key = requireKey(settings).value;
  return { url, key, client: makeClient(io, url, key, transport), settings };
}

/** For commands about one domain. A key of another jurisdiction than the domain's is refused here: it is sent nowhere. */
/** One option for two kinds of key: an API key and verifier keys cannot be taken for each other. The last API key counts. */
export function splitKeys<Flags extends ConnectionFlags>(
  keys: readonly string[],
  { key: _, ...others }: Flags,
): { verifierKeys: string[]; flags: Omit<Flags, "key"> & { key?: string } } {
  const apiKey = keys.findLast((key) => credentialJurisdiction(key) !== null);
  const verifierKeys = keys.filter((key) => credentialJurisdiction(key) === null);
  return { verifierKeys, flags: apiKey === undefined ? others : { ...others, key: apiKey } };
}

export async function connectToDomain(
  io: Io,
  flags: ConnectionFlags,
  transport: Partial<TransportOptions> = {},
): Promise<DomainConnection> {
  const { settings, url, key, client } = await connect(io, flags, transport);
  const domainId = requireDomain(settings);
  const [ofKey, ofDomain] = [credentialJurisdiction(key), parseId(domainId)?.jurisdiction];
  if (ofKey !== ofDomain) throw new CliError(`the key is for ${ofKey}, the domain is in ${ofDomain}: they cannot meet`);
  return { url, key, client, domainId };
}

export function makeClient(
  io: Io,
  url: string,
  key: string | undefined,
  transport: Partial<TransportOptions> = {},
): MoonsealClient {
  const options: TransportOptions = {
    baseUrl: url,
    apiKey: key,
    userAgent: `moonseal/${packageJson.version} (${io.platform})`,
    fetch: io.fetch,
    now: io.now,
    random: io.random,
    sleep: io.sleep,
    onRetry: ({ waitMs, reason }) => {
      const seconds = Math.max(1, Math.round(waitMs / 1000));
      if (waitMs >= 1000) line(io.stderr, `moonseal: ${safeText(reason.message)}; trying again in ${seconds} s`);
    },
    ...transport,
  };
  return new MoonsealClient({ secondFactor: stepUp(io, options), ...options });
}

export function requireUrl({ url }: Settings): string {
  if (!url) throw new CliError("no server is named: use --url, MOONSEAL_URL, or: moonseal profiles add");
  if (!isServerUrl(url.value)) throw new CliError(`${url.source} must be an http(s) address without user or query`);
  return url.value;
}

/** Only scheme, host, port and path: a user name or a query in it would end up in logs. */
export function isServerUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  return /^https?:$/.test(url?.protocol ?? "") && !url?.username && !url?.password && !url?.search && !url?.hash;
}

function requireKey({ key }: Settings): Sourced {
  if (!key) throw new CliError("no API key is given: use MOONSEAL_KEY, moonseal login, or: moonseal profiles add");
  if (!credentialJurisdiction(key.value)) {
    throw new CliError(`the key from ${key.source} is mistyped or incomplete: its form or checksum is wrong`);
  }
  return key;
}

/** Of a key, an operator's secret or the token of a session; null for what is none of them. */
export const credentialJurisdiction = (credential: string): Jurisdiction | null =>
  keyJurisdiction(credential) ?? readToken(credential)?.jurisdiction ?? null;

export function keyJurisdiction(key: string): Jurisdiction | null {
  return (parseApiKey(key) ?? parseOperatorSecret(key))?.jurisdiction ?? null;
}

function requireDomain({ domain }: Settings): string {
  if (!domain) throw new CliError("no domain is named: use --domain, MOONSEAL_DOMAIN, or a profile with one");
  if (parseId(domain.value)?.kind !== "domain") {
    throw new CliError(`${domain.source} must be a domain id such as dom_eu_01jcy3x8e7f4s9m2k5n8q1r4tv`);
  }
  return domain.value;
}
