/** The command line as a whole: global options, the list of commands, how help and usage errors are written. */
import { Command } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import type { Session } from "./action.ts";
import { accessCommand } from "./commands/access.ts";
import { appendCommand } from "./commands/append.ts";
import { bundleCommand } from "./commands/bundle.ts";
import { verifyCertificateCommand } from "./commands/certificate.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { domainsCommand } from "./commands/domains.ts";
import { eraseIdentityCommand } from "./commands/erasure.ts";
import { evidenceCommand } from "./commands/evidence.ts";
import { exportCommand } from "./commands/export.ts";
import { forkCommand } from "./commands/fork.ts";
import { healthCommand } from "./commands/health.ts";
import { holdsCommand } from "./commands/holds.ts";
import { importCommand } from "./commands/import.ts";
import { keysCommand } from "./commands/keys.ts";
import { loginCommand } from "./commands/login.ts";
import { logoutCommand } from "./commands/logout.ts";
import { getCommand, headCommand, residencyCommand } from "./commands/look.ts";
import { membersCommand } from "./commands/members.ts";
import { monitorCommand } from "./commands/monitor.ts";
import { moveCommand } from "./commands/move.ts";
import { policyCommand } from "./commands/policy.ts";
import { profilesCommand } from "./commands/profiles.ts";
import { queryCommand } from "./commands/query.ts";
import { rejectedCommand } from "./commands/rejected.ts";
import { retentionCommand } from "./commands/retention.ts";
import { revealCommand, searchCommand } from "./commands/reveal.ts";
import { schemasCommand } from "./commands/schemas.ts";
import { secondFactorCommand } from "./commands/second-factor.ts";
import { serviceAccountsCommand } from "./commands/service-accounts.ts";
import { sessionsCommand } from "./commands/sessions.ts";
import { statusCommand } from "./commands/status.ts";
import { tailCommand } from "./commands/tail.ts";
import { typesCommand } from "./commands/types.ts";
import { verifyCommand } from "./commands/verify.ts";
import { whoamiCommand } from "./commands/whoami.ts";
import { painter } from "./text.ts";

const EXIT_CODES = `
Exit codes: 0 done or verified, 1 refused or refuted, 2 wrong usage, 3 no answer, no access or could not check,
4 not witnessed as the policy asks, 5 contradicts the remembered head.

Settings: flags come before MOONSEAL_URL, MOONSEAL_KEY, MOONSEAL_DOMAIN, MOONSEAL_PROFILE, and those
before the profile. A key in a flag can be seen by other users of this machine: prefer the other ways.`;

export function buildProgram(session: Session): Command {
  const program = new Command("moonseal")
    .description("Append to, read and verify tamper-evident audit logs")
    .version(packageJson.version)
    .option("--profile <name>", "use this profile")
    .option("--url <url>", "address of the server")
    .option("--key <key>", "API key; for offline verification a verifier key, which may be repeated", (key) => {
      session.keys.push(key);
      return key;
    })
    .option("--domain <id>", "the log: dom_eu_… or dom_us_…")
    .addHelpText("after", EXIT_CODES);
  const commands = [
    profilesCommand(session),
    loginCommand(session),
    logoutCommand(session),
    whoamiCommand(session),
    domainsCommand(session),
    appendCommand(session),
    tailCommand(session),
    getCommand(session),
    queryCommand(session),
    searchCommand(session),
    revealCommand(session),
    headCommand(session),
    healthCommand(session),
    verifyCommand(session),
    evidenceCommand(session),
    exportCommand(session),
    bundleCommand(session),
    monitorCommand(session),
    forkCommand(session),
    policyCommand(session),
    eraseIdentityCommand(session),
    verifyCertificateCommand(session),
    importCommand(session),
    moveCommand(session),
    residencyCommand(session),
    statusCommand(session),
    doctorCommand(session),
    typesCommand(session),
    schemasCommand(session),
    rejectedCommand(session),
    keysCommand(session),
    serviceAccountsCommand(session),
    retentionCommand(session),
    holdsCommand(session),
    membersCommand(session),
    sessionsCommand(session),
    secondFactorCommand(session),
    accessCommand(session),
  ];
  for (const added of commands) program.addCommand(added);
  configure(program, session);
  return program;
}

/** Commands that were made apart inherit nothing by themselves. */
function configure(target: Command, session: Session): void {
  const { io } = session;
  target.exitOverride();
  target.showHelpAfterError("(--help says more)");
  target.configureHelp({ showGlobalOptions: true });
  target.configureOutput({
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => io.stderr.write(text),
    getOutHelpWidth: () => Math.min(io.stdout.columns, 110),
    getErrHelpWidth: () => Math.min(io.stderr.columns, 110),
    getOutHasColors: () => false,
    getErrHasColors: () => false,
    outputError: (text, write) => write(painter(io, io.stderr)("red", strayWord(target, text))),
  });
  for (const child of target.commands) configure(child, session);
}

/** Commander speaks of the default command, which somebody who mistypes another one has never named. */
function strayWord({ parent }: Command, text: string): string {
  const [, stray] = /^error: too many arguments for .*: (.*)\.\n$/.exec(text) ?? [];
  if (!stray || !parent?.parent) return text;
  const names = parent.commands.map((each) => each.name()).join(", ");
  return `error: not understood: ${stray}. The commands of ${parent.name()}: ${names}.\n`;
}
