/**
 * How fast a monitor re-verifies a log from its tiles: a folder of tiles of LEAVES leaves, read by one process as
 * `moonseal monitor --once --tiles` does. `node bench/monitor.ts [leaves] [runs]`. CPU time says more than the clock on a
 * machine that does other things too; both are printed.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { followOnce } from "../src/cli/monitor/round.ts";
import { tilesSource } from "../src/cli/monitor/source.ts";
import { processIo } from "../src/cli/process-io.ts";
import { concatBytes, uint16 } from "../src/core/bytes.ts";
import { formatCheckpoint } from "../src/core/checkpoint.ts";
import { bundlePath, TILE_HEIGHT, TILE_WIDTH, tilePath } from "../src/core/merkle/tiles.ts";
import { Frontier, leafHash } from "../src/core/merkle/tree.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import { noteSigner } from "../src/crypto/signer.ts";
import { policyOfKeys } from "../src/verifier/policy.ts";
import { spread } from "./stats.ts";

const [leaves = 1_000_000, runs = 5] = process.argv.slice(2).map(Number);
const signer = noteSigner("log.bench/dom_eu_01jegc8qvyfgx9tmvc3w70yjrh", new Uint8Array(32).fill(1));

/** Tiles, bundles and a signed checkpoint, as the mirror has them. */
function writeLog(folder: string): void {
  const frontier = new Frontier(sha256);
  const open = new Map<number, Uint8Array[]>();
  let bundle: Uint8Array[] = [];
  const done: number[] = [];
  const put = (name: string, bytes: Uint8Array) => {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), bytes);
  };
  const flush = (level: number) => {
    const hashes = open.get(level) ?? [];
    if (hashes.length === 0) return;
    put(tilePath({ level, index: done[level] ?? 0, width: hashes.length }), concatBytes(...hashes));
    done[level] = (done[level] ?? 0) + 1;
    open.set(level, []);
  };
  const flushBundle = (index: number) => {
    if (bundle.length > 0)
      put(bundlePath({ index, width: bundle.length }), concatBytes(...bundle.flatMap((leaf) => [uint16(32), leaf])));
    bundle = [];
  };
  for (let i = 0; i < leaves; i++) {
    const leaf = sha256(`leaf ${i}`);
    bundle.push(leaf);
    if (bundle.length === TILE_WIDTH) flushBundle(Math.floor(i / TILE_WIDTH));
    frontier.append(leafHash(sha256, leaf), ({ level }, hash) => {
      if (level % TILE_HEIGHT !== 0) return;
      const at = level / TILE_HEIGHT;
      const hashes = open.get(at) ?? [];
      open.set(at, hashes);
      hashes.push(hash);
      if (hashes.length === TILE_WIDTH) flush(at);
    });
  }
  flushBundle(Math.floor(leaves / TILE_WIDTH));
  for (const level of open.keys()) flush(level);
  const note = signer.sign(formatCheckpoint({ origin: signer.name, size: frontier.size, root: frontier.root() }));
  writeFileSync(path.join(folder, "checkpoint"), note);
}

async function main(): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "moonseal-bench-monitor-"));
  const policy = policyOfKeys(sha256, [signer.verifierKey]);
  if (typeof policy === "string") throw new Error(policy);
  try {
    const began = performance.now();
    writeLog(folder);
    console.log(
      `a log of ${leaves.toLocaleString("en-US")} leaves in ${((performance.now() - began) / 1000).toFixed(1)} s`,
    );
    const source = await tilesSource(processIo(), folder);
    const [wall, cpu]: [number[], number[]] = [[], []];
    for (let run = 0; run < runs; run++) {
      const [startedAt, used] = [performance.now(), process.cpuUsage()];
      const statePath = path.join(folder, `state-${run}.json`);
      const round = await followOnce({ source, policy, statePath, domainId: null, entries: null, now: Date.now });
      const { user, system } = process.cpuUsage(used);
      if (round.verdict !== "verified" || round.readNow !== leaves) throw new Error(round.detail);
      wall.push(leaves / ((performance.now() - startedAt) / 1000));
      cpu.push(leaves / ((user + system) / 1e6));
      console.log(`run ${run + 1}: ${spread(wall.slice(-1))}/s by the clock, ${spread(cpu.slice(-1))}/s of CPU time`);
    }
    console.log(
      `leaves re-verified: ${spread(wall)}/s by the clock, ${spread(cpu)}/s of CPU time, load ${os.loadavg()[0]?.toFixed(1)}`,
    );
    console.log(`most memory: ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
