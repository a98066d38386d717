/** The account's HTTP API on a port of this machine, as far as the real wrangler calls it here. Anything else answers 501. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Account, ApiRefusal, databaseDetails } from "./account.ts";

export interface ApiDouble {
  env: NodeJS.ProcessEnv;
  /** Every request as `METHOD path`. */
  seen: string[];
  close(): Promise<void>;
}

const ACCOUNT_ID = "0123456789abcdef0123456789abcdef";

interface Request {
  method: string;
  path: string;
  query: URLSearchParams;
  jurisdiction: string | null;
  body: any;
}

export async function startApi(account: Account): Promise<ApiDouble> {
  const seen: string[] = [];
  const server: Server = createServer(async (incoming, response) => {
    const request = await read(incoming);
    seen.push(`${request.method} ${request.path}`);
    const [status, body] = answer(account, request);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    seen,
    env: {
      ...process.env,
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}`,
      CLOUDFLARE_API_TOKEN: "token-of-the-double",
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT_ID,
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function read(incoming: IncomingMessage): Promise<Request> {
  let text = "";
  for await (const chunk of incoming.setEncoding("latin1")) text += chunk;
  const url = new URL(incoming.url ?? "", "http://api");
  const json = /^application\/json|^text\/plain/.test(incoming.headers["content-type"] ?? "") && /^[[{]/.test(text);
  return {
    method: incoming.method ?? "",
    path: url.pathname.replace(`/accounts/${ACCOUNT_ID}`, ""),
    query: url.searchParams,
    jurisdiction: (incoming.headers["cf-r2-jurisdiction"] as string | undefined) ?? null,
    body: json ? JSON.parse(text) : text,
  };
}

function answer(account: Account, request: Request): [number, unknown] {
  if (request.path === "/graphql") return [200, { data: { viewer: { accounts: [{}] } } }];
  try {
    const { result, result_info } = resultOf(account, request);
    return [200, { success: true, errors: [], messages: [], result, result_info }];
  } catch (error) {
    const { status, code, message } = error instanceof ApiRefusal ? error : new ApiRefusal(501, 1, String(error));
    return [status, { success: false, errors: [{ code, message }], messages: [], result: null }];
  }
}

function resultOf(account: Account, { method, path, query, jurisdiction, body }: Request): Record<string, unknown> {
  const [, group = "", kind = "", name = "", action = ""] = path.split("/").map(decodeURIComponent);
  const call = `${method} ${group}/${kind}${name && "/:name"}${action && `/${action}`}`;
  if (call === "GET d1/database") {
    const [page, size] = [Number(query.get("page")), Number(query.get("per_page"))];
    const all = account.databases.map((database) => {
      const { uuid, name, created_at, version, jurisdiction } = databaseDetails(database);
      return { uuid, name, created_at, version, jurisdiction };
    });
    return { result: all.slice((page - 1) * size, page * size) };
  }
  if (call === "POST d1/database") {
    return { result: databaseDetails(account.createDatabase(body.name, body.jurisdiction ?? null)) };
  }
  if (call === "GET d1/database/:name") return { result: databaseDetails(account.database(name)) };
  if (call === "POST d1/database/:name/query") return { result: account.query(name, body.sql) };
  if (call === "POST r2/buckets") {
    account.createBucket(body.name, jurisdiction);
    return { result: { name: body.name, creation_date: "2026-11-20T10:00:00.000Z" } };
  }
  if (call === "GET r2/buckets/:name") {
    if (!account.hasBucket(name, jurisdiction))
      throw new ApiRefusal(404, 10006, "The specified bucket does not exist.");
    return {
      result: { name, creation_date: "2026-11-20T10:00:00.000Z", location: "WEUR", storage_class: "Standard" },
    };
  }
  return workerResult(account, method, path, body);
}

function workerResult(account: Account, method: string, path: string, body: any): Record<string, unknown> {
  const [, worker = "", action = ""] = /^\/workers\/scripts\/([^/]+)(?:\/(.*))?$/.exec(path) ?? [];
  const secret = /^secrets\/(.+)$/.exec(action)?.[1];
  if (worker && secret && method === "DELETE") {
    account.deleteSecret(worker, secret);
    return { result: null };
  }
  if (worker && action === "secrets") {
    if (method === "GET") {
      return { result: [...account.secretsOf(worker).keys()].map((name) => ({ name, type: "secret_text" })) };
    }
    account.secretsOf(worker).set(body.name, body.text);
    return { result: { name: body.name, type: "secret_text" } };
  }
  // As for a Worker that was never deployed.
  if (method === "GET" && path.startsWith("/workers/services/")) throw new ApiRefusal(404, 10090, "no such service");
  if (method === "GET" && action === "settings") throw new ApiRefusal(404, 10007, "This Worker does not exist.");
  if (method === "GET" && action === "deployments") return { result: { deployments: [] } };
  if (worker && action === "" && method === "PUT") {
    account.secrets.set(worker, account.secrets.get(worker) ?? new Map());
    return { result: { id: worker } };
  }
  throw new Error(`the double does not answer ${method} ${path}`);
}
