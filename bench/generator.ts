/** The same load as load.lua where wrk is missing: `node generator.ts <url> <connections> <seconds> <template> <token> <run> <paths>`. */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";

const [url = "", connections = "1", seconds = "1", templateFile = "", token = "", run = "", pathsFile = ""] =
  process.argv.slice(2);
const template = readFileSync(templateFile, "utf8");
const paths = readFileSync(pathsFile, "utf8").trim().split("\n");
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
const latencies: number[] = [];
let number = 0;
let failed = 0;

const began = performance.now();
const until = began + Number(seconds) * 1000;
await Promise.all(Array.from({ length: Number(connections) }, connection));
const ms = performance.now() - began;
latencies.sort((a, b) => a - b);
const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
console.log(`RESULT ${JSON.stringify({ requests: latencies.length, failed, ms, p50Ms: at(0.5), p99Ms: at(0.99) })}`);
agent.destroy();

async function connection(): Promise<void> {
  while (performance.now() < until) {
    const mine = ++number;
    const name = `${run}-${mine}`;
    const body = template.replaceAll("@", name).replaceAll("#", String(mine % 10));
    const sent = performance.now();
    const status = await post(paths[mine % paths.length] as string, name, body).catch(() => 0);
    latencies.push(performance.now() - sent);
    if (status < 200 || status > 299) failed++;
  }
}

function post(path: string, idempotencyKey: string, body: string): Promise<number> {
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "idempotency-key": idempotencyKey,
  };
  return new Promise((resolve, reject) => {
    const sending = request(url + path, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode ?? 0));
      response.once("error", reject);
    });
    sending.once("error", reject);
    sending.end(body);
  });
}
