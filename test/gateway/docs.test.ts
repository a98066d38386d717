/** The pages of the API: everything that is described is there, every link leads somewhere, and nobody else is asked for anything. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { ERROR_CODES } from "../../src/core/errors.ts";
import { curlLine } from "../../src/gateway/docs/curl.ts";
import { fieldRows } from "../../src/gateway/docs/fields.ts";
import { addressOf, docsPage, slugOf } from "../../src/gateway/docs/pages.ts";
import { prose } from "../../src/gateway/layout.ts";
import { STYLE } from "../../src/gateway/style.ts";
import { type ApiDocument, operationsOf } from "../../src/http/document/schema.ts";
import { spiedGateway } from "../support/gateway.ts";

const file = path.join(import.meta.dirname, "../../docs/openapi.json");
const document = JSON.parse(readFileSync(file, "utf8")) as ApiDocument;
const operations = operationsOf(document);
const addresses = ["/", "/claims", "/docs", "/problems", ...document.tags.map(({ name }) => `/docs/${slugOf(name)}`)];
const pages = new Map<string, string>();
const { ask, reached } = spiedGateway(() => Response.json({ cells: [] }));

beforeAll(async () => {
  for (const address of [...addresses, ...ERROR_CODES.map((code) => `/problems/${code}`)]) {
    const answer = await ask(address);
    expect(answer.status, address).toBe(200);
    pages.set(address, await answer.text());
  }
  expect(reached).toEqual([]);
});

describe("the pages of the API", () => {
  test("have an address of their own for each tag", () => {
    expect(new Set(addresses).size).toBe(addresses.length);
  });

  test.each(operations.map((each) => [each.operation.operationId, each] as const))(
    "%s stands in the index and on its page, with its permission, its problems and an example",
    (_, each) => {
      const address = addressOf(each);
      expect(pages.get("/docs")).toContain(`href="${address}"`);
      const [page = "", anchor = ""] = address.split("#");
      const section = pages.get(page)?.split(`<section id="${anchor}">`)[1]?.split("</section>")[0] ?? "";
      expect(section).toContain(`<b>${each.method.toUpperCase()}</b>${each.path}`);
      const { "x-permission": permission } = each.operation;
      if (!["public", "any_credential"].includes(permission)) expect(section).toContain(`<code>${permission}</code>`);
      for (const [status, { content }] of Object.entries(each.operation.responses)) {
        for (const code of Object.keys(content?.["application/problem+json"]?.examples ?? {})) {
          expect(section, status).toContain(`href="/problems/${code}"`);
        }
      }
      for (const { name } of each.operation.parameters ?? []) expect(section).toContain(`<code>${name}</code>`);
    },
  );

  test("lead to what exists, and to this host alone", () => {
    const ids = new Map(
      [...pages].map(([address, text]) => [address, new Set([...text.matchAll(/ id="([^"]+)"/g)].map((at) => at[1]))]),
    );
    let links = 0;
    for (const [address, text] of pages) {
      for (const [, link = ""] of text.matchAll(/(?:href|src)="([^"]+)"/g)) {
        links++;
        expect(link, address).toMatch(/^[/#]/);
        expect(link, address).not.toMatch(/^\/\//);
        const [to = "", anchor] = link.split("#");
        // A file beside the Worker, what a program reads, and the style.
        if (
          [
            "/verify",
            "/status",
            "/v1/status",
            "/v1/claims",
            "/v1/residency",
            "/healthz",
            "/openapi.json",
            "/style.css",
          ].includes(to)
        )
          continue;
        const target = to === "" ? address : to;
        expect(pages.has(target), `${address} links to ${link}`).toBe(true);
        if (anchor !== undefined) expect(ids.get(target)?.has(anchor), `${address} links to ${link}`).toBe(true);
      }
    }
    expect(links).toBeGreaterThan(1000);
  });

  test("have no script and nothing inline, so that the strict policy of every answer holds", async () => {
    for (const [address, text] of pages) {
      expect(text, address).not.toMatch(/<script|<style|<iframe|<img|\sstyle=|\son\w+=|javascript:|@import/i);
      expect(text.match(/<h1>/g), address).toHaveLength(1);
    }
    expect(STYLE).not.toMatch(/url\(|@import/);
    expect((await ask("/style.css")).headers.get("Content-Type")).toBe("text/css; charset=utf-8");
    expect((await ask("/docs")).headers.get("Content-Security-Policy")).toContain("style-src 'self'");
  });

  test("escape what stands in the description", async () => {
    const evil = JSON.parse(JSON.stringify(document).replaceAll("Append audit events", "<script>alert(1)</script>"));
    const page = String(await docsPage(evil, "entries"));
    expect(page).toContain("&lt;script&gt;");
    expect(page).not.toContain("<script>");
    expect(String(await prose("a `<b>` c"))).toContain("<code>&lt;b&gt;</code>");
  });

  test.each(["nothing", "__proto__", "Entries", "entries%20"])("/docs/%s does not exist", async (slug) => {
    expect((await ask(`/docs/${slug}`)).status).toBe(404);
  });
});

describe("what a page shows of an operation", () => {
  test("the fields in it below their object, and schemas that contain themselves to a bounded depth", () => {
    const tree = { type: "object", required: ["next"], properties: { next: { $ref: "#/components/schemas/Tree" } } };
    const own = { ...document, components: { ...document.components, schemas: { Tree: tree } } };
    const rows = fieldRows({ $ref: "#/components/schemas/Tree" }, own);
    expect(rows.map((row) => row.path).slice(0, 2)).toEqual(["next", "next.next"]);
    expect(rows.length).toBeLessThan(10);
    const event = fieldRows({ $ref: "#/components/schemas/AuditEvent" }, document);
    expect(event.find((row) => row.path === "actor.type")).toMatchObject({ required: true });
    expect(event.find((row) => row.path === "targets[].id")).toMatchObject({ required: true });
  });

  test("a line for the shell that no word of the description can leave", () => {
    const append = operations.find(({ operation }) => operation.operationId === "appendEntries");
    if (!append) throw new Error("no appendEntries");
    const media = { schema: {}, example: { reason: "it's $(rm) `x`" } };
    const operation = { ...append.operation, requestBody: { content: { "application/json": media } } };
    const line = curlLine(append.path, append.method, operation, document);
    expect(line).toContain(String.raw`--data-binary '{"reason":"it'\''s $(rm) ` + "`x`" + `"}'`);
    expect(line).toContain(`curl -X POST "$MOONSEAL_URL/v1/domains/dom_eu_`);
  });
});
