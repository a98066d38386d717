/** `export create` and `export download`: an archive is made, fetched and verified. */
import type { Command } from "commander";
import type { Export, ExportWish, MoonsealClient } from "../../client/index.ts";
import { LIMITS } from "../../core/limits.ts";
import { command, handle, integer, type Session, seqNumber } from "../action.ts";
import { connectToDomain, splitKeys } from "../connection.ts";
import { downloadExport } from "../export/download.ts";
import { untilDone } from "../export/watch.ts";
import { CliError, type Io } from "../io.ts";
import { queryText } from "../query/text.ts";
import { line, safeJson, safeText } from "../text.ts";
import { readTrust } from "../verify/trust.ts";
import { verifyFiles } from "../verify/verify-files.ts";

interface DownloadFlags {
  out?: string;
  force?: boolean;
  verify: boolean;
  policy?: string;
  json?: boolean;
}

interface CreateFlags extends DownloadFlags {
  from?: number;
  to?: number;
  format?: ExportWish["formats"];
  expiresIn?: number;
  private?: boolean;
  reason?: string;
  wait: boolean;
}

const FORMATS = ["ndjson", "json", "csv", "pdf"] as const;

export function createCommand(session: Session): Command {
  const target = command("create", "Make an export, and with --out download and verify it", [
    "moonseal export create --out everything.zip",
    "moonseal export create 'is:failed on:2023-07-10' --format csv --format json --out failed.zip",
    "moonseal export create --from 0 --to 9999 --no-wait",
    "moonseal export create 'actor:user' --private --reason \"request DSR-17\" --expires-in 86400 --out private.zip",
  ])
    .argument("[query...]", "which entries, in the language of docs/querying.md (default: every one of the range)")
    .option("--from <seq>", "first entry (default: 0)", seqNumber)
    .option("--to <seq>", "last entry (default: the newest)", seqNumber)
    .option("--format <format>", "also as json, csv or pdf; may be repeated (ndjson is always in it)", format)
    .option(
      "--expires-in <seconds>",
      "delete it so long after it is ready",
      integer(LIMITS.exportLifeMinS, LIMITS.exportLifeMaxS),
    )
    .option("--private", "with private values in clear; needs the permission entry.reveal, and --reason")
    .option("--reason <text>", "with --private: why; kept in the log, sealed")
    .option("--no-wait", "do not wait until it is ready")
    .allowUnknownOption();
  withDownload(target);
  return handle<CreateFlags, [string[]]>(target, session, async (io, options, words) => {
    const { from, to, out } = options;
    if (from !== undefined && to !== undefined && from > to) throw new CliError("--from must not be greater than --to");
    if (out !== undefined && !options.wait) throw new CliError("--out waits; leave --no-wait out");
    const wish: ExportWish = {
      ...{ q: queryText(words, io.now()), from, to, formats: options.format, expires_in: options.expiresIn },
      ...privately(options),
    };
    const { verifierKeys, flags } = splitKeys(session.keys, options);
    await readTrust(io, options.policy, verifierKeys);
    const { client, domainId } = await connectToDomain(io, flags);
    const begun = await client.exports.create(domainId, wish, { signal: io.signal });
    line(io.stderr, safeText(`moonseal: making ${begun.id}`));
    if (!options.wait) return said(io, begun, options);
    const done = await untilDone(io, client, domainId, begun.id);
    if (out === undefined) return said(io, done, options);
    return fetched(io, client, done, { ...options, out }, verifierKeys);
  });
}

export function downloadCommand(session: Session): Command {
  const target = command("download", "Download an export and verify it; goes on where it was stopped", [
    "moonseal export download exp_eu_… --out export.zip --policy policy.json",
  ]).argument("<export>", "its id");
  withDownload(target);
  return handle<DownloadFlags, [string]>(target, session, async (io, options, id) => {
    const { verifierKeys, flags } = splitKeys(session.keys, options);
    await readTrust(io, options.policy, verifierKeys);
    const { client, domainId } = await connectToDomain(io, flags);
    const done = await untilDone(io, client, domainId, id);
    return fetched(io, client, done, { ...options, out: options.out ?? `${done.id}.zip` }, verifierKeys);
  });
}

const withDownload = (target: Command): Command =>
  target
    .option("--out <file>", "download it there")
    .option("--force", "replace the file")
    .option("--no-verify", "do not verify what was downloaded")
    .option("--policy <file>", "whom to trust when verifying; see moonseal policy")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      "\nVerifying: --key may also be a verifier key that you have pinned. Exit codes are those of moonseal verify.",
    );

/** Checked before anything is sent: a reason without values would be an entry about nothing. */
function privately({ private: isPrivate = false, reason }: CreateFlags): Pick<ExportWish, "include_private"> {
  if (isPrivate !== (reason !== undefined)) throw new CliError("--private and --reason belong together");
  return reason === undefined ? {} : { include_private: { reason } };
}

function said(io: Io, of: Export, { json }: { json?: boolean }): void {
  line(io.stdout, json ? safeJson(of) : safeText(of.id));
}

async function fetched(
  io: Io,
  client: MoonsealClient,
  of: Export,
  { out, force = false, verify, policy, json = false }: DownloadFlags & { out: string },
  keys: readonly string[],
): Promise<number | void> {
  await downloadExport(io, client, { export: of, out, force });
  line(io.stderr, safeText(`moonseal: wrote ${of.bytes.toLocaleString("en-US")} bytes to ${out}`));
  if (verify) return verifyFiles(io, { names: [out], policy, keys, json });
  if (json) line(io.stdout, safeJson(of));
}

function format(value: string, before: ExportWish["formats"] = []): NonNullable<ExportWish["formats"]> {
  const known = FORMATS.find((name) => name === value);
  if (!known) throw new CliError(`--format must be one of ${FORMATS.join(", ")}`);
  return [...new Set([...before, known])];
}
