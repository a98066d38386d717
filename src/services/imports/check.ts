/**
 * Whether an archive may become the beginning of this log: everything about it is verified before anything is written, with the code
 * that an auditor verifies it with. Not checked: whether its people agreed, and who else has the archive.
 */
import { BUNDLE, decode, isEntries } from "../../core/bundle.ts";
import { equalBytes, toHex } from "../../core/bytes.ts";
import { entryHash } from "../../core/chain.ts";
import { parseSetProof } from "../../core/evidence-set.ts";
import { type ExportManifest, groupOf } from "../../core/export/manifest.ts";
import { LIMITS } from "../../core/limits.ts";
import { announcedIn } from "../../core/moving/announced.ts";
import { parsePayload } from "../../core/payload/payload.ts";
import { readZip, sourceOf } from "../../core/zip.ts";
import { parseDisclosure } from "../../verifier/disclosure.ts";
import { domainOf } from "../../verifier/evidence-set.ts";
import { verifyExportZip } from "../../verifier/export.ts";
import { policyOfKeys } from "../../verifier/policy.ts";
import type { Platform } from "../../verifier/report.ts";
import type { ImportRefusal } from "./calls.ts";
import type { ImportDeps, ImportGroup, ImportPlan, PlacedFile } from "./ports.ts";

export type Checked = { ok: true; plan: ImportPlan } | { ok: false; code: ImportRefusal; detail: string };

const no = (code: ImportRefusal, detail: string): Checked => ({ ok: false, code, detail });

/**
 * `trustedKey`: the only key that is trusted, whoever else signed. An origin of this cell is believed to its own keys alone: whoever
 * asks could name any other. O(bytes); holds the archive in memory.
 */
export function checkArchive(
  archive: Uint8Array,
  { domainId, trustedKey, keysHere }: { domainId: string; trustedKey: string } & Pick<ImportDeps, "keysHere">,
  platform: Platform,
): Checked {
  const policy = policyOfKeys(platform.sha256, [trustedKey]);
  if (typeof policy === "string") return no("not_proved", policy);
  const report = verifyExportZip(sourceOf(archive), policy, platform);
  if (!report.export) return no("not_proved", whyNot(report));
  const { manifest, origin } = report.export;
  const { content, head } = manifest;
  const trusted = policy.keysOf(origin);
  const isForged = keysHere(origin)?.every((ours) => !trusted.some((key) => equalBytes(key.publicKey, ours.publicKey)));
  if (isForged) return no("not_proved", "it names a log of this cell, and none of this cell's keys signed it");
  if (content.kind !== "range") return no("not_whole", "it is a selection: move the export of every entry of a range");
  if (domainOf(origin) === domainId) return no("not_for_this_domain", "it is an export of this very log");
  const read = readArchive(archive, manifest, platform);
  if (read.announced !== domainId) {
    const says = read.announced === null ? "its log does not say that it moves" : `its log moves to ${read.announced}`;
    return no("not_for_this_domain", `${says}: its newest entry move.announced must name ${domainId}`);
  }
  return {
    ok: true,
    plan: {
      from: {
        ...{ origin, manifestHash: read.manifestHash, first: content.from, last: content.to },
        ...{ size: head.size, root: head.root },
      },
      total: manifest.entries,
      values: { carried: read.carried, leftBehind: read.committed - read.carried },
      groups: read.groups,
      evidence: read.evidence,
    },
  };
}

/** Of a report that proves nothing: the words of its first step that failed, or was not made. */
function whyNot({ steps }: ReturnType<typeof verifyExportZip>): string {
  const step = steps.find(({ status }) => status === "failed") ?? steps.find(({ status }) => status === "not_checked");
  return step ? step.detail : "it could not be verified";
}

/** What is in an archive that is proved. */
function readArchive(archive: Uint8Array, manifest: ExportManifest, { sha256 }: Platform) {
  const zip = readZip(sourceOf(archive), LIMITS.exportFiles + 2);
  if (!zip.ok) throw new TypeError("an archive that was verified is readable");
  const places = new Map(zip.files.map((file) => [file.name, file]));
  const bytesOf = (name: string): Uint8Array => {
    const file = places.get(name);
    if (!file) throw new TypeError("a manifest that was verified lists files that are there");
    return archive.subarray(file.start, file.start + file.bytes);
  };
  const placed = (name: string): PlacedFile => {
    const bytes = bytesOf(name);
    return { name, start: places.get(name)?.start ?? 0, bytes: bytes.length, sha256: toHex(sha256(bytes)) };
  };
  const has = new Set(manifest.files.map(({ name }) => name));
  const lineFiles = manifest.files.map(({ name }) => name).filter(isEntries);
  const proof = parseSetProof(decode(bytesOf(BUNDLE.proof)) ?? "", LIMITS.exportGroupEntries);
  if (proof?.kind !== "range") throw new TypeError("a range that was verified has a proof");
  let prevHash = proof.prevHash;
  let seq = proof.from;
  let announced: string | null = null;
  let [committed, carried] = [0, 0];
  const groups: ImportGroup[] = [];
  for (const name of lineFiles) {
    const { disclosures } = groupOf(name);
    const group = { firstSeq: seq, prevHash: toHex(prevHash), lines: placed(name) };
    groups.push({ ...group, disclosures: has.has(disclosures) ? placed(disclosures) : null });
    for (const payload of (decode(bytesOf(name)) ?? "").split("\n").slice(0, -1)) {
      const parsed = parsePayload(payload);
      if (!parsed.ok) throw new TypeError("an entry that was verified is a payload");
      announced = announcedIn(parsed.payload) ?? announced;
      committed += Object.keys(parsed.payload.private ?? {}).length;
      prevHash = entryHash(sha256, prevHash, payload);
      seq++;
    }
    const given = has.has(disclosures) ? parseDisclosure(decode(bytesOf(disclosures)) ?? "") : null;
    for (const { private: values } of given?.entries ?? [])
      carried += values.filter(({ status }) => status === "revealed").length;
  }
  const kept = [BUNDLE.manifest, BUNDLE.note, BUNDLE.checkpoint, BUNDLE.proof, ...lineFiles];
  const evidence = kept.map(placed);
  return { manifestHash: toHex(sha256(bytesOf(BUNDLE.manifest))), announced, committed, carried, groups, evidence };
}
