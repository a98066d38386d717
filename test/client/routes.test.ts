/** Every method of the client asks for a route that the server declares, with a body exactly where the route takes one. */
import { expect, test } from "vitest";
import { type Fetch, MoonsealClient } from "../../src/client/index.ts";
import { openApiDocument } from "../../src/http/openapi.ts";

interface Asked {
  method: string;
  path: string;
  hasBody: boolean;
}

const asked: Asked[] = [];
const recording: Fetch = async (url, { method, body }) => {
  asked.push({ method, path: new URL(url).pathname, hasBody: body !== undefined });
  return { status: 200, headers: { get: () => null }, text: async () => "{}" };
};
const client = new MoonsealClient({ baseUrl: "https://api.example.com", apiKey: "k", fetch: recording });

const isIterator = (value: unknown): value is AsyncIterator<unknown> =>
  typeof value === "object" && value !== null && Symbol.asyncIterator in value;

type Methods = Record<string, (...args: unknown[]) => Promise<unknown>>;
const methodsOf = (target: object): [string, Methods][] =>
  Object.getOwnPropertyNames(Object.getPrototypeOf(target))
    .filter((name) => name !== "constructor")
    .map((name) => [name, target as Methods]);
const parts = Object.values(client).filter((part): part is object => typeof part === "object" && part !== null);
const methods = [client, ...parts].flatMap((target) =>
  methodsOf(target).map(([name, of]) => ({ title: `${target.constructor.name}.${name}`, name, of })),
);

const operations = Object.entries((openApiDocument() as { paths: object }).paths).flatMap(([path, item]) =>
  Object.entries(item as Record<string, { requestBody?: unknown }>).map(([method, operation]) => ({
    method: method.toUpperCase(),
    pattern: new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, "[^/]+")}$`),
    hasBody: operation.requestBody !== undefined,
  })),
);

test("all parts of the client are looked at", () => {
  expect(parts.map((part) => part.constructor.name).sort()).toEqual([
    "AccessClient",
    "DomainSettingsClient",
    "EventTypeClient",
    "ExportClient",
    "HoldClient",
    "ImportClient",
    "MemberClient",
    "QueryClient",
    "RetentionClient",
    "SecondFactorClient",
    "ServiceAccountClient",
    "SessionClient",
    "SignInClient",
  ]);
});

test.each(methods)("$title", async ({ name, of }) => {
  asked.length = 0;
  // Strings stand for ids and bodies alike: only where they go matters here. The last ones are options that are not there.
  const archive = { bytes: 1, open: () => new ReadableStream() };
  const third = of.constructor.name === "ImportClient" ? archive : "three";
  const args = ["one", "two", third].slice(0, of[name]?.length);
  const called: unknown = of[name]?.call(of, ...args);
  await (isIterator(called) ? called.next() : (called as Promise<unknown>)).catch(() => {});
  expect(asked).toHaveLength(1);
  const [request] = asked;
  // The gateway's own, which is in no cell's description.
  if (request?.path === "/healthz") return;
  const found = operations.find(({ method, pattern }) => method === request?.method && pattern.test(request.path));
  expect(found, `${request?.method} ${request?.path}`).toBeDefined();
  expect(request?.hasBody).toBe(found?.hasBody);
});
