/** A log as strangers read it: its checkpoint, tiles and proofs lead from one entry to a signed root. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { fromBase64, fromHex, toBase64 } from "../../src/core/bytes.ts";
import { entryHash } from "../../src/core/chain.ts";
import { parseCheckpointNote } from "../../src/core/checkpoint.ts";
import { checkConsistency } from "../../src/core/merkle/consistency.ts";
import { rootOfInclusion } from "../../src/core/merkle/inclusion.ts";
import { Frontier, leafHash } from "../../src/core/merkle/tree.ts";
import { decodeProvedEntry, parseTlogProof } from "../../src/core/tlog-proof.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import {
  alarmLater,
  append,
  call,
  copiedRows,
  env,
  event,
  inLog,
  logOf,
  newDomain,
  newTenant,
  type TestTenant,
} from "../support/cell.ts";
import { problemOf } from "../support/problems.ts";

const ENTRIES = 300;

let tenant: TestTenant;
let domainId: string;
const read = (path: string, headers = {}) => call(`/v1/domains/${domainId}${path}`, { key: tenant.key, headers });
const bytesOf = async (answer: Response) => new Uint8Array(await answer.arrayBuffer());

async function checkpoint() {
  const note = await (await read("/log/checkpoint")).text();
  const parsed = parseCheckpointNote(note);
  if (!parsed) throw new Error(`no checkpoint: ${note}`);
  return { note, ...parsed.checkpoint };
}

/** Waits until the newest checkpoint covers the log. */
const covered = (size: number) =>
  vi.waitUntil(async () => (await checkpoint()).size === size, { timeout: 5000, interval: 100 });

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  await append(
    domainId,
    Array.from({ length: ENTRIES - 1 }, (_, i) => event({ id: `e-${i}` })),
  );
  await covered(ENTRIES);
});

describe("the checkpoint", () => {
  test("is a note of the log's origin, signed by the cell's log key under that name, over the root of all entries", async () => {
    const { note, origin, root } = await checkpoint();
    expect(origin).toBe(`${env.LOG_HOST}/${domainId}`);
    const { signer } = cellConfig(env);
    expect(note).toContain(signer.named(origin).sign(parseCheckpointNote(note)?.note.text ?? ""));
    const rows = await copiedRows(domainId);
    const frontier = new Frontier(sha256);
    for (const row of rows) frontier.append(leafHash(sha256, fromHex(row.entryHash) as Uint8Array));
    expect(root).toEqual(frontier.root());
  });

  test("is signed within a second of an append, without anybody asking and whether D1 answers or not", async () => {
    const own = await newDomain(tenant);
    await append(own, event());
    await expect.poll(() => inLog(own, (log) => log.tree.isCovered)).toBe(true);
    await inLog(own, (log) => {
      const gone = () => Promise.reject(new Error("D1 is away"));
      log.stores = { ...log.stores, ledger: { ...log.stores.ledger, insert: gone, tip: gone, rows: gone } };
    });
    const startedMs = Date.now();
    await append(own, event());
    await expect.poll(() => inLog(own, (log) => log.tree.isCovered), { timeout: 3000, interval: 20 }).toBe(true);
    expect(Date.now() - startedMs).toBeLessThan(1000);
  });

  test("of one size is the same for ever", async () => {
    const first = await checkpoint();
    expect(await checkpoint()).toEqual(first);
    await inLog(domainId, (log) => expect(log.tree.sign()?.note).toBe(first.note));
  });
});

describe("evidence of an entry", () => {
  test.each([0, 1, 255, 256, ENTRIES - 1])("of entry %i leads from its payload to the signed root", async (seq) => {
    const answer = await read(`/audit/entries/${seq}/evidence`);
    expect(answer.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
    expect(answer.headers.get("Content-Disposition")).toBe(`attachment; filename="${domainId}-${seq}.tlog-proof"`);
    const proof = parseTlogProof(await answer.text());
    const entry = proof?.extra ? decodeProvedEntry(proof.extra) : null;
    if (!proof || !entry) throw new Error("no proof");
    expect(proof.index).toBe(seq);
    const { size, root } = parseCheckpointNote(proof.checkpoint)?.checkpoint ?? { size: 0, root: null };
    const leaf = leafHash(sha256, entryHash(sha256, entry.prevHash, entry.payload));
    expect(rootOfInclusion(sha256, seq, size, leaf, proof.hashes)).toEqual(root);
  });

  test("is there at once for an entry that was just appended, by its id too", async () => {
    const { receipts } = await append(domainId, event({ id: "just-now" }));
    const proof = parseTlogProof(await (await read("/audit/entries/just-now/evidence")).text());
    expect(proof?.index).toBe(receipts[0]?.seq);
    await covered(ENTRIES + 1);
  });

  test("of an entry that does not exist is a 404", async () => {
    await problemOf(await read("/audit/entries/100000/evidence"), "resource.not_found");
    await problemOf(await read("/audit/entries/none/evidence"), "resource.not_found");
  });
});

describe("tiles", () => {
  test("lead from the leaves to the root of the checkpoint", async () => {
    const { size, root } = await checkpoint();
    const whole = await read("/log/tile/entries/000");
    expect(whole.headers.get("Content-Type")).toBe("application/octet-stream");
    expect(whole.headers.get("Cache-Control")).toContain("immutable");
    const bundles = [await bytesOf(whole), await bytesOf(await read(`/log/tile/entries/001.p/${size - 256}`))];
    const frontier = new Frontier(sha256);
    for (const bundle of bundles) {
      for (let at = 0; at < bundle.length; at += 34) {
        expect([...bundle.slice(at, at + 2)]).toEqual([0, 32]);
        frontier.append(leafHash(sha256, bundle.slice(at + 2, at + 34)));
      }
    }
    expect(frontier.size).toBe(size);
    expect(frontier.root()).toEqual(root);
    expect((await bytesOf(await read("/log/tile/0/000"))).length).toBe(256 * 32);
    expect((await bytesOf(await read("/log/tile/1/000.p/1"))).length).toBe(32);
  });

  test("of leaves come compressed to whoever says so", async () => {
    const answer = await read("/log/tile/entries/000", { "Accept-Encoding": "gzip" });
    expect((await bytesOf(answer)).length).toBe(256 * 34);
  });

  test.each([
    "0/002",
    "0/000.p/256",
    "0/000.p/0",
    "0/0",
    "0/x000/000",
    "7/000",
    "+1/000",
    "00/000",
    "entries/000.p/300",
    "0/001.p/250",
    "entries/002",
    "1/x001/x002/003",
  ])("in another spelling, or past the end, are a 404: %s", async (path) => {
    await problemOf(await read(`/log/tile/${path}`), "resource.not_found");
  });
});

describe("consistency", () => {
  test("of any earlier size with the checkpoint is proved", async () => {
    const { size, root } = await checkpoint();
    const rows = await copiedRows(domainId);
    const frontier = new Frontier(sha256);
    const roots = rows.map((row) => {
      frontier.append(leafHash(sha256, fromHex(row.entryHash) as Uint8Array));
      return frontier.root();
    });
    for (const from of [1, 2, 255, 256, 257, size]) {
      const proof = (await (await read(`/log/consistency?from=${from}`)).json()) as { hashes: string[]; to: number };
      expect(proof.to).toBe(size);
      const hashes = proof.hashes.map((hash) => fromBase64(hash) as Uint8Array);
      expect(checkConsistency(sha256, from, size, hashes, roots[from - 1] as Uint8Array, root)).toBe(true);
    }
  });

  test("with a size that was never signed, or the wrong way round, is a 404", async () => {
    const { size } = await checkpoint();
    await problemOf(await read(`/log/consistency?from=${size + 1}`), "resource.not_found");
    await problemOf(await read("/log/consistency?from=1&to=999999"), "resource.not_found");
    await problemOf(await read("/log/consistency?from=0"), "request.invalid");
  });
});

describe("evidence of a fork", () => {
  test("is not there for a log that never contradicted itself", async () => {
    await problemOf(await read("/log/fork"), "resource.not_found");
  });
});

describe("the mirror in the archive", () => {
  test("serves the same checkpoint and tiles from the bucket alone", async () => {
    await alarmLater(domainId);
    await expect.poll(() => inLog(domainId, (log) => log.tree.isMirrored)).toBe(true);
    const { note, size } = await checkpoint();
    const mirrored = async (path: string) => (await env.LOG.get(`tlog/${domainId}/${path}`))?.arrayBuffer();
    expect(new TextDecoder().decode(await mirrored("checkpoint"))).toBe(note);
    for (const path of ["tile/0/000", `tile/0/001.p/${size - 256}`, "tile/entries/000", "tile/1/000.p/1"]) {
      expect(toBase64(new Uint8Array((await mirrored(path)) ?? new ArrayBuffer()))).toBe(
        toBase64(await bytesOf(await read(`/log/${path}`))),
      );
    }
    expect(await logOf(domainId).head()).toMatchObject({ stoppedReason: null });
  });
});
