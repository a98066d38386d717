/** Profiles: where a server is and with which credential to talk to it. One JSON file, readable by its owner only. */
import { stat } from "node:fs/promises";
import { configPath, readIfThere, replaceFile } from "./files.ts";
import { CliError, type Io } from "./io.ts";

/** A person who is signed in. Comes before the key of the same profile, as long as it is there. */
export interface StoredSession {
  token: string;
  session_id: string;
}

export interface Profile {
  url: string;
  key?: string;
  session?: StoredSession;
  domain?: string;
}

export interface Config {
  version: 1;
  current: string | null;
  profiles: { [name: string]: Profile };
}

export const PROFILE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** An absent file is an empty configuration; one that cannot be understood is an error, never overwritten. */
export async function readConfig(io: Io): Promise<Config> {
  const path = configPath(io);
  const text = await readIfThere(path);
  if (text === null) return { version: 1, current: null, profiles: {} };
  const config = parseConfig(text);
  if (!config) throw new CliError(`${path} is not a configuration of this version; move it away or repair it`);
  return config;
}

export async function writeConfig(io: Io, config: Config): Promise<void> {
  await replaceFile(configPath(io), `${JSON.stringify(config, null, 2)}\n`);
}

/** Adds or replaces one profile; the first one is the one in use. */
export async function keepProfile(io: Io, name: string, profile: Profile): Promise<void> {
  const config = await readConfig(io);
  const profiles = { ...config.profiles, [name]: profile };
  await writeConfig(io, { ...config, profiles, current: config.current ?? name });
}

/** Permission bits of the file, `null` when there is none. */
export async function configMode(io: Io): Promise<number | null> {
  const stats = await stat(configPath(io)).catch(() => null);
  return stats && stats.mode & 0o777;
}

function parseConfig(text: string): Config | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { version, current, profiles } = (value ?? {}) as Partial<Config>;
  if (version !== 1 || typeof profiles !== "object" || profiles === null) return null;
  const good = Object.entries(profiles).every(([name, profile]) => PROFILE_NAME.test(name) && isProfile(profile));
  return good ? { version, current: typeof current === "string" ? current : null, profiles } : null;
}

function isProfile(value: unknown): value is Profile {
  const profile = value as Partial<Profile> | null;
  const optional = [profile?.key, profile?.domain].every((field) => field === undefined || typeof field === "string");
  return typeof profile?.url === "string" && optional && isSession(profile.session);
}

function isSession(value: unknown): boolean {
  const session = value as Partial<StoredSession> | null | undefined;
  if (session === undefined) return true;
  return typeof session?.token === "string" && typeof session.session_id === "string";
}
