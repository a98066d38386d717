/**
 * How many values a rotation seals anew in a second: `node bench/reseal.ts [VALUES]`. One domain whose private values lie in
 * D1 and in pages of the archive: about nobody (a tenant's key), then about people (a slot). The goal is 5,000 values/s.
 */

import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { slotSecretName } from "../src/crypto/slot-keys.ts";
import { startCells } from "../test/storm/support/cell-process.ts";
import { storeFor } from "../test/storm/support/local-cell.ts";
import { cellName } from "../test/storm/support/plan.ts";
import { ask, auditUrl, expectStatus, newDomain, newTenant, post } from "../test/storm/support/story.ts";
import { testBindings } from "../test/support/bindings.ts";
import { cpuMs } from "./cpu.ts";

const VALUES = Number(process.argv[2] ?? 20_000);
const PEOPLE = 500;
const SETTINGS: Record<string, string> = testBindings("eu");
const OPERATOR = testBindings("eu").OPERATOR_SECRET;
const state = storeFor("bench-reseal");

rmSync(state, { recursive: true, force: true });
const start = (settings: Record<string, string>) =>
  startCells({ state, gateway: false, cells: [{ name: cellName("eu"), jurisdiction: "eu", settings }] });
let cell = await start(SETTINGS);
let url = cell.url(cellName("eu"));
const tenant = await newTenant(url, "eu");
const domain = await newDomain(url, tenant, 256);
const nobody = (i: number) => ({ action: "job.run", actor: { type: "service", id: "svc" }, reason: `nobody's ${i}` });
const person = (i: number) => ({
  action: "invoice.exported",
  actor: { type: "user", id: `usr_${i % PEOPLE}` },
  reason: `about a person ${i}`,
});
for (const make of [nobody, person]) {
  for (let from = 0; from < VALUES; from += 1000) {
    const events = Array.from({ length: Math.min(1000, VALUES - from) }, (_, i) => make(from + i));
    expectStatus(201, await post(`${auditUrl(url, domain)}/entries`, domain.key, events));
  }
}
// All copied, all full segments archived.
for (let head: any = null; head === null || head.size - head.archived_size >= 256 || head.copied_size < head.size; ) {
  await sleep(500);
  head = expectStatus(200, await ask(`${auditUrl(url, domain)}/head`, domain.key));
}

console.log("filled and archived");
let began = performance.now();
let cpuBefore = cpuMs([cell.workerdPid]);
expectStatus(200, await post(`${url}/v1/tenants/${tenant.tenantId}/encryption-keys/rotation`, tenant.key, {}));
let values = 0;
for (;;) {
  await sleep(50);
  const { tenant_keys } = expectStatus(200, await ask(`${url}/v1/keys`, tenant.key));
  if (tenant_keys.rotation === null) break;
  values = tenant_keys.rotation.values;
  if (process.env.VERBOSE) console.log(JSON.stringify(tenant_keys.rotation), Math.round(performance.now() - began));
}
say("a tenant's key: values about nobody", Math.max(values, 2 * VALUES), began);

await cell.kill();
const second = Buffer.alloc(32, 201).toString("base64");
cell = await start({ ...SETTINGS, [slotSecretName("private_values", 2)]: second });
url = cell.url(cellName("eu"));
began = performance.now();
cpuBefore = cpuMs([cell.workerdPid]);
for (;;) {
  const view = expectStatus(200, await post(`${url}/v1/slot-rotations`, OPERATOR, { slot: "private_values" }));
  values = view.values;
  if (process.env.VERBOSE) console.log(JSON.stringify(view), Math.round(performance.now() - began));
  if (view.done) break;
}
say("a slot: values about nobody and about people", values, began);
await cell.kill();
rmSync(state, { recursive: true, force: true });

/** With the last walk, which only looks. The processor time holds best on a machine that does other things too. */
function say(what: string, count: number, since: number): void {
  const seconds = (performance.now() - since) / 1000;
  const cpuUs = ((cpuMs([cell.workerdPid]) - cpuBefore) * 1000) / count;
  const rate = `${Math.round(count / seconds)} values/s, ${cpuUs.toFixed(0)} µs of processor time a value`;
  console.log(`${what}: ${count} values in ${seconds.toFixed(1)} s, ${rate}`);
}
