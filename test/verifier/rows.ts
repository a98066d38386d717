/** Builds chains as the sequencer would, so that tests can spoil them. */
import { toHex } from "../../src/core/bytes.ts";
import { entryHash, genesisHash } from "../../src/core/chain.ts";
import { entryIdFor } from "../../src/core/entry-id.ts";
import { type EntryFields, encodePayload } from "../../src/core/payload/payload.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { type ChainFinding, type ChainRow, type ChainStart, ChainVerifier } from "../../src/verifier/chain.ts";

export const DOMAIN = "dom_eu_01jegc8qvyfgx9tmvc3w70yjrh";
export const OTHER_DOMAIN = "dom_eu_01jegc8qvyfgx9tmvc3w70yjrj";
const STARTED_MS = Date.parse("2026-11-21T09:14:00.000Z");

export const genesisOf = (domain: string) => genesisHash(sha256, new Uint8Array(32).fill(7), domain);

export interface ChainOptions {
  domain?: string;
  genesis?: Uint8Array;
  /** Replaces the fields of one entry. */
  fields?: (seq: number) => Partial<EntryFields>;
}

/** A consistent chain of `size` rows. */
export function chainOf(
  size: number,
  { domain = DOMAIN, genesis = genesisOf(domain), fields }: ChainOptions = {},
): ChainRow[] {
  const rows: ChainRow[] = [];
  let prev = genesis;
  for (let seq = 0; seq < size; seq++) {
    const id = entryIdFor(STARTED_MS + seq, seq);
    const payload = encodePayload(
      {
        action: seq === 0 ? "domain.created" : "invoice.exported",
        actor: seq === 0 ? { type: "system", id: "system:moonseal" } : { type: "user", ref: "ab".repeat(32) },
        outcome: "success",
        metadata: seq === 0 ? { genesis: toHex(genesis) } : { format: "csv", note: "é", seq },
        ...fields?.(seq),
      },
      { domain, seq, id, recorded_at: new Date(STARTED_MS + seq).toISOString(), salt: "0".repeat(32) },
    );
    const hash = entryHash(sha256, prev, payload);
    rows.push({ seq, id, prevHash: toHex(prev), entryHash: toHex(hash), payload });
    prev = hash;
  }
  return rows;
}

/** Hashes again what stands in the rows, from `from` on: the forger who knows the rules. */
export function relinked(rows: readonly ChainRow[], from = 0): ChainRow[] {
  const out = rows.slice(0, from);
  let prev = out.at(-1)?.entryHash ?? rows[0]?.prevHash ?? "";
  for (const row of rows.slice(from)) {
    const hash = toHex(entryHash(sha256, Buffer.from(prev, "hex"), row.payload));
    out.push({ ...row, prevHash: prev, entryHash: hash });
    prev = hash;
  }
  return out;
}

export function verify(rows: readonly ChainRow[], start?: ChainStart, domain = DOMAIN): ChainFinding | null {
  const verifier = new ChainVerifier(sha256, domain, start);
  for (const row of rows) verifier.feed(row);
  return verifier.finding;
}
