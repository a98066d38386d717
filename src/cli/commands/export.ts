/** `export`: copies of entries that verify themselves (docs/exporting.md). */
import type { Command } from "commander";
import type { Export, ExportWish, MoonsealClient } from "../../client/index.ts";
import { LIMITS } from "../../core/limits.ts";
import { command, handle, integer, type Session, seqNumber } from "../action.ts";
import { connectToDomain, splitKeys } from "../connection.ts";
import { downloadExport } from "../export/download.ts";
import { exportDetails, exportTable } from "../export/show.ts";
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
  wait: boolean;
}

interface JsonFlag {
  json?: boolean;
}

const FORMATS = ["ndjson", "json", "csv"] as const;

export function exportCommand(session: Session): Command {
  const parent = command("export", "Export entries as an archive that verifies itself, in ten years too", [
    "moonseal export create 'action:secret.* after:-7d' --format csv --out export.zip",
    "moonseal export download exp_eu_… --out export.zip",
    "moonseal verify export.zip --policy policy.json",
  ]);
  return parent
    .addCommand(createCommand(session))
    .addCommand(listCommand(session))
    .addCommand(showCommand(session))
    .addCommand(downloadCommand(session))
    .addCommand(linkCommand(session))
    .addCommand(revokeCommand(session));
}

function createCommand(session: Session): Command {
  const target = command("create", "Make an export, and with --out download and verify it", [
    "moonseal export create --out everything.zip",
    "moonseal export create 'is:failed on:2023-07-10' --format csv --format json --out failed.zip",
    "moonseal export create --from 0 --to 9999 --no-wait",
  ])
    .argument("[query...]", "which entries, in the language of docs/querying.md (default: every one of the range)")
    .option("--from <seq>", "first entry (default: 0)", seqNumber)
    .option("--to <seq>", "last entry (default: the newest)", seqNumber)
    .option("--format <format>", "also as json or csv; may be repeated (ndjson is always in it)", format)
    .option(
      "--expires-in <seconds>",
      "delete it so long after it is ready",
      integer(LIMITS.exportLifeMinS, LIMITS.exportLifeMaxS),
    )
    .option("--no-wait", "do not wait until it is ready")
    .allowUnknownOption();
  withDownload(target);
  return handle<CreateFlags, [string[]]>(target, session, async (io, options, words) => {
    const { from, to, out } = options;
    if (from !== undefined && to !== undefined && from > to) throw new CliError("--from must not be greater than --to");
    if (out !== undefined && !options.wait) throw new CliError("--out waits; leave --no-wait out");
    const wish = { q: queryText(words, io.now()), from, to, formats: options.format, expires_in: options.expiresIn };
    const { verifierKeys, flags } = splitKeys(session.keys, options);
    await readTrust(io, options.policy, verifierKeys);
    const { client, domainId } = await connectToDomain(io, flags);
    const begun = await client.exports.create(domainId, wish, { signal: io.signal });
    line(io.stderr, `moonseal: making ${begun.id}`);
    if (!options.wait) return said(io, begun, options);
    const done = await untilDone(io, client, domainId, begun.id);
    if (out === undefined) return said(io, done, options);
    return fetched(io, client, done, { ...options, out }, verifierKeys);
  });
}

function listCommand(session: Session): Command {
  const target = command("list", "List the exports of the domain, newest first", ["moonseal export list"]).option(
    "--json",
    "as JSON",
  );
  return handle<JsonFlag>(target, session, async (io, options) => {
    const { client, domainId } = await connectToDomain(io, options);
    const exports = await client.exports.list(domainId, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson({ exports }, 2));
    exportTable(io, exports);
  });
}

function showCommand(session: Session): Command {
  const target = command("show", "Show one export and how far it is", ["moonseal export show exp_eu_…"])
    .argument("<export>", "its id")
    .option("--json", "as JSON");
  return handle<JsonFlag, [string]>(target, session, async (io, options, id) => {
    const { client, domainId } = await connectToDomain(io, options);
    const shown = await client.exports.read(domainId, id, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson(shown, 2));
    exportDetails(io, shown);
  });
}

function downloadCommand(session: Session): Command {
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

function linkCommand(session: Session): Command {
  const target = command("link", "Make a link that downloads an export without any other credential", [
    "moonseal export link exp_eu_… --expires-in 3600",
  ])
    .argument("<export>", "its id")
    .option("--expires-in <seconds>", "good for so long (default: 3600)", integer(1, LIMITS.exportLinkMaxS))
    .option("--json", "as JSON");
  return handle<JsonFlag & { expiresIn?: number }, [string]>(target, session, async (io, options, id) => {
    const { client, domainId } = await connectToDomain(io, options);
    const link = await client.exports.link(domainId, id, { expires_in: options.expiresIn }, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson(link));
    line(io.stdout, safeText(link.url));
    line(
      io.stderr,
      safeText(`moonseal: ${link.id}, until ${link.expires_at}; shown once. Whoever has it has the export`),
    );
  });
}

function revokeCommand(session: Session): Command {
  const target = command("revoke", "Withdraw an export, or end one link to it", [
    "moonseal export revoke exp_eu_…",
    "moonseal export revoke exp_eu_… --link lnk_eu_…",
  ])
    .argument("<export>", "its id")
    .option("--link <id>", "only this link");
  return handle<{ link?: string }, [string]>(target, session, async (io, options, id) => {
    const { client, domainId } = await connectToDomain(io, options);
    if (options.link === undefined) await client.exports.revoke(domainId, id, { signal: io.signal });
    else await client.exports.revokeLink(domainId, id, options.link, { signal: io.signal });
    line(
      io.stderr,
      `moonseal: ${options.link === undefined ? "withdrawn; who has downloaded it has it" : "the link is dead"}`,
    );
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

function said(io: Io, of: Export, { json }: JsonFlag): void {
  line(io.stdout, json ? safeJson(of) : of.id);
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
