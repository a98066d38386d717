/**
 * Whether a log that was moved (SPEC.md §17) is in its new place what it was in its old one, offline and from two exports: that of
 * the old log, and one of the new log from its beginning. Both are verified as exports are; then the translation is made again here,
 * entry by entry, and compared with what stands in the new log.
 *
 * People have other pseudonyms in the new log; checked is that they are changed one for one. Not checked: who they are, whether
 * private values came along that should have stayed, and what happened in the old log after it was exported.
 */
import { isProductsOwn } from "../core/actions/product.ts";
import { BUNDLE, decode, isEntries } from "../core/bundle.ts";
import { toHex, utf8 } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical.ts";
import { entryHash } from "../core/chain.ts";
import { parseSetProof } from "../core/evidence-set.ts";
import type { ExportManifest } from "../core/export/manifest.ts";
import { LIMITS } from "../core/limits.ts";
import { TOLD_ACTION, translateEntry } from "../core/moving/translate.ts";
import { classifyEvent } from "../core/payload/classify.ts";
import { type EntryFields, type Payload, parsePayload } from "../core/payload/payload.ts";
import { refOf } from "../core/payload/people.ts";
import type { Sha256 } from "../core/sha256.ts";
import { type ByteSource, readZip } from "../core/zip.ts";
import { type ExportReport, verifyExportZip } from "./export.ts";
import type { TrustPolicy } from "./policy.ts";
import { type Platform, StepList, type VerifierReport, worstVerdict } from "./report.ts";

export interface MoveReport extends VerifierReport {
  kind: "move";
}

type StepName = "old log" | "new log" | "announced" | "entries" | "people";

/** Two untrusted archives. O(bytes of both); holds one file of each, and the people, in memory. */
export function verifyMove(old: ByteSource, moved: ByteSource, policy: TrustPolicy, platform: Platform): MoveReport {
  const list = new StepList<StepName>();
  const reports = [verifyExportZip(old, policy, platform), verifyExportZip(moved, policy, platform)] as const;
  for (const [i, report] of reports.entries()) {
    const name = i === 0 ? "old log" : "new log";
    if (report.export)
      list.check(name, faultOfExport(report, i === 1), `${report.subject}: proved, as moonseal verify says`);
    else list.check(name, report.steps.find(({ status }) => status !== "ok")?.detail ?? "it is not proved", "");
  }
  const [before, after] = reports;
  if (before.export && after.export && list.steps.every(({ status }) => status === "ok")) {
    compare(
      list,
      { source: old, manifest: before.export.manifest },
      { source: moved, manifest: after.export.manifest },
      platform,
    );
  }
  const isRefuted = list.steps.some(({ status }) => status === "failed");
  const verdicts = reports.map(({ verdict }) => verdict);
  return {
    kind: "move",
    subject: `the move of ${before.export?.origin ?? "a log"} to ${after.export?.origin ?? "another"}`,
    verdict:
      isRefuted && verdicts.every((verdict) => verdict !== "could_not_check") ? "refuted" : worstVerdict(verdicts),
    steps: list.steps,
    notChecked: [
      "who the people are: each old pseudonym became one new one, and no two the same",
      "what happened in the old log after it was exported",
      ...new Set(reports.flatMap(({ notChecked }) => notChecked)),
    ],
    advice: reports.flatMap(({ advice }) => advice),
    heads: reports.flatMap(({ heads }) => heads),
  };
}

function faultOfExport({ export: proved }: ExportReport, isNew: boolean): string | null {
  const content = proved?.manifest.content;
  if (content?.kind !== "range") return "it is a selection: a move is verified with every entry of a range";
  return isNew && content.from !== 0 ? "the export of the new log must begin with its entry 0" : null;
}

interface Side {
  source: ByteSource;
  manifest: ExportManifest;
}

function compare(list: StepList<StepName>, old: Side, moved: Side, { sha256 }: Platform): void {
  const manifestHash = toHex(sha256(fileOf(old.source, BUNDLE.manifest)));
  const people = new Pairs();
  const olds = entriesOf(old, sha256);
  let announced: string | null = `no entry domain.imported of the new log names the export ${manifestHash}`;
  let wrong: string | null = null;
  let next = olds.next();
  let isBegun = false;
  for (const { payload } of entriesOf(moved, sha256)) {
    if (!isBegun) {
      isBegun = payload.action === "domain.imported" && payload.metadata?.manifest_sha256 === manifestHash;
      if (isBegun) announced = faultOfEvent(payload, old.manifest);
      else if (!isProductsOwn(payload.action)) break;
      continue;
    }
    if (next.done) break;
    // Between old entries the product may have written about the new domain.
    if (isProductsOwn(payload.action) && payload.action !== TOLD_ACTION) continue;
    wrong ??= differs(next.value, payload, people);
    if (wrong) break;
    next = olds.next();
  }
  if (!next.done && isBegun) wrong ??= `entry ${next.value.payload.seq} of the old log is not in the new one`;
  list.check(
    "announced",
    announced,
    "domain.imported of the new log names this export, its head and its number of entries",
  );
  if (announced === null) {
    const all = `each of the ${old.manifest.entries} old entries stands in the new log once, in their order, as its translation`;
    list.check("entries", wrong, all);
    list.check(
      "people",
      people.fault,
      `each of the ${people.size} people has one new pseudonym, and no two have the same`,
    );
  }
}

function faultOfEvent({ metadata, actor }: Payload, { origin, head, entries, content }: ExportManifest): string | null {
  const says = canonicalJson({
    ...{ origin: metadata?.origin, head: metadata?.head, entries: metadata?.entries },
    ...{ first: metadata?.first, last: metadata?.last },
  });
  const is = canonicalJson({
    origin,
    head,
    entries,
    first: content.from,
    last: content.kind === "range" ? content.to : -1,
  });
  if (actor.type === "anonymous") return "nobody stands behind domain.imported";
  return says === is ? null : "domain.imported says something else than the export that it names";
}

interface ReadEntry {
  entryHash: string;
  payload: Payload;
  byteLength: number;
}

/** What is different; null: nothing. */
function differs(old: ReadEntry, found: Payload, people: Pairs): string | null {
  const name = `entry ${found.seq}`;
  const expected = classifyEvent(translateEntry(old, []), (id) => id).fields;
  if (found.id !== old.payload.id) return `${name} is not the translation of entry ${old.payload.seq}: another id`;
  const [was, is] = [refsOf(expected), refsOf(found)];
  if (was.length !== is.length) return `${name} names other people than entry ${old.payload.seq}`;
  for (const [i, ref] of was.entries()) people.add(ref, is[i] ?? "");
  const told = (fields: EntryFields) => canonicalJson(pick(fields));
  if (told(expected) !== told(found)) return `${name} does not say what entry ${old.payload.seq} of the old log says`;
  const committed = new Set(Object.keys(old.payload.private ?? {}));
  const added = Object.keys(found.private ?? {}).find((pointer) => !committed.has(pointer));
  return added === undefined ? null : `${name} has a private value that entry ${old.payload.seq} had not`;
}

/** The fields that a translation decides, with people by their types alone. */
function pick(fields: EntryFields) {
  const { action, caveats, changes, metadata, outcome, occurred_at, request_id, traceparent } = fields;
  const bare = (place: EntryFields["actor"] | undefined) =>
    place && (refOf(place) === null ? place : { type: place.type });
  return {
    ...{ action, caveats, changes, metadata, outcome, occurred_at, request_id, traceparent },
    actor: bare(fields.actor),
    on_behalf_of: fields.on_behalf_of && { type: fields.on_behalf_of.type },
    subjects: fields.subjects?.map(({ type, role }) => ({ type, role })),
    targets: fields.targets?.map((target) => (refOf(target) === null ? target : { type: target.type })),
  };
}

const refsOf = ({ actor, on_behalf_of, subjects, targets }: EntryFields): string[] =>
  [actor, on_behalf_of, ...(subjects ?? []), ...(targets ?? [])]
    .map((place) => refOf(place))
    .filter((ref) => ref !== null);

/** Old pseudonyms and new ones, one for one. */
class Pairs {
  readonly #new = new Map<string, string>();
  readonly #old = new Map<string, string>();
  fault: string | null = null;

  get size(): number {
    return this.#new.size;
  }

  add(old: string, found: string): void {
    if ((this.#new.get(old) ?? found) !== found) this.fault ??= `one person became two: ${old}`;
    if ((this.#old.get(found) ?? old) !== old) this.fault ??= `two people became one: ${found}`;
    this.#new.set(old, found);
    this.#old.set(found, old);
  }
}

/** The entries of an export that was verified. */
function* entriesOf({ source, manifest }: Side, sha256: Sha256): Generator<ReadEntry> {
  const proof = parseSetProof(decode(fileOf(source, BUNDLE.proof)) ?? "", LIMITS.exportGroupEntries);
  if (proof?.kind !== "range") throw new TypeError("an export of a range that was verified has a proof");
  let { prevHash } = proof;
  for (const { name } of manifest.files.filter((file) => isEntries(file.name))) {
    for (const line of (decode(fileOf(source, name)) ?? "").split("\n").slice(0, -1)) {
      const parsed = parsePayload(line);
      if (!parsed.ok) throw new TypeError("an entry that was verified is a payload");
      prevHash = entryHash(sha256, prevHash, line);
      yield { entryHash: toHex(prevHash), payload: parsed.payload, byteLength: utf8(line).length };
    }
  }
}

function fileOf(source: ByteSource, name: string): Uint8Array {
  const zip = readZip(source, LIMITS.exportFiles + 2);
  const file = zip.ok ? zip.files.find((each) => each.name === name) : undefined;
  if (!file) throw new TypeError("an archive that was verified has its files");
  return source.read(file.start, file.bytes);
}
