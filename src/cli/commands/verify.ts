/**
 * `verify`: recomputes the log here (or asks the server to) and compares it with the head that is remembered; with files, verifies
 * those, offline.
 */
import type { Command } from "commander";
import type { MoonsealClient } from "../../client/index.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { EXIT_OF_VERDICT } from "../../verifier/report.ts";
import { command, handle, type Session, seqNumber } from "../action.ts";
import { connectToDomain, type DomainConnection, readSettings, splitKeys } from "../connection.ts";
import { asCouldNotCheck } from "../errors.ts";
import { headPath } from "../files.ts";
import { CliError, type Io } from "../io.ts";
import { NoAnswer } from "../monitor/fetch-bytes.ts";
import { serverSource } from "../monitor/source.ts";
import { Progress } from "../progress.ts";
import { line, painter, safeJson, safeText } from "../text.ts";
import { verifyDisclosure } from "../verify/disclosure.ts";
import { readHead, rememberHead } from "../verify/heads.ts";
import { type ReportContext, reportJson, reportLines } from "../verify/report.ts";
import { verifyByServer } from "../verify/server.ts";
import { readTrust, type Trust } from "../verify/trust.ts";
import { verifyBucket } from "../verify/verify-bucket.ts";
import { verifyFiles } from "../verify/verify-files.ts";
import { type LogReport, verifyLog } from "../verify/verify-log.ts";

interface VerifyFlags {
  from?: number;
  to?: number;
  sinceHead?: boolean;
  head?: string;
  remember: boolean;
  server?: boolean;
  disclosure?: string;
  bucket?: string;
  policy?: string;
  json?: boolean;
}

const OF_A_LOG = ["from", "to", "sinceHead", "head", "server", "disclosure", "remember"] as const;

export function verifyCommand(session: Session): Command {
  const target = command("verify", "Verify a log, or files about a log without its server", [
    "moonseal verify",
    "moonseal verify entry-42.tlog-proof --policy policy.json",
    "moonseal verify entry-42.tlog-proof --key 'log.example/eu+619cea34+AR…'",
    "moonseal verify --since-head --json",
    "moonseal verify --from 1000 --to 1999",
    "moonseal verify --disclosure disclosure.json",
    "moonseal verify --bucket ./copy-of-the-bucket --policy policy.json",
  ])
    .argument(
      "[file...]",
      "evidence, export bundles, checkpoints, disclosures, certificates; a path, an http(s) address, or - (default: the whole log, over the network)",
    )
    .option("--policy <file>", "whom to trust about files, and about the log's signed checkpoint; see moonseal policy")
    .option("--from <seq>", "first entry (default: 0)", seqNumber)
    .option("--to <seq>", "last entry (default: the head)", seqNumber)
    .option(
      "--since-head",
      "only what came since the remembered head, which covers the entries before it by their hashes",
    )
    .option(
      "--head <file>",
      "where the head of the last run is remembered (default: one file per domain in the state folder)",
    )
    .option("--no-remember", "compare with the remembered head, but do not remember this one")
    .option("--server", "let the server recompute; says only what the server says")
    .option("--disclosure <file>", "check offline, without server and key, the values that a file discloses")
    .option(
      "--bucket <folder>",
      "check offline every log of a copy of the archive bucket (audit/, tlog/); --domain picks one",
    )
    .option("--json", "the report as JSON")
    .addHelpText(
      "after",
      "\nExit codes: 0 verified, 1 refuted, 2 wrong usage, 3 could not check, 4 not witnessed as the policy asks, 5 contradicts the\nremembered head. About files, --key is a verifier key that you have pinned, not an API key; about a log it may be given twice, once as each.",
    );
  return handle<VerifyFlags, [string[]]>(target, session, async (io, options, names) => {
    if (options.bucket !== undefined) {
      const ofLog = OF_A_LOG.find((name) => options[name] !== undefined && options[name] !== (name === "remember"));
      if (ofLog || names.length > 0)
        throw new CliError("--bucket verifies a folder; leave files and the options about a served log out");
      const { policy, json = false } = options;
      const { domain } = options as VerifyFlags & { domain?: string };
      return verifyBucket(io, { folder: options.bucket, domainId: domain, policy, keys: session.keys, json });
    }
    if (names.length > 0) {
      const ofLog = OF_A_LOG.find((name) => options[name] !== undefined && options[name] !== (name === "remember"));
      if (ofLog) throw new CliError("files are verified without the log; leave the options about the log out");
      return verifyFiles(io, { names, policy: options.policy, keys: session.keys, json: options.json ?? false });
    }
    if (options.policy !== undefined && (options.server || options.disclosure !== undefined))
      throw new CliError(
        "--policy is for files and for the log's own checkpoint: neither --server nor --disclosure has one",
      );
    if (options.disclosure !== undefined) {
      if (options.server || options.sinceHead || options.from !== undefined || options.to !== undefined)
        throw new CliError("--disclosure checks a file, without the log; leave the other options out");
      return verifyDisclosure(io, options.disclosure, options.json ?? false);
    }
    if (options.sinceHead && options.from !== undefined)
      throw new CliError("--since-head and --from exclude each other");
    if (options.server && options.sinceHead)
      throw new CliError("--server and --since-head exclude each other: the server knows no remembered head");
    if (options.server && options.head)
      throw new CliError("--server and --head exclude each other: the server compares with no remembered head");
    const { verifierKeys, flags } = splitKeys(session.keys, options);
    const trust = await readTrust(io, options.policy, options.server ? [] : verifierKeys);
    if (!(await readSettings(io, flags)).url) {
      throw new CliError(
        "name a file to verify it offline, or a server for the whole log: --url, MOONSEAL_URL, a profile",
      );
    }
    const connection = await connectToDomain(io, flags);
    const run = options.server
      ? serverSide(io, connection.client, connection.domainId, options)
      : locally(io, connection, options, { ...trust, named: options.policy !== undefined || verifierKeys.length > 0 });
    return run.catch((error) => {
      throw asCouldNotCheck(error);
    });
  });
}

async function locally(
  io: Io,
  { client, domainId, url, key }: DomainConnection,
  options: VerifyFlags,
  { policy, source, named }: Trust & { named: boolean },
): Promise<number> {
  const headFile = options.head ?? headPath(io, domainId);
  const remembered = await readHead(headFile, domainId);
  const progress = new Progress(io, "verify", "entry", "entries");
  const request = {
    ...{ domainId, from: options.from, to: options.to, full: !options.sinceHead, remembered },
    ...{ policy, policyNamed: named, checkpoint: () => checkpointOf(io, url, key, domainId) },
    fetchTile: serverSource(io, url, key, domainId).fetchTile,
  };
  let report: LogReport;
  try {
    report = await verifyLog(client, sha256, request, io.signal, (entries, total) => progress.update(entries, total));
  } finally {
    progress.clear();
  }
  const rememberedNow = options.remember && report.headProved && (await remember(io, headFile, report));
  const context: ReportContext = { elapsedMs: progress.elapsedMs, headFile, rememberedNow, trusting: source };
  if (options.json) line(io.stdout, safeJson(reportJson(report, context)));
  else printReport(io, report, context);
  return EXIT_OF_VERDICT[report.verdict];
}

/** Null: the log has none yet, does not show it to this key, or does not give it now. */
async function checkpointOf(io: Io, url: string, key: string, domainId: string): Promise<string | null> {
  try {
    return await serverSource(io, url, key, domainId).checkpoint();
  } catch (error) {
    if (error instanceof NoAnswer || error instanceof CliError) return null;
    throw error;
  }
}

function remember(io: Io, headFile: string, { head, domainId }: LogReport): Promise<boolean> {
  return rememberHead(headFile, {
    version: 1,
    domain: domainId,
    size: head.size,
    entry_hash: head.entry_hash,
    verified_at: new Date(io.now()).toISOString(),
  });
}

function printReport(io: Io, report: LogReport, context: ReportContext): void {
  const paint = painter(io, io.stdout);
  const [verdict = "", ...rest] = reportLines(report, context);
  line(io.stdout, paint(report.verdict === "verified" ? "green" : "red", verdict));
  for (const text of rest) line(io.stdout, text);
}

async function serverSide(io: Io, client: MoonsealClient, domainId: string, options: VerifyFlags): Promise<number> {
  const progress = new Progress(io, "verify (server)", "entry", "entries");
  const range = { from: options.from, to: options.to };
  const { answer, exitCode } = await verifyByServer(client, domainId, range, io.signal, (part) =>
    progress.update(part.entries, part.progress > 0 ? Math.round(part.entries / part.progress) : 0),
  ).finally(() => progress.clear());
  const notChecked = ["Whether the server tells the truth: it was not recomputed here.", ...answer.not_checked];
  if (options.json) {
    line(io.stdout, safeJson({ ...answer, not_checked: notChecked, elapsed_ms: Math.round(progress.elapsedMs) }));
    return exitCode;
  }
  const paint = painter(io, io.stdout);
  const good = answer.verdict === "verified";
  line(io.stdout, paint(good ? "green" : "red", `The server says: ${good ? "VERIFIED" : "REFUTED"}`));
  line(io.stdout, `  entries ${answer.from} to ${answer.verified_through}, ${answer.entries} recomputed by the server`);
  if (!good)
    line(io.stdout, safeText(`  first bad entry: ${answer.first_bad_seq} (${answer.fault}): ${answer.detail}`));
  line(io.stdout, "Not checked:");
  for (const item of notChecked) line(io.stdout, `  - ${safeText(item)}`);
  return exitCode;
}
