/** `policy`: writes, shows and keeps up the file that says whom this machine trusts about logs. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Command } from "commander";
import { toHex } from "../../core/bytes.ts";
import { COSIGNATURES } from "../../core/cosignature.ts";
import { LIMITS } from "../../core/limits.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { EXIT } from "../../verifier/chain.ts";
import { verifyCheckpointFile } from "../../verifier/checkpoint-file.ts";
import {
  type CosignerKey,
  logOfKey,
  logOfOrigin,
  parsePolicy,
  rememberedHead,
  type TrustPolicy,
} from "../../verifier/policy.ts";
import { EXIT_OF_VERDICT, type SignedHead } from "../../verifier/report.ts";
import { command, handle, integer, repeated, type Session } from "../action.ts";
import { replaceFile } from "../files.ts";
import { CliError, type Io } from "../io.ts";
import { line, safeText } from "../text.ts";
import { openBytes } from "../verify/open.ts";
import { printReport } from "../verify/print.ts";
import { NODE, parsePolicyText, pinnedPolicyPath, policyJson, readPolicyText } from "../verify/trust.ts";

export function policyCommand(session: Session): Command {
  return new Command("policy")
    .description("Write and show whom this machine trusts about logs")
    .addCommand(initCommand(session))
    .addCommand(showCommand(session))
    .addCommand(rememberCommand(session));
}

interface InitFlags {
  origin?: string[];
  witness?: string[];
  required?: number;
  out?: string;
  force?: boolean;
}

function initCommand(session: Session): Command {
  const independent = new Set<number>();
  const witnesses: string[] = [];
  const target = command("init", "Write a policy", [
    "moonseal policy init --key 'log.example/eu+619cea34+AR…'",
    "moonseal policy init --origin log.example/ --key 'log.example/eu+…' --witness 'w1.example+…' --independent --required 1",
  ])
    .option(
      "--origin <origin>",
      "the log that the --key of the same place is for; ending in / all logs below it",
      repeated,
    )
    .option(
      "--witness <key>",
      "verifier key of a witness (type 4 or 6); may be repeated: keys of one name are one witness",
      (key) => witnesses.push(key),
    )
    .option("--independent", "the witness before is run by somebody else than the log's operator")
    .option("--required <k>", "how many independent witnesses must have cosigned", integer(0, 1000))
    .option("--out <file>", "write it there (default: the policy of this machine)")
    .option("--force", "replace the file");
  target.on("option:independent", () => independent.add(witnesses.length - 1));
  return handle<InitFlags>(target, session, async (io, options) => {
    if (independent.has(-1)) throw new CliError("--independent comes after the --witness that it is about");
    const logs = logsOf(session.keys, options.origin ?? []);
    const written = {
      logs,
      witnesses: witnesses.map((key, i) => ({ key, independent: independent.has(i) })),
      required: options.required ?? 0,
      remembered: [],
    };
    const policy = parsePolicy(sha256, written);
    if (typeof policy === "string") throw new CliError(policy);
    const out = options.out ?? pinnedPolicyPath(io);
    await mkdir(dirname(out), { recursive: true, mode: 0o700 });
    const text = `${JSON.stringify(written, null, 2)}\n`;
    await writeFile(out, text, { flag: options.force ? "w" : "wx" }).catch((error: NodeJS.ErrnoException) => {
      const why =
        error.code === "EEXIST"
          ? "it is there already; --force replaces it, and forgets its remembered heads"
          : error.code;
      throw new CliError(`cannot write ${safeText(out)}: ${why}`);
    });
    line(io.stdout, `wrote ${safeText(out)}`);
    show(io, policy);
  });
}

/** Each key with the origin of its place; without origins each key says itself what it is for. */
function logsOf(keys: readonly string[], origins: readonly string[]) {
  if (keys.length === 0) throw new CliError("name a verifier key that you have pinned: --key");
  if (origins.length > 1 && origins.length !== keys.length) {
    throw new CliError("give one --origin for all keys, or one for each --key in the same order");
  }
  return keys.map((key, i) => {
    const origin = origins[i] ?? origins[0];
    const log = origin === undefined ? logOfKey(sha256, key) : logOfOrigin(sha256, origin, key);
    if (!log) throw new CliError("--key takes a verifier key such as log.example/eu+619cea34+AR…, not an API key");
    return log;
  });
}

interface FileFlags {
  policy?: string;
}

const whereOf = (io: Io, { policy }: FileFlags): string => policy ?? (io.env.MOONSEAL_POLICY || pinnedPolicyPath(io));

function showCommand(session: Session): Command {
  const target = command("show", "Show whom the policy trusts", ["moonseal policy show"]).option(
    "--policy <file>",
    "default: MOONSEAL_POLICY, or the policy of this machine",
  );
  return handle<FileFlags>(target, session, async (io, options) => {
    const path = whereOf(io, options);
    const policy = parsePolicyText(await readPolicyText(path), path);
    line(io.stdout, safeText(path));
    show(io, policy);
  });
}

function show(io: Io, { logs, witnesses, required, remembered }: TrustPolicy): void {
  const key = (publicKey: Uint8Array) => `Ed25519 ${toHex(publicKey).slice(0, 16)}…`;
  const cosigner = ({ type, publicKey }: CosignerKey) =>
    `${COSIGNATURES[type].algorithm} ${toHex(publicKey).slice(0, 16)}…`;
  const said = [
    ...logs.flatMap(({ origin, isPrefix, keys }) =>
      keys.map(({ publicKey }) => `log        ${isPrefix ? `every log ${origin}*` : origin}  ${key(publicKey)}`),
    ),
    ...witnesses.map(
      ({ name, keys, independent }) =>
        `witness    ${name}  ${keys.map(cosigner).join(" and ")}  ${independent ? "independent" : "of the log's operator, not counted"}`,
    ),
    `required   ${required} independent ${required === 1 ? "witness" : "witnesses"}`,
    ...remembered.map(({ origin, size, root }) => `remembered ${origin}  size ${size}, root ${root}`),
  ];
  for (const text of said) line(io.stdout, `  ${safeText(text)}`);
}

function rememberCommand(session: Session): Command {
  const target = command("remember", "Remember the head of a checkpoint, so that a log that contradicts it is seen", [
    "moonseal policy remember checkpoint.txt",
  ])
    .argument("<checkpoint>", "a path, an http(s) address, or -")
    .option("--policy <file>", "default: MOONSEAL_POLICY, or the policy of this machine");
  return handle<FileFlags, [string]>(target, session, async (io, options, name) => {
    const path = whereOf(io, options);
    const before = await readPolicyText(path);
    const policy = parsePolicyText(before, path);
    const text = new TextDecoder().decode(await openBytes(io, name, LIMITS.policyBytes));
    const report = verifyCheckpointFile(text, policy, NODE);
    const head = report.heads[0];
    if (report.verdict !== "verified" || !head) {
      printReport(io, { file: name, report }, path);
      return EXIT_OF_VERDICT[report.verdict];
    }
    const earlier = rememberedHead(policy, head.origin);
    await replaceFile(path, withHead(before, path, head));
    if (earlier && earlier.size < head.size) {
      line(
        io.stderr,
        `moonseal: that it extends the head of size ${earlier.size} was not checked: moonseal monitor does that`,
      );
    }
    line(io.stdout, safeText(`remembered ${head.origin}, size ${head.size}, root ${head.root}`));
    return EXIT.verified;
  });
}

/** The policy as it was written, with this head in place of an earlier one of the same log. */
function withHead(text: string, path: string, head: SignedHead): string {
  const { remembered = [], ...others } = policyJson(text, path) as { remembered?: SignedHead[] };
  const heads = [...remembered.filter(({ origin }) => origin !== head.origin), head];
  return `${JSON.stringify({ ...others, remembered: heads }, null, 2)}\n`;
}
