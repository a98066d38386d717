/**
 * F10: no room for the object's own storage. The limit is one on the size of workerd's files (`prlimit --fsize`), so that
 * real SQLite meets a real refusal of the kernel in the middle of its work, and the room can come back.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { REPOSITORY } from "../../src/ops/paths.ts";
import { domainFile } from "../support/evil/places.ts";
import { checkStored } from "./support/check-stored.ts";
import { untilDrained } from "./support/drain.ts";
import { startLocalCell, storeFor } from "./support/local-cell.ts";
import { readStoredLog } from "./support/stored-log.ts";
import { ask, auditUrl, event, post, type Receipt } from "./support/story.ts";

const SEGMENT_ENTRIES = 64;
const state = storeFor("storage-full");
const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;

/** A file that grows past its limit is an error to workerd then, not its end. */
function forgivingWorkerd(): string {
  const script = `${state}-workerd.sh`;
  mkdirSync(path.dirname(script), { recursive: true });
  const workerd = path.join(REPOSITORY, "node_modules/workerd/bin/workerd");
  writeFileSync(script, `#!/bin/sh\ntrap '' XFSZ\nexec '${workerd}' "$@"\n`);
  chmodSync(script, 0o755);
  return script;
}

const limitFiles = (pid: number, bytes: number | "unlimited") => {
  const { status, stderr } = spawnSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:unlimited`], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
};

const title =
  "F10 without room in the object's storage nothing is acknowledged; with room again the log goes on, whole";
test.skipIf(!hasPrlimit)(
  hasPrlimit ? title : `${title} (skipped: prlimit is not installed)`,
  { timeout: 120_000 },
  async () => {
    const environment = { MINIFLARE_WORKERD_PATH: forgivingWorkerd() };
    const { cell, url, domain } = await startLocalCell({ state, segmentEntries: SEGMENT_ENTRIES, environment });
    try {
      const acknowledged: Receipt[] = [];
      const send = async (i: number) => {
        const events = Array.from({ length: 20 }, (_, n) =>
          event({ id: `full-${i}-${n}`, metadata: { x: "y".repeat(2000) }, clear_metadata: ["x"] }),
        );
        const answer = await post(`${auditUrl(url, domain)}/entries`, domain.key, events, {
          "idempotency-key": `full-${i}`,
        });
        if (answer.status === 201 || answer.status === 200) acknowledged.push(...answer.body.receipts);
        return answer;
      };
      expect((await send(0)).status).toBe(201);
      await untilDrained(url, domain, SEGMENT_ENTRIES);
      const file = domainFile(state, domain.domainId);
      const most = Math.max(statSync(file).size, statSync(`${file}-wal`).size);
      limitFiles(cell.workerdPid, most + 16 * 1024);
      const refused: number[] = [];
      for (let i = 1; i <= 12; i++) refused.push((await send(i)).status);
      expect(refused.filter((status) => status >= 500).length).toBeGreaterThan(0);
      limitFiles(cell.workerdPid, "unlimited");
      // The same requests again: each is answered now, those that were acknowledged with their first receipts.
      for (let i = 0; i <= 12; i++) expect([200, 201]).toContain((await send(i)).status);
      const head = await untilDrained(url, domain, SEGMENT_ENTRIES);
      expect(head.size).toBe(1 + 13 * 20);
      expect((await ask(`${auditUrl(url, domain)}/verify`, domain.key)).body.verdict).toBe("verified");
      await cell.kill();
      expect(checkStored(readStoredLog(state, domain.domainId), acknowledged).size).toBe(head.size);
      expect(new Set(refused)).toEqual(new Set([201, 503]));
    } finally {
      await cell.kill();
    }
  },
);
