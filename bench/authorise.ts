/**
 * `node bench/authorise.ts [REQUESTS]`: what authorising a warm request costs in CPU time of workerd: `GET /v1/whoami` with a session
 * token (RS256) and with an API key, less `GET /healthz`, which asks for neither. Wanted: under 1 ms.
 */
import { Agent, request } from "node:http";
import { testBindings } from "../test/support/bindings.ts";
import { bundleCell, startCell } from "./cell.ts";
import { cpuMs } from "./cpu.ts";

const requests = Number(process.argv[2] ?? 2000);
const ROUNDS = 5;
const cell = await startCell(await bundleCell());
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** One after the other over one connection, so that nothing is shared between two requests. */
function get(path: string, credential: string | null): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = credential === null ? {} : { Authorization: `Bearer ${credential}` };
    request(`${cell.url}${path}`, { agent, headers }, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (chunk) => {
        body += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
    })
      .on("error", reject)
      .end();
  });
}

async function post(path: string, body: object, credential?: string): Promise<Record<string, string>> {
  const answer = await fetch(`${cell.url}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(credential ? { Authorization: `Bearer ${credential}` } : {}) },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Record<string, string>;
}

/** A member who has just accepted their invitation. */
async function memberToken(): Promise<string> {
  const { tenant_id } = JSON.parse((await get("/v1/whoami", cell.key)).body) as { tenant_id: string };
  const person = { email: "ada@example.org", name: "Ada", role: "viewer" };
  await post(`/v1/tenants/${tenant_id}/invitations`, person, cell.key);
  for (let tries = 0; tries < 50; tries++) {
    const { body } = await get("/v1/outbox", testBindings("eu").OPERATOR_SECRET);
    const token = /token=([\w.-]+)/.exec(body)?.[1];
    if (token) return (await post("/v1/auth/eu/invitations/accept", { token })).token ?? "";
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("no invitation came");
}

/** Milliseconds of CPU time a request. */
async function cost(path: string, credential: string | null): Promise<number> {
  const before = cpuMs(cell.processes);
  for (let i = 0; i < requests; i++) {
    const { status } = await get(path, credential);
    if (status !== 200) throw new Error(`${path}: ${status} after ${i} requests`);
  }
  return (cpuMs(cell.processes) - before) / requests;
}

try {
  const credentials = { "no credential": null, "session token": await memberToken(), "API key": cell.key };
  const costs = new Map<string, number[]>();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, credential] of Object.entries(credentials)) {
      const ms = await cost(credential === null ? "/healthz" : "/v1/whoami", credential);
      // The first round is for the just-in-time compiler.
      if (round > 0) costs.set(name, [...(costs.get(name) ?? []), ms]);
    }
  }
  const median = (name: string) => (costs.get(name) ?? []).sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
  for (const name of Object.keys(credentials)) {
    const more = median(name) - median("no credential");
    console.log(`${name}: ${median(name).toFixed(3)} ms of CPU a request, ${more.toFixed(3)} ms of it to authorise`);
  }
} finally {
  agent.destroy();
  await cell.stop();
}
