/** `export`: copies of entries that verify themselves (docs/exporting.md). */
import type { Command } from "commander";
import { LIMITS } from "../../core/limits.ts";
import { command, handle, integer, type Session } from "../action.ts";
import { connectToDomain } from "../connection.ts";
import { exportDetails, exportTable } from "../export/show.ts";
import { line, safeJson, safeText } from "../text.ts";
import { createCommand, downloadCommand } from "./export-archive.ts";

interface JsonFlag {
  json?: boolean;
}

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
