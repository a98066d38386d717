/** `profiles`: servers and keys under a name. Keys are never shown whole. */
import { confirm, isCancel, password, text } from "@clack/prompts";
import type { Command } from "commander";
import { parseId } from "../../core/ids.ts";
import { command, handle, type Session } from "../action.ts";
import { type Config, PROFILE_NAME, type Profile, readConfig, writeConfig } from "../config.ts";
import { type ConnectionFlags, isServerUrl, keyJurisdiction } from "../connection.ts";
import { configPath } from "../files.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { line, maskKey, safeJson, safeText } from "../text.ts";

export function profilesCommand(session: Session): Command {
  const add = command("add", "Add or replace a profile; asks on a terminal for what no flag says", [
    "moonseal profiles add demo-eu",
    "MOONSEAL_KEY=msk_eu_… moonseal profiles add demo-eu --url http://localhost:8787 --domain dom_eu_…",
  ]).argument("<name>", "letters, digits, _ . -");
  handle<ConnectionFlags, [string]>(add, session, addProfile);
  const list = command("list", "List the profiles", ["moonseal profiles list"]).option("--json", "as JSON");
  handle<{ json?: boolean }>(list, session, listProfiles);
  const use = command("use", "Choose the profile that is used when none is named", [
    "moonseal profiles use demo-eu",
  ]).argument("<name>");
  handle<object, [string]>(use, session, async (io, _options, name) => {
    const config = await readConfig(io);
    requireProfile(config, name);
    await writeConfig(io, { ...config, current: name });
    line(io.stdout, `using ${name}`);
  });
  const remove = command("remove", "Forget a profile (the key stays valid)", [
    "moonseal profiles remove demo-eu",
  ]).argument("<name>");
  handle<object, [string]>(remove, session, async (io, _options, name) => {
    const config = await readConfig(io);
    requireProfile(config, name);
    const { [name]: _, ...profiles } = config.profiles;
    await writeConfig(io, { ...config, profiles, current: config.current === name ? null : config.current });
    line(io.stdout, `removed ${name}; revoke its key if nobody uses it any more`);
  });
  return command("profiles", "Manage the profiles of this machine", ["moonseal profiles list"])
    .addCommand(list, { isDefault: true })
    .addCommand(add)
    .addCommand(use)
    .addCommand(remove);
}

async function addProfile(io: Io, options: ConnectionFlags, name: string): Promise<void> {
  if (!PROFILE_NAME.test(name))
    throw new CliError("a profile's name has letters, digits, _ . - and at most 64 characters");
  const given = {
    url: options.url ?? io.env.MOONSEAL_URL,
    key: options.key ?? io.env.MOONSEAL_KEY,
    domain: options.domain ?? io.env.MOONSEAL_DOMAIN,
  };
  const config = await readConfig(io);
  // Prompts need a terminal on both sides; a script gets an error instead of a question that nobody sees.
  const interactive = io.stdin.isTTY === true && io.stderr.isTTY && (!given.url || !given.key);
  const profile = interactive ? await ask(given, Object.hasOwn(config.profiles, name)) : given;
  const faults = [urlFault(profile.url), keyFault(profile.key), domainFault(profile.domain)].filter((fault) => fault);
  if (faults.length) throw new CliError(faults.join("; "));
  const { url = "", key, domain } = profile;
  const added: Profile = { url, ...(key ? { key } : {}), ...(domain ? { domain } : {}) };
  await writeConfig(io, {
    ...config,
    profiles: { ...config.profiles, [name]: added },
    current: config.current ?? name,
  });
  line(io.stdout, `saved ${name} to ${configPath(io)}`);
}

type Fields = { [field in "url" | "key" | "domain"]?: string | undefined };

async function ask(given: Fields, exists: boolean): Promise<Fields> {
  const answer = async <T extends string | boolean>(question: Promise<T | symbol>): Promise<T> => {
    const value = await question;
    if (isCancel(value)) throw new CliError("nothing was saved", CODE.interrupted);
    return value as T;
  };
  // On stderr, so that standard output stays clean for pipes.
  const output = process.stderr;
  if (exists && !(await answer(confirm({ message: "There is a profile of this name. Replace it?", output })))) {
    throw new CliError("nothing was saved", CODE.failed);
  }
  const url = await answer<string>(
    text({
      message: "Address of the server",
      initialValue: given.url ?? "",
      validate: (value) => urlFault(value),
      output,
    }),
  );
  const key = await answer<string>(
    password({ message: "API key (msk_…)", validate: (value) => keyFault(value), output }),
  );
  const domain = await answer<string>(
    text({
      message: "Domain (dom_…; may stay empty)",
      initialValue: given.domain ?? "",
      validate: (value) => domainFault(value),
      output,
    }),
  );
  return { url, key, domain };
}

const urlFault = (url: string | undefined) =>
  isServerUrl(url ?? "") ? undefined : "--url must be an http(s) address without user or query";
const keyFault = (key: string | undefined) =>
  !key || keyJurisdiction(key) ? undefined : "the key is mistyped or incomplete: its form or checksum is wrong";
const domainFault = (domain: string | undefined) =>
  !domain || parseId(domain)?.kind === "domain" ? undefined : "--domain must be a domain id (dom_eu_… or dom_us_…)";

async function listProfiles(io: Io, options: { json?: boolean }): Promise<void> {
  const { profiles, current } = await readConfig(io);
  const shown = Object.entries(profiles).map(([name, { url, key, session, domain }]) => ({
    name,
    current: name === current,
    url,
    key: key ? maskKey(key) : null,
    session: session?.session_id ?? null,
    domain: domain ?? null,
  }));
  if (options.json) return line(io.stdout, safeJson({ profiles: shown }));
  if (shown.length === 0)
    line(io.stdout, "no profiles yet; add one: moonseal profiles add NAME, or: moonseal login --profile NAME");
  for (const { name, current: used, url, key, session, domain } of shown) {
    const credential = session ? `signed in, ${session}` : (key ?? "no key");
    line(io.stdout, safeText(`${used ? "*" : " "} ${name}  ${url}  ${credential}  ${domain ?? "no domain"}`));
  }
}

function requireProfile(config: Config, name: string): void {
  if (!Object.hasOwn(config.profiles, name)) throw new CliError(`there is no profile ${safeText(name)}`);
}
