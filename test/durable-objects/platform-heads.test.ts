/** The cell's desk writes the heads of its domains into the platform's log. Runs in workerd. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { cellDesk } from "../../durable-objects/gates.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import {
  append,
  call,
  copiedRows,
  env,
  event,
  jurisdiction,
  logOf,
  newDomain,
  newTenant,
  runAlarm,
  stubOf,
} from "../support/cell.ts";

interface Head {
  domain_id: string;
  size: number;
  root: string;
}

async function headsOnRecord(): Promise<Head[][]> {
  const payloads = (await copiedRows(platformDomainId(jurisdiction))).map(({ payload }) => JSON.parse(payload));
  return payloads.filter(({ action }) => action === "log.heads_recorded").map(({ metadata }) => metadata.heads);
}

const wake = () => cellDesk(env, cellConfig(env)).wakeDomains();

test("cron records the signed head of every domain that grew in the platform's log, once", async () => {
  const tenant = await newTenant();
  const domainId = await newDomain(tenant);
  await append(domainId, [event(), event()]);
  await wake();
  const first = await logOf(domainId).checkpoint();
  const recorded = (await headsOnRecord()).flat();
  expect(recorded).toContainEqual({ domain_id: domainId, size: first.size, root: first.root });
  expect(recorded.map(({ domain_id }) => domain_id)).not.toContain(platformDomainId(jurisdiction));

  await wake();
  await append(domainId, event());
  await wake();
  const second = await logOf(domainId).checkpoint();
  const entries = await headsOnRecord();
  expect(entries.flat().filter(({ domain_id }) => domain_id === domainId)).toEqual([
    { domain_id: domainId, size: first.size, root: first.root },
    { domain_id: domainId, size: second.size, root: second.root },
  ]);
  expect(entries).toHaveLength(2);
});

describe("a signed head that contradicts the one on record", () => {
  const platform = platformDomainId(jurisdiction);
  const bookSays = (set: string, domainId: string) =>
    runInDurableObject(env.CELL_DESK.getByName("cell"), (_, { storage }) => {
      const { rowsWritten } = storage.sql.exec(`UPDATE head_recorded SET ${set} WHERE domain_id = ?`, domainId);
      if (rowsWritten === 0) throw new Error("nothing is on record of this domain");
    });
  const violations = async (domainId: string) => {
    await logOf(platform).flush();
    return (await copiedRows(platform))
      .map(({ payload }) => JSON.parse(payload))
      .filter(({ action, targets }) => action === "integrity.violation" && targets[0].id === domainId);
  };

  test.each([
    [
      "of fewer entries: the log was set back",
      "size = size + 5",
      /is shorter than the one of \d+ that the platform's log/,
    ],
    ["with another root: two histories", `root = '${"ab".repeat(32)}'`, /has another root than the one of \d+/],
    ["of more entries that do not continue it", `size = size - 1, root = '${"ab".repeat(32)}'`, /does not continue/],
  ])(
    "%s: stops the domain for writes, also after a restart, and is said on the platform chain",
    async (_, set, reason) => {
      const tenant = await newTenant();
      const [domainId, other] = [await newDomain(tenant), await newDomain(tenant)];
      for (const id of [domainId, other]) await append(id, [event(), event()]);
      await wake();
      await bookSays(set, domainId);
      await wake();

      await expect(append(domainId, event())).rejects.toMatchObject({ code: "domain.stopped" });
      await evictDurableObject(stubOf(domainId));
      await expect(append(domainId, event())).rejects.toMatchObject({ code: "domain.stopped" });
      const answer = await call(`/v1/domains/${domainId}/audit/head`, { key: tenant.key });
      expect(await answer.json()).toMatchObject({ status: "stopped", stopped_reason: expect.stringMatching(reason) });
      await append(other, event());

      await runAlarm(domainId);
      await wake();
      const said = await violations(domainId);
      expect(said.every(({ metadata }) => reason.test(metadata.reason))).toBe(true);
      // Once with both heads, by the desk; once with what the object holds, by itself.
      expect(said.filter(({ metadata }) => metadata.shown)).toHaveLength(1);
      expect(said.filter(({ metadata }) => metadata.held)).toHaveLength(1);
    },
  );
});
