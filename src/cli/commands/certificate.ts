/** `verify-certificate`: what was certified of an erasure, or of a tenant's deletion, checked and shown without a server. */
import type { Command } from "commander";
import { type DeletionCertificate, type FinalHead, parseFinalHeads } from "../../core/deletion-certificate.ts";
import type { ErasureCertificate } from "../../core/erasure-certificate.ts";
import { LIMITS } from "../../core/limits.ts";
import { type JsonValue, parseStrictJson } from "../../core/strict-json.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { verifyNote } from "../../crypto/verify.ts";
import { deletionOf, isDeletionNote } from "../../verifier/certificate-file.ts";
import { checkDeletionText } from "../../verifier/deletion-text.ts";
import { verifyErasureCertificate } from "../../verifier/erasure-certificate.ts";
import { command, handle, type Session } from "../action.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { count, line, painter, safeJson, safeText } from "../text.ts";
import { openBytes } from "../verify/open.ts";

type Verdict =
  | { ok: false; fault: string }
  | { ok: true; kind: "erasure"; certificate: ErasureCertificate; notChecked: string[] }
  | { ok: true; kind: "deletion"; certificate: DeletionCertificate; heads: FinalHead[] | null; notChecked: string[] };

export function verifyCertificateCommand(session: Session): Command {
  const target = command("verify-certificate", "Check a certificate of an erasure or of a tenant's deletion offline", [
    "moonseal verify-certificate dsr-17.txt --key 'log.example.com/eu+619cea34+AR…'",
    "moonseal verify-certificate deletion.json --key 'log.example.com/eu+619cea34+AR…'",
  ])
    .argument("<file>", "the certificate as it was downloaded; of a deletion, the whole answer of the API")
    .option("--json", "the report as JSON")
    .addHelpText(
      "after",
      "\n--key takes the verifier key of the cell that you have pinned (moonseal residency shows it), not an API key.\nExit codes: 0 verified, 1 refuted, 2 wrong usage, 3 could not check.",
    );
  return handle<{ key?: string; json?: boolean }, [string]>(target, session, async (io, options, file) => {
    if (options.key === undefined) throw new CliError("name the verifier key that you have pinned: --key");
    const verdict = judge(await openBytes(io, file), options.key);
    if (!verdict) throw new CliError(`could not check: ${safeText(file)} is no certificate`, CODE.unreachable);
    if (!verdict.ok && verdict.fault === "key_malformed") throw new CliError("--key must be a verifier key");
    if (options.json) line(io.stdout, safeJson(verdict));
    else printVerdict(io, verdict);
    return verdict.ok ? CODE.ok : CODE.failed;
  });
}

/** Which of the two it is, its contents say. Null: a JSON document that is neither. */
function judge(bytes: Uint8Array, key: string): Verdict | null {
  const text = textOf(bytes);
  if (text === null) return { ok: false, fault: "note_malformed" };
  if (isDeletionNote(text)) return judgeDeletion(text, null, key);
  const json = jsonOf(text);
  if (json === undefined) {
    const verdict = verifyErasureCertificate(text, key, sha256);
    return verdict.ok ? { ...verdict, kind: "erasure" } : verdict;
  }
  const deletion = deletionOf(json);
  if (!deletion) return null;
  const heads = parseFinalHeads(deletion.heads);
  return heads ? judgeDeletion(deletion.note, heads, key) : { ok: false, fault: "heads_malformed" };
}

function judgeDeletion(note: string, heads: FinalHead[] | null, key: string): Verdict {
  const signed = verifyNote(note, key);
  if (!signed.ok) return signed;
  const checked = checkDeletionText(signed.note.text, heads, sha256);
  if (!checked.ok) return checked;
  const notChecked = [
    "Whether nothing was kept elsewhere: a certificate is the word of whoever holds the log key.",
    heads
      ? "Whether these are the logs that you knew: compare the final heads with receipts or exports that you kept."
      : "The final heads of the domains: the file holds the note alone.",
  ];
  return { ok: true, kind: "deletion", certificate: checked.certificate, heads, notChecked };
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function jsonOf(text: string): JsonValue | undefined {
  const parsed = parseStrictJson(text, LIMITS.jsonDepth);
  return parsed.ok ? parsed.value : undefined;
}

function printVerdict(io: Io, verdict: Verdict): void {
  const paint = painter(io, io.stdout);
  if (!verdict.ok) {
    line(io.stdout, paint("red", `REFUTED: ${verdict.fault}`));
    return;
  }
  line(io.stdout, paint("green", "VERIFIED"));
  const said =
    verdict.kind === "erasure" ? erasureLines(verdict.certificate) : deletionLines(verdict.certificate, verdict.heads);
  for (const text of said) line(io.stdout, `  ${safeText(text)}`);
  line(io.stdout, "Not checked:");
  for (const text of verdict.notChecked) line(io.stdout, `  - ${text}`);
}

function erasureLines(certificate: ErasureCertificate): string[] {
  return [
    `erasure    ${certificate.erasure} in ${certificate.domain}`,
    `law        ${certificate.law}${certificate.request.reference ? `, request ${certificate.request.reference}` : ""}`,
    `executed   ${certificate.request.executed_at}, final ${certificate.request.final_at}`,
    ...certificate.stores.map(({ store, method, count: n }) => `store      ${store}: ${n} ${method}`),
    ...certificate.kept.map(({ what, count: n, law }) => `kept       ${n} ${what} (${law})`),
    `ciphertext could be restored until ${certificate.recoverable_until.ciphertext}; readable: no`,
    `entry      ${certificate.entry.seq}  ${certificate.entry.entry_hash}`,
  ];
}

function deletionLines(certificate: DeletionCertificate, heads: readonly FinalHead[] | null): string[] {
  const { tenant_id, request_reference, requested_at, stopped_at, keys_destroyed_at, verified_empty_at } = certificate;
  const until = Object.entries(certificate.recoverable_until).filter(([, instant]) => instant > verified_empty_at);
  return [
    `deletion   ${tenant_id} in ${certificate.jurisdiction}${request_reference ? `, request ${request_reference}` : ""}`,
    `requested  ${requested_at}, stopped ${stopped_at}`,
    `keys gone  ${keys_destroyed_at}, every store empty ${verified_empty_at}`,
    ...certificate.deleted.map(({ store, what, count: n, method }) => `store      ${store}: ${n} ${what}, ${method}`),
    ...certificate.kept.map(({ what, where, why }) => `kept       ${what}, in ${where}: ${why}`),
    ...until.map(([store, instant]) => `${store} could be set back until ${instant}; nothing sealed opens there`),
    `domains    ${count(certificate.domains, "domain")}${heads ? ", with these final heads:" : ""}`,
    ...(heads ?? []).map(({ domain_id, size, entry_hash }) => `  ${domain_id}  ${size}  ${entry_hash ?? "no entry"}`),
  ];
}
