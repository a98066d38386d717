/** `fork`: of two files about one log that contradict each other, one file that proves it to everybody. Offline. */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { decode } from "../../core/bundle.ts";
import { LIMITS } from "../../core/limits.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { verifyFork } from "../../verifier/fork.ts";
import { forkBetween } from "../../verifier/fork-between.ts";
import { command, handle, type Session } from "../action.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { line, safeText } from "../text.ts";
import { openBytes } from "../verify/open.ts";
import { NODE, readTrust } from "../verify/trust.ts";

interface ForkFlags {
  out?: string;
  force?: boolean;
  policy?: string;
}

export function forkCommand(session: Session): Command {
  const target = command("fork", "Make one proof of misbehaviour of two files that contradict each other", [
    "moonseal fork mine.tlog-proof theirs.tlog-proof --out invoices.fork --policy policy.json",
    "moonseal fork one-checkpoint.txt another-checkpoint.txt --key 'log.example/eu+619cea34+AR…' | moonseal verify -",
  ])
    .argument("<file>", "evidence of an entry, or a checkpoint; a path, an http(s) address, or -")
    .argument(
      "<other>",
      "evidence of another entry in the same place of the same log, or a checkpoint of the same size",
    )
    .option("--out <file>", "write it there (default: standard output)")
    .option("--force", "replace the file")
    .option("--policy <file>", "whom to trust about the log; see moonseal policy")
    .addHelpText(
      "after",
      "\nThe file holds hashes and the two signed checkpoints, and no entry. --key is a verifier key that you have pinned, not an API key.\nExit codes: 0 it proves the misbehaviour, 2 wrong usage, 3 the files prove none, or no key of the log is trusted (the file is written then).",
    );
  return handle<ForkFlags, [string, string]>(target, session, async (io, options, ...names) => {
    const { policy } = await readTrust(io, options.policy, session.keys);
    const built = forkBetween(sha256, [await textOf(io, names[0]), await textOf(io, names[1])]);
    if (!built.ok) throw new CliError(`could not check: ${built.why}`, CODE.unreachable);
    const report = verifyFork(built.text, policy, NODE);
    const wrong = report.steps.find(({ status }) => status === "failed");
    // `history` fails when the misbehaviour is proved: it is about the log, not about the file.
    if (wrong && !report.misbehaved) throw new CliError(`could not check: ${safeText(wrong.detail)}`, CODE.unreachable);
    await write(io, built.text, options);
    line(io.stderr, `moonseal: ${safeText(report.misbehaved ? report.subject : UNTRUSTED)}`);
    return report.misbehaved ? CODE.ok : CODE.unreachable;
  });
}

const UNTRUSTED =
  "the files contradict each other, but no key of this log is trusted here, so nothing is proved yet: moonseal verify it with --key or --policy";

async function textOf(io: Io, name: string): Promise<string> {
  return decode(await openBytes(io, name, LIMITS.verifyFileBytes)) ?? "";
}

async function write(io: Io, text: string, { out, force }: ForkFlags): Promise<void> {
  if (out === undefined) return void io.stdout.write(text);
  await writeFile(out, text, { flag: force ? "w" : "wx" }).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === "EEXIST" ? "it is there already; --force replaces it" : error.code;
    throw new CliError(`cannot write ${safeText(out)}: ${why}`);
  });
  line(io.stderr, `moonseal: wrote ${safeText(out)}; verify it with: moonseal verify ${safeText(out)}`);
}
