/** Waiting for an export, with a bar. */
import type { Export, MoonsealClient } from "../../client/index.ts";
import { idPattern } from "../../core/ids.ts";
import { adviceOn } from "../errors.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { Progress } from "../progress.ts";
import { safeText } from "../text.ts";

/**
 * The export, done, under the id that was asked for: ids become names of files. Throws `CliError` for an id that is none, whoever said
 * it, and for one that has failed, was withdrawn or has expired; the export goes on when this
 * is interrupted.
 */
export async function untilDone(io: Io, client: MoonsealClient, domainId: string, exportId: string): Promise<Export> {
  if (!idPattern("export").test(exportId)) throw new CliError(`${safeText(exportId)} is no id of an export`);
  const progress = new Progress(io, "export", "entry", "entries");
  try {
    for await (const now of client.exports.watch(domainId, exportId, { signal: io.signal })) {
      if (now.id !== exportId || now.domain_id !== domainId) {
        throw new CliError("the server answered about another export", CODE.unreachable);
      }
      const { scanned, total, entries } = now.progress;
      progress.update(scanned, total ?? 0, entries);
      if (now.status === "done") return now;
      if (now.status === "queued" || now.status === "running") continue;
      const why = now.failure ? `: ${adviceOn(now.failure)}` : "";
      throw new CliError(`the export ${safeText(exportId)} is ${now.status}${why}`, CODE.failed);
    }
  } finally {
    progress.clear();
  }
  throw new CliError("the export is not done", CODE.unreachable);
}
