/** The archive as running cells leave it: read by somebody else's program, and looked for in the other cell's bucket. */
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { fromHex, toHex } from "../../src/core/bytes.ts";
import { entryHash } from "../../src/core/chain.ts";
import { JURISDICTIONS, type Jurisdiction } from "../../src/core/ids.ts";
import { segmentKey, segmentPrefix } from "../../src/core/segment.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import type { CellEnv } from "../../src/env.ts";
import { testBindings } from "../support/bindings.ts";
import { deployment } from "../support/deployment.ts";

const SEGMENT_ENTRIES = 5;
const ENTRIES = 20;
const { cells, start, stop, ask } = deployment();
const domains = {} as Record<Jurisdiction, { domainId: string; key: string }>;

async function withEntries(jurisdiction: Jurisdiction) {
  const operator = testBindings(jurisdiction).OPERATOR_SECRET;
  const made = await ask("/v1/tenants", { key: operator, body: { name: "Acme", jurisdiction, tier: "pro" } });
  const { tenant, api_key } = (await made.json()) as { tenant: { id: string }; api_key: { key: string } };
  const { key } = api_key;
  const body = { name: "orders", segment_entries: SEGMENT_ENTRIES };
  const domain = await ask(`/v1/tenants/${tenant.id}/domains`, { key, body });
  const { id: domainId } = (await domain.json()) as { id: string };
  const events = Array.from({ length: ENTRIES - 1 }, (_, i) => ({
    action: "invoice.exported",
    actor: { type: "user", id: `usr_${i}`, name: `Jo Añez ${i} \u2028` },
  }));
  expect((await ask(`/v1/domains/${domainId}/audit/entries`, { key, body: events })).status).toBe(201);
  return { domainId, key };
}

interface Head {
  size: number;
  archived_size: number;
  genesis: string;
  entry_hash: string;
  oldest_unarchived_at: string | null;
}
async function headOf(jurisdiction: Jurisdiction): Promise<Head> {
  const { domainId, key } = domains[jurisdiction];
  return (await ask(`/v1/domains/${domainId}/audit/head`, { key })).json() as Promise<Head>;
}
const bucketOf = async (jurisdiction: Jurisdiction) => ((await cells[jurisdiction].getEnv()) as unknown as CellEnv).LOG;

beforeAll(async () => {
  await start();
  for (const jurisdiction of JURISDICTIONS) domains[jurisdiction] = await withEntries(jurisdiction);
  for (const jurisdiction of JURISDICTIONS) {
    await vi.waitFor(async () => expect((await headOf(jurisdiction)).archived_size).toBe(ENTRIES), { timeout: 20_000 });
  }
});
afterAll(() => stop());

const hasZstd = spawnSync("zstd", ["--version"]).status === 0;

describe.each(JURISDICTIONS)("the archive of the %s", (jurisdiction) => {
  test("S4-5 has as many entries as the head, and says so", async () => {
    const { domainId } = domains[jurisdiction];
    const head = await headOf(jurisdiction);
    expect(head).toMatchObject({ size: ENTRIES, archived_size: ENTRIES, oldest_unarchived_at: null });
    const { objects } = await (await bucketOf(jurisdiction)).list({ prefix: segmentPrefix(domainId) });
    expect(objects.map(({ key }) => key)).toEqual(
      Array.from({ length: ENTRIES / SEGMENT_ENTRIES }, (_, i) => segmentKey(domainId, i * SEGMENT_ENTRIES)),
    );
  });

  test.skipIf(!hasZstd)(
    "S4-7 opens with zstd -d, and its lines are canonical JSON that hashes to the entry hashes",
    async () => {
      const { domainId, key } = domains[jurisdiction];
      const bucket = await bucketOf(jurisdiction);
      const head = await headOf(jurisdiction);
      const page = await ask(`/v1/domains/${domainId}/audit/entries?order=asc&limit=100`, { key });
      const { entries } = (await page.json()) as { entries: { seq: number; entry_hash: string }[] };
      const recorded = new Map(entries.map(({ seq, entry_hash }) => [seq, entry_hash]));
      let hash = fromHex(head.genesis) as Uint8Array;
      let seq = 0;
      for (let from = 0; from < ENTRIES; from += SEGMENT_ENTRIES) {
        const bytes = new Uint8Array((await (await bucket.get(segmentKey(domainId, from)))?.arrayBuffer()) ?? []);
        const { status, stdout, stderr } = spawnSync("zstd", ["-d", "-c"], { input: bytes });
        expect(stderr.toString()).toBe("");
        expect(status).toBe(0);
        const lines = stdout.toString("utf8").split("\n");
        expect(lines.pop()).toBe("");
        for (const line of lines) {
          hash = entryHash(sha256, hash, line);
          expect(recorded.get(seq) ?? "").toBe(toHex(hash));
          seq++;
        }
      }
      expect(seq).toBe(ENTRIES);
      expect(toHex(hash)).toBe(head.entry_hash);
    },
  );

  test("S4-10 lies in that cell's bucket and not in the other's, whose bindings do not reach it", async () => {
    const { domainId } = domains[jurisdiction];
    const other = jurisdiction === "eu" ? "us" : "eu";
    const own = await (await bucketOf(jurisdiction)).list({ prefix: segmentPrefix(domainId) });
    const foreign = await (await bucketOf(other)).list();
    expect(own.objects.length).toBeGreaterThan(0);
    expect(foreign.objects.filter(({ key }) => key.includes(domainId))).toEqual([]);
    expect(foreign.objects.filter(({ key }) => key.includes(`dom_${jurisdiction}_`))).toEqual([]);
  });
});
