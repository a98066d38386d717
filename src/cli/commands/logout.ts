/** `logout`: ends the session of a profile. */
import type { Command } from "commander";
import { MoonsealProblem } from "../../client/index.ts";
import { command, handle, type Session } from "../action.ts";
import { keepProfile, readConfig } from "../config.ts";
import { makeClient } from "../connection.ts";
import { CliError, type Io } from "../io.ts";
import { readToken } from "../session-token.ts";
import { line, safeText } from "../text.ts";

interface LogoutFlags {
  local?: boolean;
}

export function logoutCommand(session: Session): Command {
  const target = command("logout", "End the session of a profile and forget it", ["moonseal logout"])
    .option("--local", "only forget it here: the session goes on until it ends by itself")
    .addHelpText("after", "\nAn API key of the profile stays, and is used again.");
  return handle<LogoutFlags>(target, session, async (io, options) => {
    const config = await readConfig(io);
    const name = options.profile ?? io.env.MOONSEAL_PROFILE ?? config.current;
    const profile = name && Object.hasOwn(config.profiles, name) ? config.profiles[name] : undefined;
    if (!name || !profile?.session) throw new CliError("nobody is signed in; see: moonseal profiles list");
    const { session: open, ...rest } = profile;
    // Ended there before it is forgotten here: a second try finds it still.
    if (!options.local) await endSession(io, profile.url, open.token);
    await keepProfile(io, name, rest);
    line(io.stdout, safeText(`signed out of profile ${name}`));
  });
}

/** A session that is over already is fine. */
async function endSession(io: Io, url: string, token: string): Promise<void> {
  const jurisdiction = readToken(token)?.jurisdiction;
  if (!jurisdiction) return;
  try {
    await makeClient(io, url, token).signIn.logout(jurisdiction, { signal: io.signal });
  } catch (error) {
    if (!(error instanceof MoonsealProblem && error.status === 401)) throw error;
  }
}
