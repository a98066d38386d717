/** The committed configurations as deploying sees them: which resources each cell names. */

import { readFileSync } from "node:fs";
import { parse, type TomlTable } from "smol-toml";
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import type { JwtAlgorithm } from "../services/access/jwt.ts";
import type { Configurations } from "./isolation.ts";
import { committedConfig } from "./paths.ts";

export interface CellDatabase {
  binding: string;
  name: string;
  /** Absent until provisioning wrote it, and while something else stands there. */
  id: string | undefined;
  previewId: string | undefined;
}

export interface CellBucket {
  binding: string;
  name: string;
}

/** One cell's part of the account. */
export interface Cell {
  jurisdiction: Jurisdiction;
  /** The file. */
  config: string;
  worker: string;
  logHost: string;
  /** Which kind of key its session tokens are signed with. */
  tokenAlgorithm: JwtAlgorithm;
  databases: CellDatabase[];
  buckets: CellBucket[];
}

/** An id as the account gives it. */
export const DATABASE_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Throws with the file's name when one is missing or no TOML. */
export function readConfigurations(root: string): Configurations {
  const read = (file: string): TomlTable => {
    try {
      return parse(readFileSync(file, "utf8"));
    } catch (error) {
      throw new Error(`${file}: ${(error as Error).message.split("\n")[0]}`);
    }
  };
  return {
    gateway: read(committedConfig(root, "gateway")),
    ...(Object.fromEntries(
      JURISDICTIONS.map((jurisdiction) => [jurisdiction, read(committedConfig(root, jurisdiction))]),
    ) as Record<Jurisdiction, TomlTable>),
  };
}

export function cellOf(root: string, jurisdiction: Jurisdiction, config: TomlTable): Cell {
  return {
    jurisdiction,
    config: committedConfig(root, jurisdiction),
    worker: String(config.name),
    logHost: String((config.vars as TomlTable | undefined)?.LOG_HOST ?? ""),
    tokenAlgorithm: (config.vars as TomlTable | undefined)?.TOKEN_ALGORITHM === "HS256" ? "HS256" : "RS256",
    databases: tables(config.d1_databases).map((database) => ({
      binding: String(database.binding),
      name: text(database.database_name) ?? "",
      id: DATABASE_ID.test(String(database.database_id)) ? String(database.database_id) : undefined,
      previewId: text(database.preview_database_id),
    })),
    buckets: tables(config.r2_buckets).map((bucket) => ({
      binding: String(bucket.binding),
      name: text(bucket.bucket_name) ?? "",
    })),
  };
}

export function tables(value: unknown): TomlTable[] {
  return Array.isArray(value) ? (value as TomlTable[]) : [];
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
