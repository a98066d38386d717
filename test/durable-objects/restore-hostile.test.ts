/** Logs that come back out of a bucket that somebody else could write to: what the log's key never signed is neither shown nor signed. */
import { describe, expect, it } from "vitest";
import { restoringLog } from "../../durable-objects/gates.ts";
import { concatBytes, fromHex } from "../../src/core/bytes.ts";
import { entryHash } from "../../src/core/chain.ts";
import { formatCheckpoint, parseCheckpointNote } from "../../src/core/checkpoint.ts";
import { Frontier, leafHash } from "../../src/core/merkle/tree.ts";
import { segmentKey } from "../../src/core/segment.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { R2SegmentStore } from "../../src/storage/segment-store.ts";
import { verifyEvidence } from "../../src/verifier/evidence.ts";
import { append, call, env, event, keeperOf, logOf, newDomain, newTenant } from "../support/cell.ts";
import { PLATFORM, readExport, startExport, trusted, untilStatus } from "../support/exports.ts";
import { problemOf } from "../support/problems.ts";
import { archiveAll, BY, forgeFrom, loseObject, restore, rowsIn, turn, WHOLE, wipeLedger } from "../support/restore.ts";

const objectOf = (domainId: string) => restoringLog(env, cellConfig(env), domainId);

/** 22 entries; object and D1 are lost, the bucket is all that is left of them. */
async function lost() {
  const tenant = await newTenant();
  const domainId = await newDomain(tenant, { segment_entries: 4 });
  const events = Array.from({ length: 21 }, () => event());
  await append(domainId, events);
  await archiveAll(domainId);
  const rows = await rowsIn(domainId);
  const note = (await (await env.LOG.get(`tlog/${domainId}/checkpoint`))?.text()) as string;
  await loseObject(domainId);
  await wipeLedger(domainId);
  return { tenant, domainId, rows, note, hashes: rows.map(({ entryHash: hash }) => fromHex(hash) as Uint8Array) };
}

/** The tree over these entries in the bucket, whole, under a checkpoint that a key of somebody else has signed. */
async function putTree(domainId: string, note: string, hashes: readonly Uint8Array[]): Promise<void> {
  const origin = parseCheckpointNote(note)?.checkpoint.origin as string;
  const frontier = new Frontier(sha256);
  const leaves = hashes.map((hash) => leafHash(sha256, hash));
  for (const leaf of leaves) frontier.append(leaf, () => undefined);
  const signer = noteSigner(origin, new Uint8Array(32).fill(77));
  const text = formatCheckpoint({ origin, size: hashes.length, root: frontier.root() });
  const under = `tlog/${domainId}/`;
  for (const { key } of (await env.LOG.list({ prefix: under })).objects) await env.LOG.delete(key);
  await env.LOG.put(`${under}checkpoint`, signer.sign(text));
  await env.LOG.put(`${under}tile/0/000.p/${hashes.length}`, concatBytes(...leaves));
  const bundle = hashes.flatMap((hash) => [Uint8Array.of(0, 32), hash]);
  await env.LOG.put(`${under}tile/entries/000.p/${hashes.length}`, concatBytes(...bundle));
}

/** Entry hashes as the archive has them now. */
async function archivedHashes(domainId: string): Promise<Uint8Array[]> {
  const segments = new R2SegmentStore(env.LOG, domainId);
  const hashes: Uint8Array[] = [];
  for (const start of await segments.list(0, 1000)) {
    const segment = await segments.get(start);
    let hash = fromHex(segment?.head?.prevHash ?? "") as Uint8Array;
    for (const line of segment?.payloads ?? []) {
      hash = entryHash(sha256, hash, line);
      hashes.push(hash);
    }
  }
  return hashes;
}

describe("a checkpoint in the bucket that no key of the log has signed", () => {
  it("S4-8 over an archive that was made to fit it: nothing is shown, proved or signed under it", async () => {
    const { tenant, domainId, note } = await lost();
    await forgeFrom(domainId, 8);
    await putTree(domainId, note, await archivedHashes(domainId));
    expect(await restore(domainId)).toMatchObject({ phase: "done", checkpointSize: 22, checkpointOurs: false });
    expect(await logOf(domainId).head()).toMatchObject({ size: 22, signedSize: 0 });
    for (const path of ["/log/checkpoint", "/audit/entries/9/evidence", "/audit/bundle"]) {
      await problemOf(await call(`/v1/domains/${domainId}${path}`, { key: tenant.key }), "log.unsigned");
    }
    const { id } = await startExport(tenant, domainId);
    await untilStatus(tenant, domainId, id, "failed");
    expect(await readExport(tenant, domainId, id)).toMatchObject({ status: "failed", failure: "log.unsigned" });
  });

  it("S4-8 put there while the restore goes on is not said to be the log's own", async () => {
    const { domainId, note, hashes } = await lost();
    await keeperOf(domainId).restoring.begin({ by: BY, until: WHOLE, isDrill: false });
    await putTree(domainId, note, hashes);
    while ((await keeperOf(domainId).restoring.view())?.endedAtMs === null) await turn(domainId);
    const view = await keeperOf(domainId).restoring.view();
    expect(view).toMatchObject({ phase: "done", checkpointSize: 22, checkpointOurs: false });
    expect(await logOf(domainId).head()).toMatchObject({ signedSize: 0 });
  });

  it("S4-8 over more entries than the archive has adds none of them to the tree, and the log's own is still taken afterwards", async () => {
    const { tenant, domainId, note, hashes, rows } = await lost();
    const kept: [string, ArrayBuffer][] = [];
    for (const { key } of (await env.LOG.list({ prefix: `tlog/${domainId}/` })).objects) {
      kept.push([key, (await (await env.LOG.get(key))?.arrayBuffer()) as ArrayBuffer]);
    }
    await env.LOG.delete(segmentKey(domainId, 20));
    await putTree(domainId, note, [...hashes.slice(0, 20), ...Array.from({ length: 9 }, () => new Uint8Array(32))]);
    expect(await restore(domainId)).toMatchObject({ phase: "done", checkpointSize: 29, checkpointOurs: false });
    expect(await objectOf(domainId).known()).toMatchObject({ size: 20, treeSize: 20 });
    for (const [key, bytes] of kept) await env.LOG.put(key, bytes);
    expect(await restore(domainId)).toMatchObject({ phase: "done", checkpointSize: 22, checkpointOurs: true, lost: 2 });
    expect(await rowsIn(domainId)).toEqual(rows.slice(0, 20));
    const evidence = await call(`/v1/domains/${domainId}/audit/entries/19/evidence`, { key: tenant.key });
    expect(verifyEvidence(await evidence.text(), trusted(), PLATFORM).verdict).toBe("verified");
  });
});

describe("an entry 0 in the bucket that is not the log's", () => {
  for (const [what, from, to] of [
    ["which names another tenant", /"tenant":"tnt_[a-z]+_[0-9a-z]+"/, '"tenant":"tnt_eu_00000000000000000000000000"'],
    [
      "which names another log as its origin",
      /"origin":"([^"/]+)\/[^"]+"/,
      '"origin":"$1/dom_eu_00000000000000000000000000"',
    ],
  ] as const) {
    it(`S4-8 ${what} is refused before the log is made anew, and the true one is taken afterwards`, async () => {
      const { domainId, rows } = await lost();
      const key = segmentKey(domainId, 0);
      const bytes = (await (await env.LOG.get(key))?.arrayBuffer()) as ArrayBuffer;
      const customMetadata = (await env.LOG.head(key))?.customMetadata ?? {};
      const segments = new R2SegmentStore(env.LOG, domainId);
      const segment = await segments.get(0);
      if (!segment?.head) throw new Error("a segment has a head");
      const lines = segment.payloads.map((line, i) => (i === 0 ? line.replace(from, to) : line));
      expect(lines[0]).not.toBe(segment.payloads[0]);
      const start = fromHex(segment.head.prevHash) as Uint8Array;
      const last = lines.reduce((hash, line) => entryHash(sha256, hash, line), start);
      await env.LOG.delete(key);
      await segments.put({ ...segment.head, lastHash: Buffer.from(last).toString("hex") }, lines);
      expect(await restore(domainId)).toMatchObject({ phase: "refused", refused: { seq: 0 } });
      expect(await objectOf(domainId).known()).toMatchObject({ state: "lost" });
      await env.LOG.put(key, bytes, { customMetadata });
      expect(await restore(domainId)).toMatchObject({ phase: "done", compared: 22, checkpointOurs: true });
      expect(await rowsIn(domainId)).toEqual(rows);
    });
  }
});
