/** `login`: a session of a person, through a browser; or an API key that is kept in a profile. */
import { password } from "@clack/prompts";
import type { Command } from "commander";
import { parseApiKey } from "../../core/api-key.ts";
import { isJurisdiction, JURISDICTIONS, type Jurisdiction, parseId } from "../../core/ids.ts";
import { command, handle, type Session } from "../action.ts";
import { keepProfile, PROFILE_NAME, type Profile, readConfig } from "../config.ts";
import { type ConnectionFlags, isServerUrl, keyJurisdiction, makeClient } from "../connection.ts";
import { waitForApproval } from "../device-login.ts";
import { configPath } from "../files.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { readLine } from "../line-input.ts";
import { readToken } from "../session-token.ts";
import { line, safeJson, safeText } from "../text.ts";

interface LoginFlags {
  jurisdiction?: string;
  withKey?: boolean;
  json?: boolean;
}

const KEY_CHARS = 200;
const NO_ARGUMENT =
  "a key in an argument stands in the history of the shell: moonseal login --with-key reads it from standard input";

export function loginCommand(session: Session): Command {
  const target = command("login", "Sign in through a browser, or keep an API key", [
    "moonseal login --url https://api.example.com --jurisdiction eu",
    "moonseal login --profile ci --with-key < key.txt",
  ])
    .option("--jurisdiction <where>", "eu or us; for life where your tenant is (default: the profile's)")
    .option("--with-key", "keep an API key, read from standard input, instead of signing in")
    .option("--json", "what was kept as JSON, without the credential")
    .addHelpText(
      "after",
      "\nSigning in shows a code and an address. Open the address in any browser, sign in there, and approve the code if it is this one.\nThe session is kept in the profile and comes before the profile's key until: moonseal logout",
    );
  return handle<LoginFlags>(target, session, async (io, options) => {
    if (session.keys.some((key) => key !== "-")) throw new CliError(NO_ARGUMENT);
    const place = await profileToKeep(io, options);
    const withKey = options.withKey || session.keys.length > 0;
    const kept = withKey ? await keepKey(io, place) : await signIn(io, place, options.jurisdiction);
    const { said, json } = kept;
    await keepProfile(io, place.name, kept.profile);
    if (io.env.MOONSEAL_KEY) line(io.stderr, "moonseal: MOONSEAL_KEY is set and comes before it; unset it to use this");
    if (options.json) return line(io.stdout, safeJson({ profile: place.name, ...json }));
    line(io.stdout, safeText(`${said}; kept as profile ${place.name} in ${configPath(io)}`));
  });
}

interface Place {
  name: string;
  profile: Profile;
}

interface Kept {
  profile: Profile;
  said: string;
  json: object;
}

/** The named profile, the one in use, or `default`; a new one needs an address. */
async function profileToKeep(io: Io, options: ConnectionFlags): Promise<Place> {
  const config = await readConfig(io);
  const name = options.profile ?? io.env.MOONSEAL_PROFILE ?? config.current ?? "default";
  if (!PROFILE_NAME.test(name))
    throw new CliError("a profile's name has letters, digits, _ . - and at most 64 characters");
  const there = Object.hasOwn(config.profiles, name) ? config.profiles[name] : undefined;
  const url = options.url ?? (io.env.MOONSEAL_URL || undefined) ?? there?.url;
  if (!url) throw new CliError("no server is named: use --url or MOONSEAL_URL");
  if (!isServerUrl(url)) throw new CliError("the address must be an http(s) address without user or query");
  if (there && there.url !== url) {
    throw new CliError(`profile ${name} is for ${there.url}; choose another one with --profile`);
  }
  return { name, profile: there ?? { url } };
}

async function keepKey(io: Io, { name, profile }: Place): Promise<Kept> {
  const question = "API key (msk_…): ";
  // Not shown while it is typed.
  const asked = io.stdin.isTTY && io.stderr.isTTY;
  const typed = asked
    ? await password({ message: question, output: process.stderr })
    : await readLine(io, { question, what: "an API key", maxChars: KEY_CHARS });
  if (typeof typed !== "string") throw new CliError("nothing was kept", CODE.interrupted);
  const key = typed.trim();
  if (!parseApiKey(key)) throw new CliError("the key is mistyped or incomplete: its form or checksum is wrong");
  const { session, ...rest } = profile;
  if (session) tellEarlier(io, name);
  return { profile: { ...rest, key }, said: "an API key, not tried yet", json: {} };
}

async function signIn(io: Io, { name, profile }: Place, wanted: string | undefined): Promise<Kept> {
  const jurisdiction = jurisdictionFor(profile, wanted);
  const client = makeClient(io, profile.url, undefined);
  const device = await client.signIn.device(jurisdiction, { signal: io.signal });
  line(io.stderr, safeText(`Open    ${device.verification_uri_complete}`));
  line(io.stderr, safeText(`or type ${device.user_code} at ${device.verification_uri}`));
  line(io.stderr, "and approve it there, if the code is this one. Waiting …");
  const { token, session_id, person_id, tenant_id, expires_at } = await waitForApproval(
    io,
    client,
    jurisdiction,
    device,
  );
  if (readToken(token)?.jurisdiction !== jurisdiction) {
    throw new CliError("the server answered something that is no session", CODE.unreachable);
  }
  if (profile.session) tellEarlier(io, name);
  return {
    profile: { ...profile, session: { token, session_id } },
    said: `signed in as ${person_id}${tenant_id ? ` of ${tenant_id}` : ""} until ${expires_at}`,
    json: { session_id, person_id, tenant_id, expires_at },
  };
}

const tellEarlier = (io: Io, name: string) =>
  line(io.stderr, `moonseal: the earlier session of profile ${name} goes on until it ends; end it: moonseal sessions`);

/** The flag's, or that of what the profile is about. */
function jurisdictionFor({ session, key, domain }: Profile, wanted: string | undefined): Jurisdiction {
  if (wanted !== undefined && !isJurisdiction(wanted)) {
    throw new CliError(`--jurisdiction must be ${JURISDICTIONS.join(" or ")}`);
  }
  const known = [
    wanted,
    session && readToken(session.token)?.jurisdiction,
    key && keyJurisdiction(key),
    domain && parseId(domain)?.jurisdiction,
  ];
  const found = known.find((jurisdiction) => isJurisdiction(jurisdiction));
  if (!found) throw new CliError(`say where your tenant is: --jurisdiction ${JURISDICTIONS.join(" or ")}`);
  return found as Jurisdiction;
}
