/**
 * The subject keys of one domain (DESIGN §4): in pages of R2 KEYS, sealed under the tenant's key. The object that owns the
 * domain is the only writer, but an object that was replaced may still be writing, so every put is conditional and the loser
 * reads again.
 *
 * Commit order of new keys, with the crash after each:
 *  1. the page is put with the new keys (conditional)      keys that the index does not know: found by the next start,
 *                                                          which lists the pages from the last known one on
 *  2. the index in the journal names their page            done; a key that seals nothing is harmless
 * One put takes all the people that are waiting, up to what the page has room for.
 */
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import {
  openSubjectPage,
  SUBJECTS_PER_PAGE,
  type SubjectKey,
  sealSubjectPage,
  subjectPageKeyVersion,
} from "../../crypto/subject-page.ts";
import type { KeySource } from "../log/sealing/sealing.ts";
import type { RandomBytes, SealedJournal, SubjectPageStore } from "../ports.ts";

const KEY_BYTES = 32;
const ATTEMPTS = 5;

/** The tenant's keys, as the vault needs them. */
export interface TenantKeys {
  current(): Promise<{ version: number; key: Uint8Array }>;
  ofVersion(version: number): Promise<Uint8Array | null>;
  /** Throws `keys.unavailable` when the tenant's own service has withdrawn this version. */
  demandUsable?(version: number): Promise<void>;
  /** What was read is read again. */
  forget?(): void;
}

export interface VaultDeps {
  tenantId: string;
  domainId: string;
  tenantKeys: TenantKeys;
  pages: SubjectPageStore;
  index: Pick<SealedJournal, "subjects" | "addKeys" | "lastPage">;
  random: RandomBytes;
}

/** R2 answered, and what it holds is not the key. For whoever wants to write it is a store that does not work. */
class LostKeys extends AppError {
  constructor(internal: string) {
    super("storage.unavailable", { internal });
  }
}

interface OpenPage {
  etag: string;
  /** Of the tenant's key that it is sealed under. */
  version: number;
  keys: Map<string, SubjectKey>;
}

export class SubjectVault implements KeySource {
  readonly #deps: VaultDeps;
  /** Recently used pages, oldest first. */
  readonly #open = new Map<number, OpenPage>();
  #indexed = false;
  readonly #wanted = new Set<string>();
  #filling: Promise<void> | null = null;

  constructor(deps: VaultDeps) {
    this.#deps = deps;
  }

  tenantKey(): Promise<{ version: number; key: Uint8Array }> {
    return this.#deps.tenantKeys.current();
  }

  /** Throws `storage.unavailable`, `keys.unavailable`. R2: one get a page that is not in memory, one put a page of new keys. */
  async ensure(pseudonyms: readonly string[]): Promise<ReadonlyMap<string, SubjectKey>> {
    const missing = () => {
      const known = new Map(this.#deps.index.subjects(pseudonyms).map((subject) => [subject.pseudonym, subject]));
      return pseudonyms.filter((pseudonym) => {
        const subject = known.get(pseudonym);
        return !subject?.suppressed && (subject?.page ?? null) === null;
      });
    };
    for (let wanted = missing(); wanted.length > 0; wanted = missing()) {
      for (const pseudonym of wanted) this.#wanted.add(pseudonym);
      this.#filling ??= this.#fill().finally(() => {
        this.#filling = null;
      });
      await this.#filling;
    }
    return this.existing(pseudonyms);
  }

  /** Keys that are there. Nobody's is made; an erased subject has none. */
  async existing(pseudonyms: readonly string[]): Promise<ReadonlyMap<string, SubjectKey>> {
    const found = new Map<string, SubjectKey>();
    for (const { pseudonym, page, suppressed } of this.#deps.index.subjects(pseudonyms)) {
      if (page === null || suppressed) continue;
      const key = (await this.#page(page))?.keys.get(pseudonym);
      if (key) found.set(pseudonym, key);
      // Erased while the page was read: then it is as it should be.
      else if (!this.#suppressed(pseudonym)) throw new LostKeys(`keys: page ${page} lacks a subject's key`);
    }
    return found;
  }

  /**
   * For reading: as `existing`, but a key that is lost (its page is gone, does not open or lacks it) is left out, so that the
   * others stay readable. Throws when R2 or the tenant's key cannot be had now.
   */
  async readable(pseudonyms: readonly string[]): Promise<ReadonlyMap<string, SubjectKey>> {
    const found = new Map<string, SubjectKey>();
    for (const pseudonym of new Set(pseudonyms)) {
      try {
        for (const [name, key] of await this.existing([pseudonym])) found.set(name, key);
      } catch (error) {
        if (!(error instanceof LostKeys)) throw error;
      }
    }
    return found;
  }

  /** A version of the tenant's key, null when it is gone. Throws as `tenantKey` does. */
  tenantKeyOf(version: number): Promise<Uint8Array | null> {
    return this.#deps.tenantKeys.ofVersion(version);
  }

  /**
   * Takes the key of a suppressed subject out of its page: what was sealed under it opens never again. Resolves to whether it
   * was there. Idempotent.
   */
  async destroy(pseudonym: string, page: number): Promise<boolean> {
    // What is in memory may be older than what is there.
    this.#open.delete(page);
    let found = false;
    await this.#rewrite(page, (keys) => {
      const removed = keys.delete(pseudonym);
      found ||= removed;
      return removed;
    });
    this.#open.get(page)?.keys.delete(pseudonym);
    return found;
  }

  /**
   * The same for a suppressed subject whose page is not known: `everywhere`, or where a key may stand that never reached the
   * index, which is the last page that it knows and those after it. Each of these is put again, so that a put of before,
   * whose answer was lost, cannot bring the key any more.
   */
  async destroyUnindexed(pseudonym: string, everywhere: boolean): Promise<boolean> {
    await this.#filling?.catch(() => {});
    const from = everywhere ? 0 : (this.#deps.index.lastPage()?.page ?? 0);
    let found = false;
    for (const page of await this.pages()) {
      if (page < from) continue;
      // Everywhere is for many people at a time: a page is read once for all of them.
      if (!everywhere) this.#open.delete(page);
      await this.#rewrite(page, (keys) => {
        const removed = keys.delete(pseudonym);
        found ||= removed;
        return removed || !everywhere;
      });
    }
    return found;
  }

  #suppressed(pseudonym: string): boolean {
    return this.#deps.index.subjects([pseudonym])[0]?.suppressed ?? false;
  }

  /** Seals a page under the tenant's present key. Resolves to false when it already was. */
  async reseal(page: number): Promise<boolean> {
    const { version } = await this.tenantKey();
    const stored = await this.#deps.pages.get(this.#deps.domainId, page);
    if (!stored || subjectPageKeyVersion(stored.bytes) === version) return false;
    await this.#rewrite(page, () => true);
    return true;
  }

  pages(): Promise<number[]> {
    return this.#deps.pages.list(this.#deps.domainId);
  }

  /** A rotation has begun: which version is the present one is read again. */
  readTenantKeysAgain(): void {
    this.#deps.tenantKeys.forget?.();
  }

  /** Drops everything from memory. */
  forget(): void {
    this.#open.clear();
  }

  /** Makes keys for all who are waiting, one page at a time. */
  async #fill(): Promise<void> {
    await this.#findUnindexed();
    while (this.#wanted.size > 0) {
      const last = this.#deps.index.lastPage();
      const page = last === null ? 0 : last.keys < SUBJECTS_PER_PAGE ? last.page : last.page + 1;
      const room = SUBJECTS_PER_PAGE - (page === last?.page ? last.keys : 0);
      const batch = [...this.#wanted].slice(0, room);
      for (const pseudonym of batch) this.#wanted.delete(pseudonym);
      // Somebody may have been erased since they were asked for.
      const gone = new Set(this.#deps.index.subjects(batch).flatMap((its) => (its.suppressed ? its.pseudonym : [])));
      const living = batch.filter((pseudonym) => !gone.has(pseudonym));
      if (living.length === 0) continue;
      const added = new Map(
        living.map((pseudonym) => [pseudonym, { pseudonym, epoch: 1, key: this.#deps.random(KEY_BYTES) }]),
      );
      const keys = await this.#rewrite(page, (present) => {
        for (const [pseudonym, key] of added) if (!present.has(pseudonym)) present.set(pseudonym, key);
        return true;
      });
      this.#deps.index.addKeys([...keys.values()].map(({ pseudonym, epoch }) => ({ pseudonym, epoch, page })));
    }
  }

  /** Once after a start: pages that were put and never reached the index. */
  async #findUnindexed(): Promise<void> {
    if (this.#indexed) return;
    const from = this.#deps.index.lastPage()?.page ?? 0;
    for (const page of await this.pages()) {
      if (page < from) continue;
      const keys = (await this.#page(page))?.keys ?? new Map<string, SubjectKey>();
      this.#deps.index.addKeys([...keys.values()].map(({ pseudonym, epoch }) => ({ pseudonym, epoch, page })));
    }
    this.#indexed = true;
  }

  async #page(page: number): Promise<OpenPage | null> {
    const known = this.#open.get(page);
    if (!known) return this.#load(page);
    await this.#demandUsable(known.version);
    // Meanwhile it may have been put again, or erased from.
    const now = this.#open.get(page);
    if (!now) return this.#load(page);
    this.#open.delete(page);
    this.#open.set(page, now);
    return now;
  }

  /** A page stays open no longer than the key that opened it (S3-41): what a withdrawn key has opened is forgotten. */
  async #demandUsable(version: number): Promise<void> {
    try {
      await this.#deps.tenantKeys.demandUsable?.(version);
    } catch (error) {
      for (const [page, open] of this.#open) if (open.version === version) this.#open.delete(page);
      throw error;
    }
  }

  async #load(page: number): Promise<OpenPage | null> {
    const { tenantId, domainId, pages, tenantKeys } = this.#deps;
    const stored = await pages.get(domainId, page);
    if (!stored) return null;
    const version = subjectPageKeyVersion(stored.bytes);
    const tenantKey = version === null ? null : await tenantKeys.ofVersion(version);
    const keys = tenantKey && openSubjectPage(stored.bytes, { tenantId, scope: domainId, page }, tenantKey);
    if (!keys || version === null) throw new LostKeys(`keys: page ${page} of subject keys does not open`);
    const open = { etag: stored.etag, version, keys: new Map(keys.map((key) => [key.pseudonym, key])) };
    // Whoever has put the page meanwhile knows better what is there.
    if (!this.#open.has(page)) this.#keep(page, open);
    return open;
  }

  #keep(page: number, open: OpenPage): void {
    this.#open.delete(page);
    this.#open.set(page, open);
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= LIMITS.openKeyPages) break;
      this.#open.delete(oldest);
    }
  }

  /** Changes a page and puts it back if nobody else did meanwhile, else begins again from what is there now. */
  async #rewrite(page: number, change: (keys: Map<string, SubjectKey>) => boolean): Promise<Map<string, SubjectKey>> {
    const { tenantId, domainId, pages } = this.#deps;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = attempt === 0 ? await this.#page(page) : await this.#load(page);
      const keys = new Map(before?.keys);
      if (!change(keys)) return keys;
      const { version, key } = await this.tenantKey();
      const bytes = sealSubjectPage([...keys.values()], { tenantId, scope: domainId, page }, key, version);
      let etag: string | null;
      try {
        etag = await pages.put(domainId, page, bytes, before?.etag ?? null);
      } catch (error) {
        // Stored or not: what is in memory may be older than what is there.
        this.#open.delete(page);
        throw error;
      }
      if (etag !== null) {
        this.#keep(page, { etag, version, keys });
        return keys;
      }
      this.#open.delete(page);
    }
    throw new AppError("storage.unavailable", { internal: `keys: page ${page} was changed by others all the time` });
  }
}
