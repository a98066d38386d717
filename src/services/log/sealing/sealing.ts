/**
 * Sealing inside the append (DESIGN §2): keys are fetched before, everything else happens in the append's one synchronous
 * block, which reads again who is suppressed. What was prepared for somebody who was erased meanwhile is thrown away.
 */
import { toHex, utf8 } from "../../../core/bytes.ts";
import { canonicalJson } from "../../../core/canonical.ts";
import { commitmentMessage } from "../../../core/commitment.ts";
import { AppError } from "../../../core/errors.ts";
import { LIMITS } from "../../../core/limits.ts";
import {
  encodePrivateValues,
  PRIVATE_SALT_BYTES,
  privateRowId,
  type SealedPrivateValue,
} from "../../../core/private-values.ts";
import { hmacSha256 } from "../../../crypto/hmac.ts";
import type { SlotName } from "../../../crypto/key-registry.ts";
import type { Sealed, Sealer, SealOwner } from "../../../crypto/sealed.ts";
import type { SubjectKey } from "../../../crypto/subject-page.ts";
import type { PrivateRow, RandomBytes, SealedJournal, SubjectRow } from "../../ports.ts";
import type { PlannedEntry } from "../plan.ts";
import type { Sighting } from "./sightings.ts";

/** What an entry lacks because somebody in it is erased. */
export interface LeftOut {
  suppressed: boolean;
  dropped: string[];
}

/** One request's sealing. `begin`, `commitTo` for each entry in order and `store` stand in one synchronous block. */
export interface SealingRun {
  begin(fresh: readonly PlannedEntry[]): void;
  commitTo(entry: PlannedEntry, place: { seq: number; id: string }): Record<string, string> | undefined;
  /** Writes the sealed rows, inside the transaction of the caller. By seq: what was left out. */
  store(): ReadonlyMap<number, LeftOut>;
}

export interface Sealing {
  /**
   * Fetches or makes the keys that these entries need. Throws `storage.unavailable` or `keys.unavailable` when one is needed
   * and cannot be had; entries without private values about people who are known already need none.
   */
  prepare(planned: readonly PlannedEntry[]): Promise<SealingRun>;
}

/** Where keys come from (src/services/keys). */
export interface KeySource {
  /** Keys of these people, made where there are none. A suppressed one has none. */
  ensure(pseudonyms: readonly string[]): Promise<ReadonlyMap<string, SubjectKey>>;
  tenantKey(): Promise<{ version: number; key: Uint8Array }>;
}

export interface SealingDeps {
  tenantId: string;
  domainId: string;
  keys: KeySource;
  sealer: Sealer;
  journal: SealedJournal;
  random: RandomBytes;
}

export class DomainSealing implements Sealing {
  readonly #deps: SealingDeps;

  constructor(deps: SealingDeps) {
    this.#deps = deps;
  }

  async prepare(planned: readonly PlannedEntry[]): Promise<SealingRun> {
    const { journal, keys } = this.#deps;
    const pseudonyms = new Set(planned.flatMap(({ people }) => people.map(({ pseudonym }) => pseudonym)));
    const known = new Map(journal.subjects([...pseudonyms]).map((subject) => [subject.pseudonym, subject]));
    const holding = new Set(planned.flatMap(({ privateValues }) => privateValues.map(({ subject }) => subject)));
    const needed = [...pseudonyms].filter((pseudonym) => {
      const subject = known.get(pseudonym);
      return !subject?.suppressed && (!subject?.seen || holding.has(pseudonym));
    });
    const subjectKeys = needed.length > 0 ? await keys.ensure(needed) : new Map<string, SubjectKey>();
    const tenantKey = holding.has(null) ? await keys.tenantKey() : null;
    return new DomainSealingRun(this.#deps, subjectKeys, tenantKey);
  }
}

class DomainSealingRun implements SealingRun {
  readonly #deps: SealingDeps;
  readonly #subjectKeys: ReadonlyMap<string, SubjectKey>;
  readonly #tenantKey: { version: number; key: Uint8Array } | null;
  #suppressed = new Set<string>();
  #seen = new Set<string>();
  #privates: PrivateRow[] = [];
  #subjects: SubjectRow[] = [];
  #leftOut = new Map<number, LeftOut>();

  constructor(
    deps: SealingDeps,
    subjectKeys: ReadonlyMap<string, SubjectKey>,
    tenantKey: { version: number; key: Uint8Array } | null,
  ) {
    this.#deps = deps;
    this.#subjectKeys = subjectKeys;
    this.#tenantKey = tenantKey;
  }

  begin(fresh: readonly PlannedEntry[]): void {
    const pseudonyms = new Set(fresh.flatMap(({ people }) => people.map(({ pseudonym }) => pseudonym)));
    for (const subject of this.#deps.journal.subjects([...pseudonyms])) {
      if (subject.suppressed) this.#suppressed.add(subject.pseudonym);
      if (subject.seen) this.#seen.add(subject.pseudonym);
    }
  }

  commitTo(entry: PlannedEntry, place: { seq: number; id: string }): Record<string, string> | undefined {
    const suppressed = entry.people.some(({ pseudonym }) => this.#suppressed.has(pseudonym));
    const dropped: string[] = [];
    const bySubject = new Map<string, SealedPrivateValue[]>();
    const commitments: Record<string, string> = {};
    for (const { pointer, value, subject } of entry.privateValues) {
      if (subject !== null && this.#suppressed.has(subject)) {
        dropped.push(pointer);
        continue;
      }
      const salt = this.#deps.random(PRIVATE_SALT_BYTES);
      const at = { domain: this.#deps.domainId, entryId: place.id, pointer };
      commitments[pointer] = toHex(hmacSha256(salt, commitmentMessage(at, value)));
      const values = bySubject.get(subject ?? "") ?? [];
      bySubject.set(subject ?? "", values);
      values.push({ pointer, salt, value });
    }
    for (const [subject, values] of bySubject) this.#privates.push(this.#sealValues(subject, values, place, entry));
    for (const person of entry.people) {
      if (this.#suppressed.has(person.pseudonym)) continue;
      this.#see(person, place.seq);
      // So that the entries of a person are found without reading every payload.
      if (!bySubject.has(person.pseudonym)) {
        this.#privates.push({ seq: place.seq, subject: person.pseudonym, sealed: null });
      }
    }
    if (suppressed || dropped.length > 0) this.#leftOut.set(place.seq, { suppressed, dropped });
    return bySubject.size > 0 ? commitments : undefined;
  }

  store(): ReadonlyMap<number, LeftOut> {
    if (this.#privates.length > 0 || this.#subjects.length > 0) {
      this.#deps.journal.appendSealed({ privates: this.#privates, subjects: this.#subjects });
    }
    return this.#leftOut;
  }

  #sealValues(
    subject: string,
    values: SealedPrivateValue[],
    { seq, id }: { seq: number; id: string },
    { pointer }: PlannedEntry,
  ): PrivateRow {
    const place = { table: "audit_private_value", column: "sealed", rowId: privateRowId(id, subject) };
    const plaintext = utf8(encodePrivateValues(values));
    if (plaintext.length > LIMITS.privateRowBytes) {
      // What the copier cannot put into D1 would hold up every entry after it.
      const detail = `holds ${plaintext.length} bytes of private values about one subject; at most ${LIMITS.privateRowBytes} are accepted`;
      throw new AppError("request.too_large", { errors: [{ pointer, detail }] });
    }
    const sealed = this.#deps.sealer.seal("private_values", plaintext, place, this.#owner(subject));
    return { seq, subject, sealed };
  }

  #see(person: Sighting, seq: number): void {
    const { pseudonym } = person;
    if (this.#seen.has(pseudonym)) return;
    this.#seen.add(pseudonym);
    const owner = this.#owner(pseudonym);
    const seal = <S extends SlotName>(slot: S, column: string, text: string): Sealed<S> =>
      this.#deps.sealer.seal(slot, text, { table: "audit_subject_pii", column, rowId: pseudonym }, owner);
    this.#subjects.push({
      pseudonym,
      seq,
      subjectPlaintext: seal("subject_identity", "subject_plaintext", person.identityId),
      emailClaim: person.email === null ? null : seal("contact", "email_claim", person.email),
      sourceIp: person.ip === null ? null : seal("network", "source_ip", person.ip),
      idpClaimNames:
        person.idpClaimNames === null
          ? null
          : seal("idp_claims", "idp_claim_names", canonicalJson([...person.idpClaimNames])),
    });
  }

  #owner(subject: string): SealOwner {
    const { tenantId } = this.#deps;
    if (subject === "") {
      if (!this.#tenantKey) throw new Error("the tenant's key was not prepared");
      return { tenantId, tenantKeyVersion: this.#tenantKey.version, subject: null, ikm: this.#tenantKey.key };
    }
    const key = this.#subjectKeys.get(subject);
    if (!key) throw new Error("a subject's key was not prepared");
    return { tenantId, tenantKeyVersion: 0, subject: { pseudonym: subject, epoch: key.epoch }, ikm: key.key };
  }
}
