/**
 * `verify.mjs`, the script inside every export bundle: verifies it with any Node from 20 on, without a package and without a
 * network. `npm run build:bundle-script` makes one file of it; nothing that younger Nodes alone have may be used here.
 *
 * node verify.mjs [FOLDER | BUNDLE.tar | EXPORT.zip] --key KEY | --policy FILE [--json]
 */
import { createHash, createPublicKey, verify as verifySignature } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BUNDLE, type BundleFiles } from "../../core/bundle.ts";
import { LIMITS } from "../../core/limits.ts";
import { parseStrictJson } from "../../core/strict-json.ts";
import { isTarName } from "../../core/tar.ts";
import { verifyMlDsa44 } from "../../crypto/verify-ml-dsa.ts";
import { verifyBundle } from "../../verifier/bundle.ts";
import { NO_TRUST, parsePolicy, policyOfKeys, type TrustPolicy } from "../../verifier/policy.ts";
import { EXIT_OF_VERDICT, type Platform } from "../../verifier/report.ts";
import type { Io } from "../io.ts";
import { verifyExportAt } from "./export-files.ts";
import { printReport, reportJson } from "./print.ts";

const USAGE = `usage: node ${BUNDLE.script} [FOLDER | BUNDLE.tar | EXPORT.zip] --key KEY | --policy FILE [--json]

Verifies an export or an export bundle: by default the one that this script lies in. KEY is a verifier key that you know of the log,
such as log.example/eu+619cea34+AR…; FILE a trust policy. Without either nothing can be verified.
Exit codes: 0 verified, 1 refuted, 2 wrong usage, 3 could not check, 4 not witnessed, 5 contradicts the remembered head.
`;
const USAGE_EXIT = 2;

class UsageError extends Error {}

const PLATFORM: Platform = {
  sha256: (...parts) => {
    const hash = createHash("sha256");
    for (const part of parts) hash.update(part);
    return new Uint8Array(hash.digest());
  },
  verify: (publicKey, message, signature) => {
    try {
      // RFC 8410 SubjectPublicKeyInfo of a raw Ed25519 key.
      const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), publicKey]);
      const key = createPublicKey({ key: der, format: "der", type: "spki" });
      return verifySignature(null, Buffer.from(message), key, signature);
    } catch {
      return false;
    }
  },
  verifyMlDsa44,
};

function main(argv: string[]): number {
  const { values, positionals } = argumentsOf(argv);
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (positionals.length > 1) throw new UsageError("one bundle at a time");
  const name = positionals[0] ?? dirname(fileURLToPath(import.meta.url));
  const { policy, source } = trustOf(values.policy, values.key ?? []);
  statOf(name);
  const report = verifyExportAt(name, policy, PLATFORM) ?? verifyBundle(open(name), policy, PLATFORM);
  const io = { env: process.env, stdout: output } as unknown as Io;
  if (values.json) process.stdout.write(`${reportJson({ file: name, report }, source)}\n`);
  else printReport(io, { file: name, report }, source);
  return EXIT_OF_VERDICT[report.verdict];
}

const output = {
  write: (text: string) => process.stdout.write(text),
  isTTY: process.stdout.isTTY === true,
  columns: process.stdout.columns ?? 80,
  closed: false,
};

function argumentsOf(argv: string[]) {
  const one = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  try {
    const options = {
      policy: one,
      key: { ...one, multiple: true },
      json: flag,
      help: { ...flag, short: "h" },
    } as const;
    return parseArgs({ args: argv, allowPositionals: true, options });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function trustOf(file: string | undefined, keys: string[]): { policy: TrustPolicy; source: string | null } {
  if (file !== undefined && keys.length > 0) throw new UsageError("--policy and --key exclude each other");
  if (file === undefined && keys.length === 0) return { policy: NO_TRUST, source: null };
  const policy = file === undefined ? policyOfKeys(PLATFORM.sha256, keys) : readPolicy(file);
  if (typeof policy === "string") throw new UsageError(`${file ?? "--key"}: ${policy}`);
  return { policy, source: file ?? "--key" };
}

function readPolicy(file: string): TrustPolicy | string {
  const json = parseStrictJson(read(file, LIMITS.policyBytes).toString("utf8"), LIMITS.jsonDepth);
  return json.ok ? parsePolicy(PLATFORM.sha256, json.value) : `it is not JSON that can be trusted: ${json.detail}`;
}

/** The archive, or the files of a folder that it was unpacked to; what else lies there is not read. */
function open(name: string): Uint8Array | BundleFiles {
  if (!statOf(name).isDirectory()) return read(name, LIMITS.bundleBytes);
  const names = readdirSync(name).filter((each) => isTarName(each) && statOf(join(name, each)).isFile());
  if (names.length > 2 * LIMITS.bundleFiles) throw new UsageError(`${name} has too many files for a bundle`);
  return new Map(names.map((each) => [each, read(join(name, each), LIMITS.bundleFileBytes)]));
}

function statOf(name: string) {
  try {
    return statSync(name);
  } catch (error) {
    throw new UsageError(`cannot read ${name}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function read(name: string, maxBytes: number): Buffer {
  if (statOf(name).size > maxBytes) throw new UsageError(`${name} has more than ${maxBytes} bytes`);
  return readFileSync(name);
}

// A reader that goes away (`| head`) ends the writing; the exit code stays that of the verification.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${BUNDLE.script}: ${error.message}\n${USAGE}`);
  process.exitCode = USAGE_EXIT;
}
