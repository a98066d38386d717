/**
 * `npm run ops -- copy-bucket`: the archive of a cell on this machine as the folder that `moonseal verify --bucket` and `restore --from`
 * read, with the names the bucket has. What simulates R2 here keeps objects under names of its own, so no tool of S3 can do it.
 */
import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { parseArgs } from "node:util";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { parse } from "smol-toml";
import { isJurisdiction } from "../core/ids.ts";
import { cellOf } from "./deploy-config.ts";
import { committedConfig, localPaths, REPOSITORY } from "./paths.ts";

export const COPY_BUCKET_HELP = `npm run ops -- copy-bucket DIR --jurisdiction eu|us --local [--root DIR]

Copies the bucket R2 LOG of a cell on this machine into a folder that is empty or not there yet: audit/, sealed/, tlog/ and what else it
holds. It may be done while npm start runs. For a bucket in the account any tool that copies S3 buckets does it: docs/restoring.md.

Exit codes: 0 copied, 1 failed, 2 usage.
`;

/** Resolves to the exit code. Memory: one page of names. */
export async function copyBucket(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      jurisdiction: { type: "string" },
      local: { type: "boolean", default: false },
      root: { type: "string", default: REPOSITORY },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(COPY_BUCKET_HELP);
    return 0;
  }
  const { jurisdiction, local, root } = values;
  const [folder] = positionals;
  if (!isJurisdiction(jurisdiction) || !local || folder === undefined || positionals.length > 1) {
    console.error(COPY_BUCKET_HELP);
    return 2;
  }
  const { state } = localPaths(root);
  if (!existsSync(state)) throw new Error(`there is nothing in ${state} yet: npm start makes it`);
  if (existsSync(folder) && readdirSync(folder).length > 0) throw new Error(`${folder} is not empty`);
  const config = parse(readFileSync(committedConfig(root, jurisdiction), "utf8"));
  const name = cellOf(root, jurisdiction, config).buckets.find(({ binding }) => binding === "LOG")?.name;
  if (name === undefined) throw new Error(`${jurisdiction}: the configuration names no bucket LOG`);
  const copied = await copyLocalBucket(state, name, folder);
  console.log(`${name}  ${copied} ${copied === 1 ? "object" : "objects"} in ${folder}`);
  return 0;
}

/** How many objects. One that is replaced meanwhile is there as it was or as it is; one that went meanwhile is left out. */
export async function copyLocalBucket(state: string, name: string, folder: string): Promise<number> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [{ name: "copy", modules: true, script: "export default {}", r2Buckets: { LOG: name } }],
      resourcePersistencePath: path.join(state, "v3"),
      cf: false,
      log: new Log(LogLevel.NONE),
    }),
  );
  try {
    const bucket = await miniflare.getR2Bucket("LOG");
    let copied = 0;
    for (let cursor: string | undefined; ; ) {
      const page = await bucket.list(cursor === undefined ? {} : { cursor });
      for (const { key } of page.objects) {
        const object = await bucket.get(key);
        if (object === null) continue;
        const file = path.join(folder, key);
        mkdirSync(path.dirname(file), { recursive: true });
        await pipeline(Readable.fromWeb(object.body as unknown as ReadableStream), createWriteStream(file));
        copied++;
      }
      if (!page.truncated) return copied;
      ({ cursor } = page);
    }
  } finally {
    await miniflare.dispose();
  }
}
