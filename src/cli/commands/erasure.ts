/** `erase-identity` and `verify-certificate`: erasing a person, and checking what was certified of it. */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import type { EraseIdentity, Erasure } from "../../client/index.ts";
import { LIMITS } from "../../core/limits.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { type ErasureCertificateVerdict, verifyErasureCertificate } from "../../verifier/erasure-certificate.ts";
import { command, handle, type Session } from "../action.ts";
import { connectToDomain } from "../connection.ts";
import { replaceFile } from "../files.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { count, line, painter, safeJson, safeText } from "../text.ts";

interface EraseFlags {
  reason?: NonNullable<EraseIdentity["reason"]>;
  reference?: string;
  certificate?: string;
  json?: boolean;
}

const POLL_MS = 1000;
const POLLS = 60;

export function eraseIdentityCommand(session: Session): Command {
  const target = command("erase-identity", "Erase a person from a log (GDPR Art. 17). There is no way back", [
    "printf '%s' usr_42 | moonseal erase-identity dom_eu_… --reference DSR-17 --certificate dsr-17.txt",
  ])
    .argument("[domain]", "the log (default: --domain)")
    .option("--reason <code>", "ground of Art. 17(1) (default: data_subject_request)")
    .option("--reference <code>", "your own reference of the request; no personal data")
    .option("--certificate <file>", "wait for the certificate and write it here")
    .option("--json", "the answer as JSON")
    .addHelpText(
      "after",
      "\nThe identity id is read from standard input, never from an argument: other users of this machine see those.\nNeeds the permission subject.erase, and erasure.read for the certificate.",
    );
  return handle<EraseFlags, [string | undefined]>(target, session, async (io, options, domain) => {
    const { client, domainId } = await connectToDomain(io, domain === undefined ? options : { ...options, domain });
    const identity_id = await readIdentity(io);
    const wanted = {
      identity_id,
      ...(options.reason ? { reason: options.reason } : {}),
      ...(options.reference ? { request_reference: options.reference } : {}),
    };
    let erasure = await client.eraseIdentity(domainId, wanted, { signal: io.signal });
    const first = erasure.status;
    for (let poll = 0; options.certificate && erasure.status === "finishing" && poll < POLLS; poll++) {
      await io.sleep(POLL_MS, io.signal);
      erasure = await client.erasure(domainId, erasure.erasure_id, { signal: io.signal });
    }
    if (options.certificate && erasure.certificate_url !== null) {
      const note = await client.erasureCertificate(domainId, erasure.erasure_id, { signal: io.signal });
      await replaceFile(options.certificate, note);
    }
    if (options.json) line(io.stdout, safeJson(erasure));
    else printErasure(io, erasure, first === "already_erased");
    if (options.certificate && erasure.certificate_url === null) {
      throw new CliError("the erasure is not finished: ask again later for its certificate", CODE.failed);
    }
  });
}

/** The first line of standard input; a terminal is asked. */
async function readIdentity(io: Io): Promise<string> {
  if (io.stdin.isTTY) io.stderr.write("Identity id of the person to erase: ");
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  for await (const chunk of io.stdin) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    if (text.includes("\n") || text.length > LIMITS.identityIdChars + 1) break;
  }
  const identity = (text.split("\n", 1)[0] ?? "").replace(/\r$/, "");
  if (identity === "") throw new CliError("no identity id on standard input");
  if (identity.length > LIMITS.identityIdChars) throw new CliError("that is longer than an identity id may be");
  return identity;
}

function printErasure(io: Io, erasure: Erasure, already: boolean): void {
  const paint = painter(io, io.stdout);
  const done = erasure.status !== "finishing";
  const word = already ? "ALREADY ERASED" : done ? "ERASED" : "FINISHING";
  line(io.stdout, paint(done ? "green" : "yellow", word));
  const { counts, entry } = erasure;
  const said = [
    `erasure    ${erasure.erasure_id}`,
    `pseudonym  ${erasure.pseudonym}${erasure.known ? "" : " (this log had never seen the person)"}`,
    `gone       ${count(counts.keys, "key")}, ${count(counts.ledger_rows + counts.object_rows, "sealed row")}, ${count(counts.ledger_mappings + counts.object_mappings, "mapping")}, out of ${count(counts.archive_pages, "archive page")}`,
    `kept       ${count(counts.entries, "entry", "entries")} under the pseudonym`,
    entry ? `entry      ${entry.seq}  ${entry.entry_hash}` : "entry      comes when every store is through",
    erasure.certificate_url ? `certificate at ${erasure.certificate_url}` : "certificate comes when it is finished",
  ];
  for (const text of said) line(io.stdout, `  ${safeText(text)}`);
}

export function verifyCertificateCommand(session: Session): Command {
  const target = command("verify-certificate", "Check a certificate of erasure offline", [
    "moonseal verify-certificate dsr-17.txt --key 'log.example.com/eu+619cea34+AR…'",
  ])
    .argument("<file>", "the certificate as it was downloaded")
    .option("--json", "the report as JSON")
    .addHelpText(
      "after",
      "\n--key takes the verifier key of the cell that you have pinned (moonseal residency shows it), not an API key.\nExit codes: 0 verified, 1 refuted, 2 wrong usage, 3 could not check.",
    );
  return handle<{ key?: string; json?: boolean }, [string]>(target, session, async (io, options, file) => {
    if (options.key === undefined) throw new CliError("name the verifier key that you have pinned: --key");
    const note = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      throw new CliError(`cannot read ${safeText(file)}: ${error.code}`, CODE.unreachable);
    });
    const verdict = verifyErasureCertificate(note, options.key, sha256);
    if (!verdict.ok && verdict.fault === "key_malformed") throw new CliError("--key must be a verifier key");
    if (options.json) line(io.stdout, safeJson(verdict));
    else printVerdict(io, verdict);
    return verdict.ok ? CODE.ok : CODE.failed;
  });
}

function printVerdict(io: Io, verdict: ErasureCertificateVerdict): void {
  const paint = painter(io, io.stdout);
  if (!verdict.ok) {
    line(io.stdout, paint("red", `REFUTED: ${verdict.fault}`));
    return;
  }
  const { certificate, notChecked } = verdict;
  line(io.stdout, paint("green", "VERIFIED"));
  const said = [
    `erasure    ${certificate.erasure} in ${certificate.domain}`,
    `law        ${certificate.law}${certificate.request.reference ? `, request ${certificate.request.reference}` : ""}`,
    `executed   ${certificate.request.executed_at}, final ${certificate.request.final_at}`,
    ...certificate.stores.map(({ store, method, count: n }) => `store      ${store}: ${n} ${method}`),
    ...certificate.kept.map(({ what, count: n, law }) => `kept       ${n} ${what} (${law})`),
    `ciphertext could be restored until ${certificate.recoverable_until.ciphertext}; readable: no`,
    `entry      ${certificate.entry.seq}  ${certificate.entry.entry_hash}`,
  ];
  for (const text of said) line(io.stdout, `  ${safeText(text)}`);
  line(io.stdout, "Not checked:");
  for (const text of notChecked) line(io.stdout, `  - ${text}`);
}
