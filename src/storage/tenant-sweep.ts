/**
 * Everything about one tenant in the stores of a cell, for its deletion. What stands where is listed here once; a test
 * compares the tables with `schema.ts`, so that a new table cannot be forgotten.
 */
import { exportPrefix } from "../core/export/key.ts";
import { importPrefix } from "../core/moving/keys.ts";
import { segmentPrefix } from "../core/segment.ts";
import type { Deleted, TenantSweep } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";
import { asking, deleteUnder } from "./r2-asking.ts";
import { LEDGER_SWEEP, RECORD_TABLES, RELEASE, ROWS_LEFT } from "./tenant-sweep-sql.ts";
import { treePrefix } from "./tree-mirror.ts";

export interface SweptStores {
  control: D1Database;
  /** Every ledger shard of the cell by its name, whatever a domain says about where its rows are. */
  shards: Readonly<Record<string, D1Database>>;
  log: R2Bucket;
  keys: R2Bucket;
}

const askKeys = asking("keys");
const askLog = asking("archive");

export class CellTenantSweep implements TenantSweep {
  readonly #stores: SweptStores;

  constructor(stores: SweptStores) {
    this.#stores = stores;
  }

  async revokeKeys(tenantId: string, revokedAt: string): Promise<void> {
    const sql = "UPDATE api_key SET revoked_at = ?2 WHERE tenant_id = ?1 AND revoked_at IS NULL";
    await askControl(() => this.#stores.control.prepare(sql).bind(tenantId, revokedAt).run());
  }

  async destroySubjectKeys(scope: string): Promise<Deleted> {
    return { subject_key_pages: await deleteUnder(this.#stores.keys, subjectKeys(scope), askKeys) };
  }

  async destroyTenantKeys(tenantId: string): Promise<Deleted> {
    const { keys } = this.#stores;
    return {
      tenant_key_versions: await deleteUnder(keys, tenantKeys(tenantId), askKeys),
      tenant_roots: await deleteUnder(keys, tenantRoot(tenantId), askKeys),
    };
  }

  async deleteRows(domainId: string): Promise<{ deleted: Deleted; done: boolean }> {
    const deleted: Record<string, number> = {};
    for (const shard of Object.values(this.#stores.shards)) {
      // One transaction: when a hold keeps the entries, what is sealed beside them stays too.
      const statements = LEDGER_SWEEP.map(({ sql }) => shard.prepare(sql).bind(domainId));
      const release = shard.prepare(RELEASE).bind(domainId, new Date().toISOString());
      const [, ...results] = await askLedger(() => shard.batch([release, ...statements]));
      for (const [i, { table }] of LEDGER_SWEEP.entries()) {
        deleted[table] = (deleted[table] ?? 0) + (results[i]?.meta.changes ?? 0);
      }
    }
    return { deleted, done: Object.values(deleted).every((rows) => rows === 0) };
  }

  async deleteArchive(domainId: string): Promise<Deleted> {
    const { log } = this.#stores;
    return {
      exports: await deleteUnder(log, exportPrefix(domainId), askLog),
      imports: await deleteUnder(log, importPrefix(domainId), askLog),
      sealed_pages: await deleteUnder(log, sealedPages(domainId), askLog),
      segments: await deleteUnder(log, segmentPrefix(domainId), askLog),
      tree_tiles: await deleteUnder(log, treePrefix(domainId), askLog),
    };
  }

  async deleteRecords(tenantId: string): Promise<Deleted> {
    const { control } = this.#stores;
    const statements = RECORD_TABLES.map(({ table, where }) =>
      control.prepare(`DELETE FROM ${table} WHERE ${where}`).bind(tenantId),
    );
    const results = await askControl(() => control.batch(statements));
    return Object.fromEntries(RECORD_TABLES.map(({ table }, i) => [table, results[i]?.meta.changes ?? 0]));
  }

  async remainsOfDomain(domainId: string): Promise<string[]> {
    const places: string[] = [];
    for (const [name, shard] of Object.entries(this.#stores.shards)) {
      if (await askLedger(() => shard.prepare(ROWS_LEFT).bind(domainId).first())) places.push(`D1 ${name}`);
    }
    const { keys, log } = this.#stores;
    if (await anyUnder(keys, [subjectKeys(domainId)])) places.push("R2 KEYS");
    const inLog = [exportPrefix, importPrefix, sealedPages, segmentPrefix, treePrefix].map((prefix) =>
      prefix(domainId),
    );
    if (await anyUnder(log, inLog)) places.push("R2 LOG");
    return places;
  }

  async remainsOfTenant(tenantId: string): Promise<string[]> {
    const places: string[] = [];
    for (const { table, where } of RECORD_TABLES) {
      const sql = `SELECT 1 FROM ${table} WHERE ${where} LIMIT 1`;
      if (await askControl(() => this.#stores.control.prepare(sql).bind(tenantId).first())) places.push(`D1 ${table}`);
    }
    const inKeys = [tenantRoot(tenantId), tenantKeys(tenantId), subjectKeys(tenantId)];
    return (await anyUnder(this.#stores.keys, inKeys)) ? [...places, "R2 KEYS"] : places;
  }
}

const tenantRoot = (tenantId: string) => `tenant-root/${tenantId}`;
const tenantKeys = (tenantId: string) => `tenant-key/${tenantId}/`;
const subjectKeys = (scope: string) => `subject-keys/${scope}/`;
const sealedPages = (domainId: string) => `sealed/${domainId}/`;

async function anyUnder(bucket: R2Bucket, prefixes: readonly string[]): Promise<boolean> {
  for (const prefix of prefixes) {
    if ((await askKeys(() => bucket.list({ prefix, limit: 1 }))).objects.length > 0) return true;
  }
  return false;
}

async function askControl<T>(ask: () => Promise<T>): Promise<T> {
  return ask().catch((error) => {
    throw storeUnavailable("control", error);
  });
}

async function askLedger<T>(ask: () => Promise<T>): Promise<T> {
  return ask().catch((error) => {
    throw storeUnavailable("ledger", error);
  });
}
