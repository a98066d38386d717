/**
 * The walk through the files of an export's entries, in their order. What it keeps is one group: the rows of the lines that were read
 * last, to make their list and their table again.
 */
import { BUNDLE, decode, isEntries } from "../core/bundle.ts";
import { equalBytes, toHex, utf8 } from "../core/bytes.ts";
import type { Checkpoint } from "../core/checkpoint.ts";
import { countOf, parseSetProof, type SetProof } from "../core/evidence-set.ts";
import { csvForm, type FormRow, jsonForm } from "../core/export/forms.ts";
import { type ExportManifest, formatTableNote, groupNames, groupOf } from "../core/export/manifest.ts";
import { LIMITS } from "../core/limits.ts";
import { type Note, parseNote } from "../core/note.ts";
import type { Sha256 } from "../core/sha256.ts";
import { checkDisclosure, parseDisclosure } from "./disclosure.ts";
import { type ClaimedTree, SetFold } from "./set-fold.ts";

export class ExportWalk {
  readonly #sha256: Sha256;
  readonly #manifest: ExportManifest;
  readonly #isWrong: (note: Note) => boolean;
  readonly #tree: (ClaimedTree & Pick<Checkpoint, "root">) | null;
  /** Of a range: one for all files. Of a selection: of the group that is being read. */
  #fold: { fold: SetFold; proof: SetProof } | null = null;
  #group: (Omit<ReturnType<typeof groupNames>, "proof"> & { rows: FormRow[] }) | null = null;
  #disclosed: { values: number; withheld: number; fault: string | null } | null = null;
  /** Of the table that was read last, hex. */
  #tableHash = "";
  #entries = 0;
  #lastSeq = -1;
  #last: { seq: number; hash: string } | null = null;
  #file: string | null = null;
  #entry: string | null = null;
  #inclusion: string | null = null;
  #form: string | null = null;

  /** `isWrong`: of notes, that a key that is trusted for the log did not sign. `tree`: what the checkpoint claims, whoever signed it; null: nothing that can be read, and no entry is looked at. */
  constructor(
    sha256: Sha256,
    manifest: ExportManifest,
    tree: (ClaimedTree & Pick<Checkpoint, "root">) | null,
    isWrong: (note: Note) => boolean,
  ) {
    this.#isWrong = isWrong;
    this.#sha256 = sha256;
    this.#manifest = manifest;
    this.#tree = tree;
  }

  /** The first file that is not what the manifest lists, and the first list or table that is not what its entries make. */
  get fileFault(): string | null {
    return this.#file;
  }

  get formFault(): string | null {
    return this.#form;
  }

  /** Of the values in clear; null: there are none. */
  get disclosed(): Readonly<{ values: number; withheld: number; fault: string | null }> | null {
    return this.#disclosed;
  }

  wrong(name: string, isThere: boolean): void {
    this.#file ??= isThere
      ? `${name} is not the file that the manifest lists`
      : `${name} is missing, or larger than a file of an export may be`;
  }

  /** The next file about entries; never throws. */
  take(name: string, bytes: Uint8Array): void {
    if (!this.#tree) return;
    if (name === BUNDLE.proof) this.#begin(name, bytes, "range");
    else if (isEntries(name)) this.#lines(name, bytes);
    else if (name === this.#group?.json) this.#same(name, bytes, jsonForm);
    else if (name === this.#group?.csv) {
      this.#same(name, bytes, csvForm);
      this.#tableHash = toHex(this.#sha256(bytes));
    } else if (name === this.#group?.csvNote) this.#tableNote(name, bytes);
    else if (name === this.#group?.pdf)
      return; // A copy for people. Its SHA-256 is the manifest's; what it says is not read here.
    else if (name === this.#group?.disclosures) this.#values(name, bytes);
    else {
      this.#endGroup();
      this.#begin(name, bytes, "selection");
    }
  }

  /** What is wrong with the entries, and with their way to the root. */
  finish(): { entries: string | null; inclusion: string | null } {
    this.#endGroup();
    if (this.#manifest.content.kind === "range") this.#endFold();
    const missing = this.#manifest.entries - this.#entries;
    if (missing !== 0)
      this.#entry ??= `the manifest counts ${this.#manifest.entries} entries, and here are ${this.#entries}`;
    return { entries: this.#entry, inclusion: this.#inclusion };
  }

  #begin(name: string, bytes: Uint8Array, kind: SetProof["kind"]): void {
    const text = decode(bytes);
    const proof = text === null ? null : parseSetProof(text, LIMITS.exportGroupEntries);
    const { content } = this.#manifest;
    if (proof?.kind !== kind) this.#entry ??= `${name} is no proof of a ${kind} in its one spelling`;
    else if (kind === "range" && (proof.kind !== "range" || content.from !== proof.from || content.to !== proof.to)) {
      this.#entry ??= "the manifest lists other entries than the proof is about";
    } else if (this.#tree) this.#fold = { fold: new SetFold(this.#sha256, proof, this.#tree), proof };
  }

  /** A file of lines begins a group of a range, and is what the proof of a group of a selection is about. */
  #lines(name: string, bytes: Uint8Array): void {
    const { content } = this.#manifest;
    if (content.kind === "range") this.#endGroup();
    const text = decode(bytes);
    const rows: FormRow[] = [];
    this.#group = { ...groupOf(name), rows };
    if (text === null || !text.endsWith("\n")) this.#entry ??= `${name} is not lines of UTF-8`;
    if (!this.#fold || text === null) return;
    const { fold, proof } = this.#fold;
    for (let at = 0; at < text.length && fold.fed < countOf(proof); ) {
      const end = text.indexOf("\n", at);
      if (end < 0) break;
      const payload = text.slice(at, end);
      const place = proof.kind === "selection" ? proof.entries[fold.fed] : null;
      const entry = fold.feed(payload);
      at = end + 1;
      if (!entry) break;
      const prevHash = place ? toHex(place.prevHash) : (this.#prevOf(entry.seq, proof) ?? "");
      const row = { seq: entry.seq, entryHash: toHex(entry.entryHash), prevHash, payload };
      rows.push(row);
      this.#placed(row.seq);
      this.#last = { seq: row.seq, hash: row.entryHash };
      if (fold.fed === countOf(proof) && at < text.length)
        this.#entry ??= `${name} has more lines than the proof is about`;
    }
    if (fold.fed === 0 || rows.length === 0) this.#entry ??= `${name} has lines that the proof is not about`;
    if (rows[0] && groupNames(rows[0].seq).lines !== name) this.#entry ??= `${name} is not named after its first entry`;
    if (fold.fault && !fold.fault.endsWith("are missing")) this.#entry ??= `${name}: ${fold.fault}`;
  }

  #prevOf(seq: number, proof: SetProof): string | null {
    if (this.#last?.seq === seq - 1) return this.#last.hash;
    return proof.kind === "range" ? toHex(proof.prevHash) : null;
  }

  #placed(seq: number): void {
    const { content } = this.#manifest;
    if (seq <= this.#lastSeq) this.#entry ??= `entry ${seq} stands here twice, or not in its order`;
    if (seq < content.from || seq > content.to)
      this.#entry ??= `entry ${seq} is not between ${content.from} and ${content.to}`;
    this.#lastSeq = seq;
    this.#entries++;
  }

  #same(name: string, bytes: Uint8Array, form: (rows: readonly FormRow[]) => string): void {
    const made = (): Uint8Array | null => {
      try {
        return utf8(form(this.#group?.rows ?? []));
      } catch {
        return null;
      }
    };
    const expected = made();
    if (!expected || !equalBytes(bytes, expected)) this.#form ??= `${name} does not say what the entries say`;
  }

  #tableNote(name: string, bytes: Uint8Array): void {
    const note = parseNote(decode(bytes) ?? "");
    const text = formatTableNote(this.#manifest.origin, this.#group?.csv ?? "", this.#tableHash);
    if (!note || note.text !== text) this.#form ??= `${name} signs another table than the one beside it`;
    else if (this.#isWrong(note)) this.#form ??= `the log's signature in ${name} is wrong`;
  }

  /** Each value is what an entry of this group committed to. */
  #values(name: string, bytes: Uint8Array): void {
    const text = decode(bytes);
    const file = text === null ? null : parseDisclosure(text);
    const checked = file && checkDisclosure(file, this.#sha256);
    const hashes = new Map(this.#group?.rows.map(({ seq, entryHash }) => [seq, entryHash]));
    const fault = (): string | null => {
      if (!checked) return `${name} is no disclosure of version 1`;
      if (checked.domain !== this.#tree?.domainId) return `${name} is about another log`;
      const foreign = checked.entries.find(({ seq, entryHash }) => hashes.get(seq) !== entryHash);
      if (foreign) return `entry ${foreign.seq} of ${name} is not an entry beside it`;
      return checked.verdict === "verified" ? null : `${name}: a value is not what its entry committed to`;
    };
    const before = this.#disclosed ?? { values: 0, withheld: 0, fault: null };
    this.#disclosed = {
      values: before.values + (checked?.matching ?? 0),
      withheld: before.withheld + (checked?.withheld ?? 0),
      fault: before.fault ?? fault(),
    };
  }

  #endGroup(): void {
    if (this.#manifest.content.kind === "selection") this.#endFold();
    this.#group = null;
  }

  #endFold(): void {
    const { content } = this.#manifest;
    const ended = this.#fold;
    this.#fold = null;
    if (!ended) {
      if (content.kind === "range") this.#inclusion ??= "there is no proof that leads to the root";
      return;
    }
    const root = ended.fold.root();
    if (ended.fold.fault) this.#entry ??= ended.fold.fault;
    if (!root || !this.#tree || !equalBytes(root, this.#tree.root)) {
      const first = ended.proof.kind === "range" ? ended.proof.from : ended.proof.entries[0]?.seq;
      this.#inclusion ??= `the hashes do not lead from the entries from ${first} on to the root of the checkpoint`;
    }
  }
}
