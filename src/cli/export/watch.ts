/** Waiting for an export, with a bar. */
import type { Export, MoonsealClient } from "../../client/index.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { Progress } from "../progress.ts";
import { safeText } from "../text.ts";

/** The export, done. Throws `CliError` for one that has failed, was withdrawn or has expired; the export goes on when this is interrupted. */
export async function untilDone(io: Io, client: MoonsealClient, domainId: string, exportId: string): Promise<Export> {
  const progress = new Progress(io, "export", "entry", "entries");
  try {
    for await (const now of client.exports.watch(domainId, exportId, { signal: io.signal })) {
      const { scanned, total, entries } = now.progress;
      progress.update(scanned, total ?? 0, entries);
      if (now.status === "done") return now;
      if (now.status === "queued" || now.status === "running") continue;
      const why = now.failure ? `: ${safeText(now.failure)}` : "";
      throw new CliError(`the export ${safeText(exportId)} is ${now.status}${why}`, CODE.failed);
    }
  } finally {
    progress.clear();
  }
  throw new CliError("the export is not done", CODE.unreachable);
}
