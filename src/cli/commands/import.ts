/** `import cloudtrail`: AWS CloudTrail log files as AWS wrote them. */
import { Command } from "commander";
import { BatchingAppender } from "../../client/index.ts";
import { command, handle, integer, type Session } from "../action.ts";
import { findFiles } from "../cloudtrail/find-files.ts";
import { Importer, type ImportHooks } from "../cloudtrail/import-files.ts";
import { ImportSummary } from "../cloudtrail/summary.ts";
import { type ConnectionFlags, connectToDomain } from "../connection.ts";
import { CODE, type Io } from "../io.ts";
import { Progress } from "../progress.ts";
import { line, safeJson, safeText } from "../text.ts";

interface ImportFlags {
  json?: boolean;
  dryRun?: boolean;
  show: number;
}

/** Bounds of one request; the server takes twice as much. */
const BATCH = { maxEvents: 500, maxBytes: 2 * 1024 * 1024, maxPending: 1500 };
/** An import runs unattended: it waits out a restart of the server. */
const RETRY = { attempts: 10, maxMs: 20_000 };
const SHOWN_BAD_RECORDS = 50;

const MAPPING = `
How a record becomes an event:
  eventSource, eventName   action: s3.amazonaws.com GetBucketACL -> s3.get_bucket_acl
  eventID                  id, so that importing twice adds nothing
  eventTime                occurred_at
  userIdentity             people (users, roles' sessions, root, federated): actor and subject of type user, which
                           enter the log as pseudonyms; AWSService: actor of type service; nobody: anonymous
  accessKeyId              actor.via (private)
  errorCode                AccessDenied, Unauthorized: outcome denied; any other: failure
  sourceIPAddress          context.ip, or metadata.source_host when AWS names a service (private)
  userAgent, requestID     context.user_agent (private), context.request_id (clear)
  awsRegion, eventType, eventCategory, eventVersion, readOnly, managementEvent, errorCode,
  eventSource, eventName   metadata, in clear
  everything else          metadata, private: requestParameters, responseElements, errorMessage, resources, ...
Private values are kept sealed. Those about people who were erased are not stored; the summary counts them.

Exit codes: 0 all records are in, 1 some were bad, 2 wrong usage, 3 the server could not be reached.`;

export function importCommand(session: Session): Command {
  const cloudtrail = command("cloudtrail", "Import AWS CloudTrail log files", [
    "moonseal import cloudtrail ./AWSLogs",
    "moonseal import cloudtrail --dry-run --show 2 trail.json.gz",
  ])
    .argument("<path...>", "files (plain or gzip), or folders that are searched for .json and .json.gz")
    .option("--dry-run", "map everything, show the first events, send nothing")
    .option("--show <n>", "how many events a dry run shows", integer(0, 100_000), 3)
    .option("--json", "the summary as JSON")
    .addHelpText("after", MAPPING);
  handle<ImportFlags, [string[]]>(cloudtrail, session, importCloudTrail);
  return new Command("import").description("Import logs of other systems").addCommand(cloudtrail);
}

async function importCloudTrail(io: Io, options: ImportFlags & ConnectionFlags, paths: string[]): Promise<number> {
  const files = await findFiles(paths);
  const summary = new ImportSummary();
  const progress = new Progress(io, "import", "record");
  const stop = new AbortController();
  const signal = AbortSignal.any([io.signal, stop.signal]);
  const appender = options.dryRun ? null : await openAppender(io, options, signal);
  const hooks = hooksOf(io, options, summary, progress);
  const importer = new Importer(appender, summary, hooks, () => stop.abort());
  try {
    await importer.run(files, io.signal);
  } finally {
    progress.clear();
    if (options.json) line(io.stdout, safeJson({ ...summary.toJson(), elapsed_ms: Math.round(progress.elapsedMs) }));
    else printSummary(io, summary, progress, options.dryRun ?? false);
  }
  return summary.allIn ? CODE.ok : CODE.failed;
}

async function openAppender(io: Io, options: ConnectionFlags, signal: AbortSignal): Promise<BatchingAppender> {
  const { client, domainId } = await connectToDomain(io, options, { retry: RETRY });
  return new BatchingAppender(client, domainId, { ...BATCH, signal });
}

function hooksOf(io: Io, options: ImportFlags, summary: ImportSummary, progress: Progress): ImportHooks {
  const say = (text: string) => {
    progress.clear();
    line(io.stderr, text);
  };
  return {
    onEvent: (file, index, event) => {
      if (!options.dryRun || options.json || summary.mapped > options.show) return;
      line(io.stdout, safeJson({ file, index, event }, io.stdout.isTTY ? 2 : undefined));
    },
    onBad: ({ file, index, why }) => {
      const shown = summary.badRecords + summary.badFiles;
      if (shown <= SHOWN_BAD_RECORDS) say(safeText(`${file}${index === null ? "" : `: record ${index}`}: ${why}`));
      if (shown === SHOWN_BAD_RECORDS) say("further bad records are counted, and named with --json");
    },
    onSkipped: (file, why) => say(safeText(`${file}: skipped, ${why}`)),
    onProgress: (read, total) => progress.update(read, total, summary.records),
  };
}

function printSummary(io: Io, summary: ImportSummary, progress: Progress, dryRun: boolean): void {
  const seconds = progress.elapsedMs / 1000;
  const rate = seconds > 0 ? `, ${Math.round(summary.records / seconds)} records/s` : "";
  const out = dryRun ? io.stderr : io.stdout;
  for (const text of summary.toLines(dryRun)) line(out, text);
  line(out, `  in ${seconds.toFixed(1)} s${rate}`);
}
