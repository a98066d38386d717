/** Where local workerd keeps what a cell stores, as files that somebody with the disk can read and change. */
import { createHash, createHmac } from "node:crypto";
import { cpSync, existsSync, rmSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Jurisdiction } from "../../../src/core/ids.ts";
import {
  type Bucket,
  bucketName,
  cellName,
  type Database,
  databaseId,
  OBJECT_CLASSES,
  type ObjectBinding,
} from "../../storm/support/plan.ts";

export const d1File = (state: string, database: Database, jurisdiction: Jurisdiction) =>
  path.join(state, "d1", D1_OBJECT, `${objectId(D1_OBJECT, databaseId(database, jurisdiction))}.sqlite`);

/** `worker`: the Worker that the object belongs to. */
export function objectFile(state: string, binding: ObjectBinding, name: string, worker: string): string {
  const namespace = `${worker}-${OBJECT_CLASSES[binding]}`;
  return path.join(state, "do", namespace, `${objectId(namespace, name)}.sqlite`);
}

export const domainFile = (state: string, domainId: string) =>
  objectFile(state, "DOMAIN_LOG", domainId, cellName(domainId.slice(4, 6) as Jurisdiction));

/** The index of a bucket: one row an object, with the name of the file that holds its bytes. */
export const r2Index = (state: string, bucket: Bucket, jurisdiction: Jurisdiction) =>
  path.join(state, "r2", R2_OBJECT, `${objectId(R2_OBJECT, bucketName(bucket, jurisdiction))}.sqlite`);

export const r2Blobs = (state: string, bucket: Bucket, jurisdiction: Jurisdiction) =>
  path.join(state, "r2", bucketName(bucket, jurisdiction), "blobs");

const D1_OBJECT = "miniflare-D1DatabaseObject";
const R2_OBJECT = "miniflare-R2BucketObject";

/** The id that workerd derives from an object's name. */
function objectId(namespace: string, name: string): string {
  const key = createHash("sha256").update(namespace).digest();
  const hmac = (bytes: string | Buffer) => createHmac("sha256", key).update(bytes).digest().subarray(0, 16);
  const head = hmac(name);
  return Buffer.concat([head, hmac(head)]).toString("hex");
}

/** Opens a database of a stopped cell, with everything that its write-ahead log holds. */
export function withDatabase<T>(file: string, run: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file, { open: true });
  try {
    return run(database);
  } finally {
    database.close();
  }
}

const SIDECARS = ["", "-wal", "-shm"];

/** Puts a database of a stopped cell back to what `from` holds, a copy of the same file made earlier. */
export function restoreDatabase(from: string, to: string): void {
  for (const suffix of SIDECARS) {
    rmSync(to + suffix, { force: true });
    if (existsSync(from + suffix)) cpSync(from + suffix, to + suffix);
  }
}
