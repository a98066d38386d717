/** A folder that is a copy of R2 LOG (`audit/`, `sealed/`, `tlog/`), sent back object by object. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { parsePayload } from "../core/payload/payload.ts";

/** Names of the objects of a log in the order in which the cell takes them: entry 0, the tree, the rest. */
export function objectsOf(folder: string, domainId: string): string[] {
  const under = (prefix: string) => {
    const root = path.join(folder, prefix, domainId);
    if (!existsSync(root)) return [];
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((item) => item.isFile())
      .map((item) => path.relative(folder, path.join(item.parentPath, item.name)).split(path.sep).join("/"))
      .sort();
  };
  const [first, ...segments] = under("audit");
  if (first === undefined) throw new Error(`${folder} has no audit/${domainId}: it is no copy of this log's bucket`);
  return [first, ...under("tlog"), ...segments, ...under("sealed")];
}

export interface PutAnswer {
  stored: boolean;
  refused: { code: string; says: string; seq: number | null } | null;
}

/** How many were stored; the bucket had the others. Throws with a plain line for what was refused. */
export async function uploadAll(
  folder: string,
  keys: readonly string[],
  put: (key: string, bytes: Uint8Array) => Promise<PutAnswer>,
  said: (done: number) => void,
): Promise<number> {
  let stored = 0;
  for (const [i, key] of keys.entries()) {
    const answer = await put(key, readFileSync(path.join(folder, key)));
    // A log that lives makes its own tiles and keeps its own sealed rows.
    const isItsOwn = answer.refused?.code === "log_lives" && !key.startsWith("audit/");
    if (answer.refused && !isItsOwn) throw new Error(`${key}: ${answer.refused.code}: ${answer.refused.says}`);
    if (answer.stored) stored++;
    said(i + 1);
  }
  return stored;
}

/** The reserved log of a tenant in such a folder, which comes back before the others; null: it is not there. */
export function tenantLogIn(folder: string, domainId: string): string | null {
  const tenant = entryZeroOf(folder, domainId)?.tenant;
  const root = path.join(folder, "audit");
  const logs = existsSync(root) ? readdirSync(root) : [];
  return (
    logs.find((log) => {
      const named = entryZeroOf(folder, log);
      return named?.kind === "tenant" && named.tenant === tenant;
    }) ?? null
  );
}

function entryZeroOf(folder: string, domainId: string): Record<string, unknown> | null {
  const file = path.join(folder, "audit", domainId, `${"0".repeat(20)}.json.zst`);
  if (!existsSync(file)) return null;
  const [line = ""] = zstdDecompressSync(readFileSync(file)).toString("utf8").split("\n", 1);
  const parsed = parsePayload(line);
  return parsed.ok ? (parsed.payload.metadata ?? null) : null;
}
