/** What a running cell has stored, read from Node through its bindings and its objects. */
import type { CellEnv } from "../../src/env.ts";
import { decompress } from "../../src/storage/zstd.ts";
import type { Deployment } from "./deployment.ts";

type Cell = Deployment["cells"]["eu"];
interface StoredText {
  place: string;
  text: string;
}

/** `names`: the objects to look into, of whichever class has them. */
export async function dumpDeployedCell(cell: Cell, names: string[]): Promise<StoredText[]> {
  const env = (await cell.getEnv()) as unknown as CellEnv;
  return [
    ...(await dumpD1("CONTROL", env.CONTROL)),
    ...(await dumpD1("LEDGER_00", env.LEDGER_00)),
    ...(await dumpR2("LOG", env.LOG)),
    ...(await dumpR2("KEYS", env.KEYS)),
    ...(await dumpObjects(cell, names)),
  ];
}

const TABLES =
  "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'";

async function dumpD1(name: string, database: D1Database): Promise<StoredText[]> {
  const { results } = await database.prepare(TABLES).all<{ name: string }>();
  const parts: StoredText[] = [];
  for (const table of results) {
    const rows = await database.prepare(`SELECT * FROM "${table.name}"`).all();
    parts.push({ place: `D1 ${name} ${table.name}`, text: JSON.stringify(rows.results) });
  }
  return parts;
}

async function dumpR2(name: string, bucket: R2Bucket): Promise<StoredText[]> {
  const { objects } = await bucket.list();
  const parts: StoredText[] = [];
  for (const { key } of objects) {
    const bytes = new Uint8Array((await (await bucket.get(key))?.arrayBuffer()) ?? []);
    const text = key.endsWith(".zst") ? await decompress(bytes, 64 * 1024 * 1024) : Buffer.from(bytes).toString("hex");
    parts.push({ place: `R2 ${name} ${key}`, text: `${key}\n${text}` });
  }
  return parts;
}

async function dumpObjects(cell: Cell, names: string[]): Promise<StoredText[]> {
  const classes = [
    ["DOMAIN_LOG", "dom_"],
    ["TENANT_DESK", "tnt_"],
    ["RATE_DESK", "tnt_"],
  ] as const;
  const parts: StoredText[] = [];
  for (const [binding, prefix] of classes) {
    for (const name of names.filter((candidate) => candidate.startsWith(prefix))) {
      const storage = await cell.getDurableObjectStorage(binding, { name });
      for (const { name: table } of (await storage.exec(TABLES)) as { name: string }[]) {
        const rows = await storage.exec(`SELECT * FROM "${table}"`);
        parts.push({ place: `object ${binding} ${name} ${table}`, text: JSON.stringify(rows) });
      }
    }
  }
  return parts;
}
