/** Which files to read: those that are named, and in folders those that CloudTrail writes. */
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { CliError } from "../io.ts";

export interface SourceFile {
  path: string;
  byteLength: number;
}

const LOG_FILE = /\.json(?:\.gz)?$/i;

/** Sorted, so that two runs go the same way. Symbolic links inside folders are not followed: they could lead in circles. */
export async function findFiles(paths: readonly string[]): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for (const path of paths) {
    const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw new CliError(`cannot read ${path}: ${error.code}`);
    });
    if (stats.isDirectory()) files.push(...(await filesOfFolder(path)));
    else files.push({ path, byteLength: stats.size });
  }
  return files;
}

async function filesOfFolder(folder: string): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  for (const entry of entries) {
    if (!entry.isFile() || !LOG_FILE.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    files.push({ path, byteLength: (await stat(path)).size });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The text of a file in pieces, gunzipped when its first bytes say gzip (tools for S3 strip or keep `.gz` as they like). */
export async function* readText(path: string, onBytes: (byteLength: number) => void): AsyncGenerator<string> {
  const chunks = createReadStream(path)[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const first = await chunks.next();
  if (first.done) return;
  const file = async function* () {
    for (let next: IteratorResult<Uint8Array> = first; !next.done; next = await chunks.next()) {
      onBytes(next.value.length);
      yield next.value;
    }
  };
  const gzip = first.value[0] === 0x1f && first.value[1] === 0x8b;
  const plain = gzip ? gunzip(file()) : file();
  const decoder = new TextDecoder();
  for await (const chunk of plain) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

/** Not `compose`: that one loses the error of a stream that ends too early. Here whoever iterates gets it. */
function gunzip(compressed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const plain = createGunzip();
  pipeline(Readable.from(compressed), plain, () => {});
  return plain;
}
