/**
 * Made the golden bundles of format version 1, once: `node test/vectors/bundles/make.ts`. They are kept for ever, with the script
 * that was in them then; this file refuses to write over them. A later version of the format gets bundles of its own.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { toHex } from "../../../src/core/bytes.ts";
import { formatCosignerKey } from "../../../src/core/cosignature.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { noteSigner } from "../../../src/crypto/signer.ts";
import { bundleOf } from "../../services/bundle/bundle-of.ts";
import { ProvedLog, WITNESS, witnessKey } from "../../verifier/proved-log.ts";
import chain from "../chain.json" with { type: "json" };
import disclosureVector from "../disclosure.json" with { type: "json" };
import note from "../note.json" with { type: "json" };

const { disclosure } = disclosureVector;
/** The three entries of SPEC.md §3 and §8, under the key of §7. */
const rows = [...chain.entries, ...disclosure.entries].map(({ prev_hash, entry_hash, payload }) => {
  const { seq, id } = JSON.parse(payload) as { seq: number; id: string };
  return { seq, id, prevHash: prev_hash, entryHash: entry_hash, payload };
});
const signer = noteSigner(`log.example.com/${disclosure.domain}`, Buffer.from(note.seed, "hex"));
const log = new ProvedLog(rows, signer.name, signer);
const policy = {
  logs: [{ origin_prefix: "log.example.com/", key: note.verifier_key }],
  witnesses: [{ key: formatCosignerKey(sha256, WITNESS, witnessKey.publicKey), independent: true }],
  required: 1,
};
const bundles = {
  "v1-range.tar": await bundleOf(
    log.rangeSet(0, 2),
    { policy, disclosures: JSON.stringify(disclosure, null, 2) },
    signer,
  ),
  "v1-selection.tar": await bundleOf(log.selectionSet([0, 2]), { policy }, signer),
};
const here = (name: string) => join(import.meta.dirname, name);
for (const [name, bytes] of Object.entries(bundles)) writeFileSync(here(name), bytes, { flag: "wx" });
const about =
  "Golden export bundles of SPEC.md §14, kept for ever: each verifies with the script inside it. Made by make.ts beside it.";
const hashes = Object.fromEntries(Object.entries(bundles).map(([name, bytes]) => [name, toHex(sha256(bytes))]));
writeFileSync(here("v1.json"), `${JSON.stringify({ about, policy, sha256: hashes }, null, 2)}\n`, { flag: "wx" });
