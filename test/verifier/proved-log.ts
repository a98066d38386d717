/** A small log with its tree, signed and witnessed with keys of its own, as an auditor's material. */
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { fromHex } from "../../src/core/bytes.ts";
import { formatCheckpoint } from "../../src/core/checkpoint.ts";
import {
  cosignatureMessage,
  cosignerKeyHash,
  formatCosignature,
  formatCosignerKey,
} from "../../src/core/cosignature.ts";
import type { EvidenceSet } from "../../src/core/evidence-set.ts";
import { proveRange } from "../../src/core/merkle/range.ts";
import { proveSelection } from "../../src/core/merkle/selection.ts";
import { Frontier, leafHash, type ReadNodes } from "../../src/core/merkle/tree.ts";
import { formatNote, parseNote } from "../../src/core/note.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { type NoteSigner, noteSigner } from "../../src/crypto/signer.ts";
import { verifyEd25519, verifyMlDsa44 } from "../../src/crypto/verify.ts";
import { saltBytesFor, sequenceEntries } from "../../src/services/log/sequence.ts";
import type { EntryRow } from "../../src/services/ports.ts";
import { parsePolicy, type TrustPolicy } from "../../src/verifier/policy.ts";

export const DOMAIN = "dom_eu_01jegc8qvyfgx9tmvc3w70yjrh";
export const ORIGIN = `log.test/${DOMAIN}`;
export const WITNESS = "witness.example/w1";
export const PLATFORM = { sha256, verify: verifyEd25519, verifyMlDsa44 };
/** POSIX seconds of every cosignature. */
export const SEEN_AT = 1_795_259_650;

const GENESIS = "00".repeat(32);

/** Rows as the sequencer makes them, from the entry that names its genesis value on. Another `word` is another history. */
export function rowsFromGenesis(count: number, word = "real", domainId = DOMAIN): EntryRow[] {
  const planned = Array.from({ length: count }, (_, i) => ({
    pointer: "",
    id: undefined,
    eventMac: undefined,
    privateValues: [],
    people: [],
    fields: {
      action: i === 0 ? "domain.created" : "document.read",
      actor: { id: "svc", type: "service" as const },
      outcome: "success" as const,
      metadata: i === 0 ? { genesis: GENESIS, word } : { i, word },
    },
  }));
  const head = { size: 0, entryHash: GENESIS, recordedAtMs: 0 };
  const salts = new Uint8Array(saltBytesFor(count));
  return sequenceEntries(sha256, domainId, head, planned, Date.UTC(2026, 10, 21), salts).rows;
}

export interface TestKey {
  publicKey: Uint8Array;
  sign(text: string): Uint8Array;
}

export function testKey(fill: number): TestKey {
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, fill)]),
    format: "der",
    type: "pkcs8",
  });
  const publicKey = new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32));
  return { publicKey, sign: (text) => new Uint8Array(sign(null, Buffer.from(text), key)) };
}

export const logSigner = (origin = ORIGIN): NoteSigner => noteSigner(origin, new Uint8Array(32).fill(1));
export const witnessKey = testKey(2);

export class ProvedLog {
  readonly origin: string;
  readonly rows: readonly EntryRow[];
  readonly signer: NoteSigner;
  readonly #nodes = new Map<string, Uint8Array>();
  readonly #roots: Uint8Array[] = [];

  constructor(rows: readonly EntryRow[] = rowsFromGenesis(20), origin = ORIGIN, signer = logSigner(origin)) {
    this.rows = rows;
    this.origin = origin;
    this.signer = signer;
    const frontier = new Frontier(sha256);
    for (const { entryHash } of rows) {
      this.#roots.push(frontier.root());
      const leaf = leafHash(sha256, fromHex(entryHash) as Uint8Array);
      frontier.append(leaf, ({ level, index }, hash) => this.#nodes.set(`${level}/${index}`, hash));
    }
    this.#roots.push(frontier.root());
  }

  get read(): ReadNodes {
    return (wanted) => wanted.map(({ level, index }) => this.#nodes.get(`${level}/${index}`) as Uint8Array);
  }

  root(size = this.rows.length): Uint8Array {
    return this.#roots[size] as Uint8Array;
  }

  /** The signed note, with the cosignature of the witness. */
  checkpoint(size = this.rows.length, witness: TestKey | null = witnessKey): string {
    const text = formatCheckpoint({ origin: this.origin, size, root: this.root(size) });
    const note = parseNote(this.signer.sign(text));
    if (!note || !witness) return this.signer.sign(text);
    const cosignature = {
      name: WITNESS,
      keyHash: cosignerKeyHash(sha256, WITNESS, witness.publicKey),
      signature: formatCosignature(SEEN_AT, witness.sign(cosignatureMessage(text, SEEN_AT))),
    };
    return formatNote({ text, signatures: [...note.signatures, cosignature] });
  }

  rangeSet(from: number, to: number, size = this.rows.length, checkpoint = this.checkpoint(size)): EvidenceSet {
    const hashes = proveRange(sha256, { from, to: to + 1 }, size, this.read);
    const prevHash = fromHex(this.#row(from).prevHash) as Uint8Array;
    const payloads = this.rows.slice(from, to + 1).map(({ payload }) => payload);
    return { proof: { kind: "range", from, to, prevHash, hashes }, payloads, checkpoint };
  }

  selectionSet(seqs: readonly number[], size = this.rows.length, checkpoint = this.checkpoint(size)): EvidenceSet {
    const hashes = proveSelection(sha256, seqs, size, this.read);
    const entries = seqs.map((seq) => ({ seq, prevHash: fromHex(this.#row(seq).prevHash) as Uint8Array }));
    const payloads = seqs.map((seq) => this.#row(seq).payload);
    return { proof: { kind: "selection", entries, hashes }, payloads, checkpoint };
  }

  #row(seq: number): EntryRow {
    return this.rows[seq] as EntryRow;
  }
}

/** What an auditor keeps, as JSON. */
export const policyJson = (change: object = {}, origin = ORIGIN) => ({
  logs: [{ origin, key: logSigner(origin).verifierKey }],
  witnesses: [{ key: formatCosignerKey(sha256, WITNESS, witnessKey.publicKey), independent: true }],
  required: 1,
  ...change,
});
export const trust = (change: object = {}, origin = ORIGIN) =>
  parsePolicy(sha256, policyJson(change, origin)) as TrustPolicy;
