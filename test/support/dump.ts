/** Everything that a cell has stored, as text, for canary searches. Runs in workerd. */

import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { createHash } from "node:crypto";
import { decompress } from "../../src/storage/zstd.ts";
import { env } from "./cell.ts";

/** One place and what stands there. */
export interface StoredText {
  place: string;
  text: string;
}

export async function dumpCell(): Promise<StoredText[]> {
  const parts = await Promise.all([
    dumpD1("CONTROL", env.CONTROL),
    ...Object.entries(env)
      .filter(([name]) => /^LEDGER_\d\d$/.test(name))
      .map(([name, ledger]) => dumpD1(name, ledger as unknown as D1Database)),
    dumpR2("LOG", env.LOG),
    dumpR2("KEYS", env.KEYS),
    dumpObjects(env.DOMAIN_LOG),
    dumpObjects(env.DOMAIN_KEEPER),
    dumpObjects(env.TENANT_DESK),
    dumpObjects(env.CELL_DESK),
    dumpObjects(env.RATE_DESK),
    dumpObjects(env.WITNESS_LOG),
  ]);
  return parts.flat();
}

/**
 * How a text may stand somewhere without being legible: as it is, percent-encoded, its bytes in hex or in base64 wherever
 * they begin, and its plain SHA-256, which whoever guesses the text recognises.
 */
export function spellingsOf(canary: string): string[] {
  const bytes = Buffer.from(canary);
  const hash = createHash("sha256").update(bytes).digest();
  const base64 = [0, 1, 2].flatMap((before) => {
    // The characters that also depend on what stands before and after are left out.
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor(((before + bytes.length) * 8) / 6);
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    return (["base64", "base64url"] as const).map((alphabet) => whole.toString(alphabet).slice(from, to));
  });
  const hex = [bytes, hash].flatMap((its) => [its.toString("hex"), its.toString("hex").toUpperCase()]);
  return [...new Set([canary, encodeURIComponent(canary), ...hex, ...base64, hash.toString("base64").slice(0, 42)])];
}

/** The places that hold any spelling of a text. */
export function placesWith(dump: StoredText[], canary: string): string[] {
  const spellings = spellingsOf(canary);
  return dump.filter(({ text }) => spellings.some((spelling) => text.includes(spelling))).map(({ place }) => place);
}

async function dumpD1(name: string, database: D1Database): Promise<StoredText[]> {
  const tables = await database
    .prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'",
    )
    .all<{ name: string }>();
  return Promise.all(
    tables.results.map(async (table) => {
      const { results } = await database.prepare(`SELECT * FROM "${table.name}"`).all();
      return { place: `D1 ${name}.${table.name}`, text: results.map(rowText).join("\n") };
    }),
  );
}

async function dumpR2(name: string, bucket: R2Bucket): Promise<StoredText[]> {
  const { objects, truncated } = await bucket.list({ include: ["customMetadata", "httpMetadata"] });
  if (truncated) throw new Error("a test made more objects than one list holds");
  return Promise.all(
    objects.map(async ({ key, customMetadata }) => {
      const bytes = new Uint8Array((await (await bucket.get(key))?.arrayBuffer()) ?? []);
      const body = key.endsWith(".zst") ? await decompress(bytes, 64 * 1024 * 1024) : bytesText(bytes);
      return { place: `R2 ${name} ${key}`, text: `${key}\n${JSON.stringify(customMetadata)}\n${body}` };
    }),
  );
}

async function dumpObjects(its: unknown): Promise<StoredText[]> {
  const namespace = its as DurableObjectNamespace;
  const ids = await listDurableObjectIds(namespace);
  return Promise.all(
    ids.map((id) =>
      runInDurableObject(namespace.get(id), async (_, state) => {
        const tables = state.storage.sql
          .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'")
          .toArray();
        // Mails of a local run are there to be read; test/http/people-faults.cell.test.ts shows that a pinned cell keeps none.
        const kept = tables.filter(({ name }) => name !== "outbox");
        const rows = kept.flatMap(({ name }) => state.storage.sql.exec(`SELECT * FROM "${name}"`).toArray());
        const values = JSON.stringify([...(await state.storage.list())]);
        return { place: `object ${id}`, text: [...rows.map(rowText), values].join("\n") };
      }),
    ),
  );
}

/** Values as text; bytes both as text and as hex. */
function rowText(row: object): string {
  return Object.entries(row)
    .map(
      ([name, value]) => `${name}=${isBytes(value) ? bytesText(new Uint8Array(value as ArrayBuffer)) : String(value)}`,
    )
    .join("\t");
}

function isBytes(value: unknown): value is ArrayBuffer | number[] {
  return Array.isArray(value) || value instanceof Uint8Array || value instanceof ArrayBuffer;
}

function bytesText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes);
  return `${buffer.toString("latin1")} ${buffer.toString("hex")}`;
}
