/** `erase-identity`: erases a person and brings the certificate of it (certificate.ts checks that). */
import type { Command } from "commander";
import type { EraseIdentity, Erasure } from "../../client/index.ts";
import { command, handle, type Session } from "../action.ts";
import { connectToDomain } from "../connection.ts";
import { replaceFile } from "../files.ts";
import { readIdentity } from "../identity-input.ts";
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
    const identity_id = await readIdentity(io, "Identity id of the person to erase: ");
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

function printErasure(io: Io, erasure: Erasure, already: boolean): void {
  const paint = painter(io, io.stdout);
  const done = erasure.status !== "finishing";
  const word = already ? "ALREADY ERASED" : done ? "ERASED" : "FINISHING";
  line(io.stdout, paint(done ? "green" : "yellow", word));
  const { counts, entry } = erasure;
  const said = [
    `erasure    ${erasure.erasure_id}`,
    `pseudonym  ${erasure.pseudonym}${erasure.known ? "" : " (this log had never seen the person)"}`,
    `gone       ${count(counts.keys, "key")}`,
    `           of the database: ${count(counts.ledger_rows, "sealed row")}, ${count(counts.ledger_mappings, "mapping")}`,
    `           of the object, where some waited too: ${count(counts.object_rows, "sealed row")}, ${count(counts.object_mappings, "mapping")}`,
    `           of the archive: out of ${count(counts.archive_pages, "page")}`,
    `kept       ${count(counts.entries, "entry", "entries")} under the pseudonym`,
    entry ? `entry      ${entry.seq}  ${entry.entry_hash}` : "entry      comes when every store is through",
    erasure.certificate_url ? `certificate at ${erasure.certificate_url}` : "certificate comes when it is finished",
  ];
  for (const text of said) line(io.stdout, `  ${safeText(text)}`);
}
