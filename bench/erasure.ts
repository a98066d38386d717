/** How long it takes to erase a person with many entries: `node bench/erasure.ts [ENTRIES]`. The goal is 100,000 in under 2 s. */
import { setTimeout as sleep } from "node:timers/promises";
import { settled } from "./audit.ts";
import { bundleCell, startCell } from "./cell.ts";

const ENTRIES = Number(process.argv[2] ?? 100_000);
const BATCH = 1000;
const PERSON = "usr_to_be_erased";
const cell = await startCell(await bundleCell());
const domainId = await cell.domain("erasure");
const audit = `${cell.url}/v1/domains/${domainId}/audit`;
const headers = { Authorization: `Bearer ${cell.key}`, "Content-Type": "application/json" };
const post = async (path: string, body: unknown) => {
  const answer = await fetch(`${audit}/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as { erasure_id: string; status: string };
};
const event = { action: "document.read", actor: { type: "user", id: PERSON }, reason: "a private word" };

for (let done = 0; done < ENTRIES; done += BATCH) {
  await post(
    "entries",
    Array.from({ length: Math.min(BATCH, ENTRIES - done) }, () => event),
  );
}
await settled(cell, [domainId]);
await sleep(3000);
const before = await cell.client.head(domainId);
const startedMs = performance.now();
let erasure = await post("erase-identity", { identity_id: PERSON });
const answeredMs = performance.now() - startedMs;
while (erasure.status !== "executed") {
  await sleep(5);
  const answer = await fetch(`${audit}/erasures/${erasure.erasure_id}`, { headers });
  erasure = (await answer.json()) as typeof erasure;
}
const executedMs = performance.now() - startedMs;
const after = await cell.client.head(domainId);
console.log(
  `${ENTRIES} entries of one person among ${before.size}: answered after ${Math.round(answeredMs)} ms, executed in every store after ${Math.round(executedMs)} ms; the log grew by ${after.size - before.size}`,
);
await cell.stop();
process.exit(0);
