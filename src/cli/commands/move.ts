/** `move`: a log goes into a domain of another tenant or jurisdiction (docs/moving.md). */
import { closeSync, createReadStream, fstatSync, openSync, readSync } from "node:fs";
import { Readable } from "node:stream";
import type { Command } from "commander";
import type { Import } from "../../client/index.ts";
import { parseId } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { ANNOUNCING_ACTION } from "../../core/moving/announced.ts";
import { formatVerifierKey } from "../../core/note.ts";
import type { ByteSource } from "../../core/zip.ts";
import { verifyMove } from "../../verifier/move.ts";
import { policyOfKeys, type TrustPolicy } from "../../verifier/policy.ts";
import { EXIT_OF_VERDICT } from "../../verifier/report.ts";
import { command, handle, type Session } from "../action.ts";
import { connectToDomain, splitKeys } from "../connection.ts";
import { goingOnLater } from "../errors.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { Progress } from "../progress.ts";
import { line, safeJson, safeText } from "../text.ts";
import { verifyExportAt } from "../verify/export-files.ts";
import { printReport, reportJson } from "../verify/print.ts";
import { NODE, readTrust } from "../verify/trust.ts";

interface TrustFlags {
  policy?: string;
  json?: boolean;
}

export function moveCommand(session: Session): Command {
  return command("move", "Move a log into a domain of another jurisdiction, or of another tenant", [
    "moonseal move announce --to dom_us_…",
    "moonseal export create --out everything.zip",
    "moonseal move import everything.zip --domain dom_us_… --policy policy.json",
    "moonseal move verify everything.zip moved.zip --policy policy.json",
  ])
    .addCommand(announceCommand(session))
    .addCommand(importCommand(session))
    .addCommand(verifyCommand(session));
}

function announceCommand(session: Session): Command {
  const target = command("announce", "Write into the old log where it moves; an export without it is taken nowhere", [
    "moonseal move announce --domain dom_eu_… --to dom_us_…",
  ]).requiredOption(
    "--to <id>",
    "the new domain: the only one that an export of this log is taken into, until another is announced",
  );
  return handle<{ to: string }>(target, session, async (io, options) => {
    if (parseId(options.to)?.kind !== "domain") throw new CliError("--to must be a domain id");
    const { client, domainId } = await connectToDomain(io, options);
    if (options.to === domainId) throw new CliError("a log does not move into itself");
    const event = {
      action: ANNOUNCING_ACTION,
      actor: { type: "service" as const, id: "moonseal-cli" },
      targets: [{ type: "domain", id: options.to }],
    };
    const { receipts } = await client.append(domainId, event, { wait: "replicated", signal: io.signal });
    line(io.stdout, String(receipts[0]?.seq ?? ""));
  });
}

function importCommand(session: Session): Command {
  const target = command("import", "Verify an export here, send it, and wait until it is in the new log", [
    "moonseal move import everything.zip --domain dom_us_… --policy policy.json",
  ])
    .argument("<archive>", "the export of every entry of the old log")
    .option("--policy <file>", "whom to trust about the old log; see moonseal policy")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      "\n--key may be given twice: the API key of the new domain's tenant, and the verifier key of the old log. Stopped at any\ntime, run it again: every old entry is in the new log once. Exit codes: 0 moved, 1 refused, or not proved here\n(nothing was sent), 2 wrong usage, 3 no answer.",
    );
  return handle<TrustFlags, [string]>(target, session, async (io, options, path) => {
    const { verifierKeys, flags } = splitKeys(session.keys, options);
    const trust = await readTrust(io, options.policy, verifierKeys);
    const { client, domainId } = await connectToDomain(io, flags);
    const report = readable(path, () => verifyExportAt(path, trust.policy, NODE));
    if (!report?.export) {
      if (report) printReport(io, { file: path, report }, trust.source);
      throw new CliError(`${safeText(path)} is no export that the policy proves: nothing was sent`, CODE.failed);
    }
    const key = signerOf(path, report.export.origin, trust.policy);
    if (key === undefined)
      throw new CliError("no key of the old log is trusted; name a policy or a verifier key", CODE.failed);
    const bytes = readable(path, () => sizeOf(path));
    if (bytes > LIMITS.importBytes) throw new CliError(`an archive may have ${LIMITS.importBytes} bytes to be moved`);
    const open = () => Readable.toWeb(createReadStream(path)) as unknown as ReadableStream<Uint8Array>;
    const over = await goingOnLater(async () => {
      await client.imports.create(domainId, key, { bytes, open }, { signal: io.signal });
      return untilOver(io, client.imports.watch(domainId, { signal: io.signal }));
    });
    return said(io, over, options);
  });
}

/** Of the keys that are trusted for the old log, as verifier keys, the one that proves the archive alone: cells may share a prefix. */
function signerOf(path: string, origin: string, policy: TrustPolicy): string | undefined {
  const keys = policy.keysOf(origin).map(({ publicKey }) => formatVerifierKey(NODE.sha256, origin, publicKey));
  return keys.find((key) => {
    const alone = policyOfKeys(NODE.sha256, [key]);
    return typeof alone !== "string" && readable(path, () => verifyExportAt(path, alone, NODE))?.export;
  });
}

async function untilOver(io: Io, looks: AsyncIterable<Import>): Promise<Import> {
  const progress = new Progress(io, "move", "entry", "entries");
  try {
    for await (const now of looks) {
      progress.update(now.progress.imported, now.progress.total ?? 0, now.progress.imported);
      if (now.status === "done" || now.status === "refused") return now;
    }
  } finally {
    progress.clear();
  }
  throw new CliError("the import is not over", CODE.unreachable);
}

function said(
  io: Io,
  { status, progress, private_values: values, refusal, ...rest }: Import,
  { json }: TrustFlags,
): number {
  if (json) line(io.stdout, safeJson({ status, progress, private_values: values, refusal, ...rest }));
  else if (refusal) line(io.stderr, safeText(`moonseal: refused (${refusal.code}): ${refusal.detail}`));
  else {
    line(io.stdout, `${progress.imported} entries moved`);
    if (values && values.left_behind > 0)
      line(io.stderr, `moonseal: ${values.left_behind} private values stayed behind, ${values.carried} came along`);
  }
  return status === "done" ? CODE.ok : CODE.failed;
}

function verifyCommand(session: Session): Command {
  const target = command("verify", "Verify offline that a moved log is what it was, from an export of each", [
    "moonseal move verify old.zip new.zip --policy policy.json",
  ])
    .argument("<old>", "the export that was moved")
    .argument("<new>", "an export of the new log, from its entry 0")
    .option("--policy <file>", "whom to trust about both logs")
    .option("--json", "the report as JSON")
    .addHelpText("after", "\nNo server is asked. Exit codes: 0 verified, 1 refuted, 2 wrong usage, 3 could not check.");
  return handle<TrustFlags, [string, string]>(target, session, async (io, options, old, moved) => {
    const trust = await readTrust(io, options.policy, splitKeys(session.keys, options).verifierKeys);
    const report = withFiles([old, moved], ([one, other]) => verifyMove(one, other, trust.policy, NODE));
    const file = `${old} and ${moved}`;
    if (options.json) line(io.stdout, reportJson({ file, report }, trust.source));
    else printReport(io, { file, report }, trust.source);
    return EXIT_OF_VERDICT[report.verdict];
  });
}

function withFiles<T>(paths: [string, string], use: (sources: [ByteSource, ByteSource]) => T): T {
  const open: number[] = [];
  try {
    const sources = paths.map((path) => {
      const file = readable(path, () => openSync(path, "r"));
      open.push(file);
      const read = (offset: number, byteLength: number) => {
        const bytes = new Uint8Array(byteLength);
        return bytes.subarray(0, readSync(file, bytes, 0, byteLength, offset));
      };
      return { size: fstatSync(file).size, read };
    });
    return use(sources as [ByteSource, ByteSource]);
  } finally {
    for (const file of open) closeSync(file);
  }
}

function sizeOf(path: string): number {
  const file = openSync(path, "r");
  try {
    return fstatSync(file).size;
  } finally {
    closeSync(file);
  }
}

function readable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new CliError(`cannot read ${safeText(path)}: ${code}`);
  }
}
