/** `evidence`: downloads the offline proof of one entry. What it proves says `verify`, here or anywhere else. */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { command, handle, type Session } from "../action.ts";
import { connectToDomain } from "../connection.ts";
import { CliError } from "../io.ts";
import { line, safeText } from "../text.ts";

interface EvidenceFlags {
  out?: string;
  force?: boolean;
}

export function evidenceCommand(session: Session): Command {
  const target = command("evidence", "Download the offline proof of one entry", [
    "moonseal evidence 42 --out entry-42.tlog-proof",
    "moonseal evidence 42 | moonseal verify - --policy policy.json",
  ])
    .argument("<seq|id>", "seq (0-based) or id of the entry")
    .option("--out <file>", "write it there (default: standard output)")
    .option("--force", "replace the file");
  return handle<EvidenceFlags, [string]>(target, session, async (io, options, which) => {
    const { client, domainId } = await connectToDomain(io, options);
    const text = await client.evidence(domainId, which, { signal: io.signal });
    if (options.out === undefined) return io.stdout.write(text);
    await writeFile(options.out, text, { flag: options.force ? "w" : "wx" }).catch((error: NodeJS.ErrnoException) => {
      const why = error.code === "EEXIST" ? "it is there already; --force replaces it" : error.code;
      throw new CliError(`cannot write ${safeText(options.out)}: ${why}`);
    });
    line(
      io.stderr,
      `moonseal: wrote ${safeText(options.out)}; verify it with: moonseal verify ${safeText(options.out)}`,
    );
  });
}
