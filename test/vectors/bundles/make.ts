/**
 * Made the golden bundles of format version 1, each once: `node test/vectors/bundles/make.ts`. They are kept for ever, with the script
 * and the page that were in them then; this file makes those that are not there, and never writes over one. A later version of the
 * format gets bundles of its own.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toHex } from "../../../src/core/bytes.ts";
import { formatCosignerKey } from "../../../src/core/cosignature.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { noteSigner } from "../../../src/crypto/signer.ts";
import { VERIFY_PAGE } from "../../../src/services/bundle/verify-page.ts";
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
const here = (name: string) => join(import.meta.dirname, name);
const golden = JSON.parse(readFileSync(here("v1.json"), "utf8")) as { about: string; sha256: Record<string, string> };
const range = log.rangeSet(0, 2);
const bundles: Record<string, () => Promise<Uint8Array>> = {
  "v1-range.tar": () => bundleOf(range, { policy, disclosures: JSON.stringify(disclosure, null, 2) }, signer),
  "v1-selection.tar": () => bundleOf(log.selectionSet([0, 2]), { policy }, signer),
  "v1-page.tar": () => bundleOf(range, { policy, page: VERIFY_PAGE }, signer),
};
for (const [name, make] of Object.entries(bundles)) {
  if (golden.sha256[name]) continue;
  const bytes = await make();
  writeFileSync(here(name), bytes, { flag: "wx" });
  golden.sha256[name] = toHex(sha256(bytes));
}
writeFileSync(here("v1.json"), `${JSON.stringify(golden, null, 2)}\n`);
