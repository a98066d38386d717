/**
 * The comparison: Node, a pool of 50 connections, the chain made by the trigger in postgres.sql.
 * `node postgres-server.ts <socket folder> <port of PostgreSQL> <token> <bare|same>`; prints its own port.
 *
 * bare   JSON.parse, insert: the least that such a server can do
 * same   what the product does too: key check, strict JSON, the event schema, pseudonyms, guards, canonical JSON, idempotency key
 */
import { createServer, type IncomingMessage } from "node:http";
import { canonicalJson } from "../src/core/canonical.ts";
import { classifyEvent } from "../src/core/payload/classify.ts";
import { parseStrictJson } from "../src/core/strict-json.ts";
import { equalSecrets } from "../src/crypto/compare.ts";
import { deriveDomainKeys } from "../src/crypto/tenant-keys.ts";
import { eventSchema } from "../src/http/schemas/event.ts";

const POOL = 50;
const [host = "", port = "", token = "", work = "bare"] = process.argv.slice(2);
// A package of bench/package.json alone: the types of the root do not know it.
const { default: pg } = await import("pg" as string);
const pool = new pg.Pool({ host, port: Number(port), user: "bench", database: "bench", max: POOL });
const secret = new Uint8Array(32).fill(1);
const keys = new Map<string, ReturnType<typeof deriveDomainKeys>>();

const INSERT = {
  name: "insert",
  text: "INSERT INTO audit_log (domain_id, payload) SELECT $1, payload FROM unnest($2::text[]) WITH ORDINALITY AS event (payload, place) ORDER BY place RETURNING seq, encode(entry_hash, 'hex') AS entry_hash, encode(prev_hash, 'hex') AS prev_hash",
};
const REMEMBER = { name: "remember", text: "INSERT INTO request (key, first_seq, count) VALUES ($1, $2, $3)" };

const server = createServer(async (request, response) => {
  try {
    const receipts = await append(request, await textOf(request));
    response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify({ receipts }));
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as { port: number }).port));

async function append(request: IncomingMessage, body: string): Promise<unknown[]> {
  const domainId = /^\/v1\/domains\/([a-z0-9_]+)\//.exec(request.url ?? "")?.[1] ?? "";
  if (work === "bare") return (await pool.query({ ...INSERT, values: [domainId, payloadsOf(JSON.parse(body))] })).rows;
  const credential = /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  if (!equalSecrets(credential, token)) throw new Error("unknown key");
  const payloads = checkedPayloads(body, domainId);
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const { rows } = await client.query({ ...INSERT, values: [domainId, payloads] });
    await client.query({ ...REMEMBER, values: [request.headers["idempotency-key"], rows[0].seq, rows.length] });
    await client.query("COMMIT");
    return rows;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

function payloadsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).map((event) => JSON.stringify(event));
}

function checkedPayloads(body: string, domainId: string): string[] {
  const parsed = parseStrictJson(body, 16);
  if (!parsed.ok) throw new Error(parsed.detail);
  const own = keys.get(domainId) ?? deriveDomainKeys(secret, secret, domainId);
  keys.set(domainId, own);
  const values = Array.isArray(parsed.value) ? parsed.value : [parsed.value];
  return values.map((value) => {
    const { fields, refused } = classifyEvent(eventSchema.parse(value), own.pseudonymOf);
    if (refused) throw new Error(refused.pointer);
    return canonicalJson({ v: 1, domain: domainId, recorded_at: new Date().toISOString(), ...fields });
  });
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
