/** Where a log is read: a cell over HTTP, or its tiles alone, at an address or in a folder (`tlog/<domain id>` of the mirror). */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { LIMITS } from "../../core/limits.ts";
import { TILE_WIDTH } from "../../core/merkle/tiles.ts";
import { BUNDLED_LEAF_BYTES } from "../../verifier/tiles/leaves.ts";
import type { FetchTile } from "../../verifier/tiles/tile-reader.ts";
import { CliError, type Io } from "../io.ts";
import { safeText } from "../text.ts";
import { isAddress } from "../verify/open.ts";
import { fetchBytes, NoAnswer } from "./fetch-bytes.ts";

export interface LogSource {
  /** For messages. */
  name: string;
  /** The untrusted note; null: there is none. Throws `NoAnswer`. */
  checkpoint(): Promise<string | null>;
  fetchTile: FetchTile;
}

const CHECKPOINT = "checkpoint";
const MAX_TILE_BYTES = TILE_WIDTH * BUNDLED_LEAF_BYTES;

/** A cell's own routes. The key goes to no other address. */
export const serverSource = (io: Io, url: string, key: string, domainId: string): LogSource =>
  addressSource(io, `${url.replace(/\/+$/, "")}/v1/domains/${encodeURIComponent(domainId)}/log`, {
    authorization: `Bearer ${key}`,
  });

/** Throws `CliError` for a folder that is not there. */
export async function tilesSource(io: Io, place: string): Promise<LogSource> {
  if (!isAddress(place)) return folderSource(place);
  const url = URL.canParse(place) ? new URL(place) : null;
  if (!url || url.username || url.search || url.hash) {
    throw new CliError("--tiles must be a folder, or an http(s) address without user and query");
  }
  return addressSource(io, place.replace(/\/+$/, ""), {});
}

function addressSource(io: Io, base: string, headers: { [name: string]: string }): LogSource {
  const get = (path: string, maxBytes: number) =>
    fetchBytes(io, { url: `${base}/${path}`, headers: { accept: "*/*", ...headers }, maxBytes });
  return {
    name: base,
    checkpoint: async () => asText(await get(CHECKPOINT, LIMITS.witnessAnswerBytes)),
    fetchTile: (path) => get(path, MAX_TILE_BYTES),
  };
}

async function folderSource(folder: string): Promise<LogSource> {
  const stats = await stat(folder).catch(() => null);
  if (!stats?.isDirectory()) throw new CliError(`${safeText(folder)} is no folder of tiles`);
  return {
    name: folder,
    checkpoint: async () => asText(await readBounded(join(folder, CHECKPOINT), LIMITS.witnessAnswerBytes)),
    fetchTile: (path) => readBounded(join(folder, path), MAX_TILE_BYTES),
  };
}

async function readBounded(path: string, maxBytes: number): Promise<Uint8Array | null> {
  try {
    if ((await stat(path)).size > maxBytes) throw new NoAnswer(`${path} is too large`);
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw error instanceof NoAnswer ? error : new NoAnswer(`cannot read ${path}: ${code}`);
  }
}

function asText(bytes: Uint8Array | null): string | null {
  return bytes && new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes);
}
