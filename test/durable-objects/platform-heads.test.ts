/** The cell's desk writes the heads of its domains into the platform's log. Runs in workerd. */
import { expect, test } from "vitest";
import { cellDesk } from "../../durable-objects/gates.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { append, copiedRows, env, event, jurisdiction, logOf, newDomain, newTenant } from "../support/cell.ts";

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
