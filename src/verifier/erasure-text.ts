/**
 * What the text of a certificate of erasure must say, whoever signed it: its parts agree with each other, and the entry that
 * it shows is the one that its hash names and tells of the same erasure.
 */
import { equalBytes, fromHex, toHex } from "../core/bytes.ts";
import { entryHash } from "../core/chain.ts";
import { parseCheckpointNote } from "../core/checkpoint.ts";
import { type ErasureCertificate, parseErasureCertificate } from "../core/erasure-certificate.ts";
import { parseId } from "../core/ids.ts";
import { rootOfInclusion } from "../core/merkle/inclusion.ts";
import { leafHash } from "../core/merkle/tree.ts";
import { parsePayload } from "../core/payload/payload.ts";
import type { Sha256 } from "../core/sha256.ts";
import { parseTlogProof } from "../core/tlog-proof.ts";

export type ErasureTextFault =
  | "certificate_malformed"
  | "jurisdiction_mismatch"
  | "times_disordered"
  | "entry_hash_mismatch"
  | "entry_mismatch"
  | "head_mismatch"
  | "inclusion_proof_wrong";

export type ErasureTextVerdict =
  | { ok: true; certificate: ErasureCertificate; notChecked: string[] }
  | { ok: false; fault: ErasureTextFault };

/** The untrusted text of a note, without its signatures. */
export function checkErasureText(text: string, sha256: Sha256): ErasureTextVerdict {
  const certificate = parseErasureCertificate(text);
  if (!certificate) return { ok: false, fault: "certificate_malformed" };
  const fault =
    faultOfPlaces(certificate) ??
    faultOfTimes(certificate) ??
    faultOfEntry(certificate, sha256) ??
    faultOfHead(certificate) ??
    faultOfProof(certificate, sha256);
  return fault ? { ok: false, fault } : { ok: true, certificate, notChecked: notChecked(certificate) };
}

function faultOfPlaces({ jurisdiction, tenant, domain }: ErasureCertificate): ErasureTextFault | null {
  const places = [tenant, domain].map((id) => parseId(id)?.jurisdiction);
  return places.every((place) => place === jurisdiction) ? null : "jurisdiction_mismatch";
}

/** When the person asked is the caller's word; the rest is the log's own clock. */
function faultOfTimes({ request, recoverable_until, stores }: ErasureCertificate): ErasureTextFault | null {
  const { suppressed_at, executed_at, final_at } = request;
  const until = stores.flatMap((store) => store.ciphertext_recoverable_until ?? []);
  // All of one spelling, so their order is that of the texts.
  const ordered =
    suppressed_at <= executed_at && executed_at <= final_at && executed_at <= recoverable_until.ciphertext;
  return ordered && until.every((each) => each <= recoverable_until.ciphertext) ? null : "times_disordered";
}

function faultOfEntry(certificate: ErasureCertificate, sha256: Sha256): ErasureTextFault | null {
  const { entry } = certificate;
  const prevHash = fromHex(entry.prev_hash);
  if (!prevHash || toHex(entryHash(sha256, prevHash, entry.payload)) !== entry.entry_hash) return "entry_hash_mismatch";
  const parsed = parsePayload(entry.payload);
  if (!parsed.ok) return "entry_mismatch";
  const { domain, seq, id, action, recorded_at, metadata = {} } = parsed.payload;
  const same =
    domain === certificate.domain &&
    seq === entry.seq &&
    id === entry.id &&
    action === "audit.identity_erased" &&
    recorded_at === certificate.request.executed_at &&
    metadata.relation === "audit.erase-identity" &&
    metadata.erasure_id === certificate.erasure &&
    metadata.correlation_id === certificate.correlation &&
    metadata.subject_pseudonym === certificate.pseudonym;
  return same ? null : "entry_mismatch";
}

function faultOfHead({ head, entry }: ErasureCertificate): ErasureTextFault | null {
  if (head.size <= entry.seq) return "head_mismatch";
  return head.size === entry.seq + 1 && head.entry_hash !== entry.entry_hash ? "head_mismatch" : null;
}

/** The proof leads from the entry to the root of the checkpoint that it carries, of the same log. */
function faultOfProof({ inclusion_proof, entry, domain }: ErasureCertificate, sha256: Sha256): ErasureTextFault | null {
  if (inclusion_proof === null) return null;
  const proof = parseTlogProof(inclusion_proof);
  const checkpoint = proof && parseCheckpointNote(proof.checkpoint)?.checkpoint;
  const hash = fromHex(entry.entry_hash);
  if (!proof || !checkpoint || !hash || proof.index !== entry.seq) return "inclusion_proof_wrong";
  const root = rootOfInclusion(sha256, proof.index, checkpoint.size, leafHash(sha256, hash), proof.hashes);
  const leadsThere = root !== null && equalBytes(root, checkpoint.root) && checkpoint.origin.endsWith(`/${domain}`);
  return leadsThere ? null : "inclusion_proof_wrong";
}

function notChecked({ inclusion_proof, head }: ErasureCertificate): string[] {
  return [
    "Whether nothing was kept elsewhere: a certificate is the word of whoever holds the log key.",
    "Who the person is: the pseudonym alone tells nobody.",
    inclusion_proof === null
      ? `Whether the entry is in the log of ${head.size} entries: compare its hash with \`moonseal get\`, or verify the log.`
      : "Who witnessed the checkpoint of the inclusion proof: its signatures are those of the log and of its witnesses, and can be verified by themselves.",
  ];
}
