/** `npm run deploy:dry`: bundles every Worker as a deployment would, without an account, and refuses what wrangler only warns about. */
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { committedConfig, REPOSITORY, WORKERS } from "./paths.ts";
import { runWrangler } from "./wrangler.ts";

const failed: string[] = [];
for (const worker of WORKERS) {
  const config = committedConfig(REPOSITORY, worker);
  const folder = path.join(REPOSITORY, ".wrangler/dry-run", worker);
  const { code, output } = await runWrangler(REPOSITORY, ["deploy", "--dry-run", "-c", config, "--outdir", folder]);
  const text = stripVTControlCharacters(output).trim();
  const unknownKeys = text.match(/Unexpected fields found in .*/g) ?? [];
  const size = /Total Upload: .*/.exec(text)?.[0];
  if (code === 0 && unknownKeys.length === 0) {
    console.log(`${path.basename(config)}: ${size ?? "ok"}`);
  } else {
    failed.push(worker);
    console.error(`${path.basename(config)}: refused\n${code === 0 ? unknownKeys.join("\n") : text}`);
  }
}
process.exit(failed.length > 0 ? 1 : 0);
