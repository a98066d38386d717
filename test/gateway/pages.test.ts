/** What the gateway answers itself: pages, the API description, the merged residency report. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { formatApiKey } from "../../src/core/api-key.ts";
import { ERROR_CODES, ERRORS } from "../../src/core/errors.ts";
import gateway from "../../src/gateway/index.ts";
import { problemPage, problemsPage } from "../../src/gateway/pages.ts";
import type { ApiDocument } from "../../src/http/document/schema.ts";
import { spiedGateway } from "../support/gateway.ts";
import { problemOf } from "../support/problems.ts";

const REPOSITORY = path.join(import.meta.dirname, "../..");
const DESCRIPTION = JSON.parse(readFileSync(path.join(REPOSITORY, "docs/openapi.json"), "utf8")) as ApiDocument;
const escaped = (text: string) =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");

describe("the page of a problem", () => {
  test.each(ERROR_CODES)("%s says what happened and what to do, in the page and in the index", async (code) => {
    const { ask, reached } = spiedGateway();
    const answer = await ask(`/problems/${code}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Content-Type")).toMatch(/^text\/html/);
    const page = await answer.text();
    const { title, explanation, status } = ERRORS[code];
    for (const text of [title, code, String(status)]) expect(page).toContain(escaped(text));
    // Words between backticks are shown as code.
    expect(page.replaceAll(/<\/?code>/g, "`")).toContain(escaped(explanation));
    expect(String(await problemsPage())).toContain(`href="/problems/${code}"`);
    expect(reached).toEqual([]);
  });

  test.each([
    "nothing",
    "__proto__",
    "constructor",
    "toString",
    "request.malformed%20",
    "%3Cscript%3E",
    "REQUEST.MALFORMED",
  ])("%s does not exist, and the answer does not repeat it", async (code) => {
    const answer = await spiedGateway().ask(`/problems/${code}`);
    const problem = await problemOf(answer, "resource.not_found");
    expect(JSON.stringify(problem)).not.toContain("script");
  });

  test("escapes what stands in the table", async () => {
    const page = String(await problemPage("auth.required", DESCRIPTION));
    expect(ERRORS["auth.required"].explanation).toContain("<key>");
    expect(page).toContain("Bearer &lt;key&gt;");
    expect(page).not.toContain("<key>");
  });
});

describe("S3-37 every answer of the gateway itself", () => {
  test.each([
    "/",
    "/docs",
    "/docs/entries",
    "/style.css",
    "/healthz",
    "/openapi.json",
    "/problems",
    "/problems/internal",
    "/problems/none",
    "/v1/none",
    "/v1/residency",
  ])("%s has HSTS and the other secure headers", async (address) => {
    const answer = await spiedGateway(() => Response.json({ cells: [] })).ask(address);
    const { headers } = answer;
    expect(headers.get("Strict-Transport-Security")).toBe("max-age=63072000; includeSubDomains; preload");
    expect(headers.get("Content-Security-Policy")).toContain("default-src 'none'");
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(headers.get("X-Frame-Options")).toBe("DENY");
    expect(headers.get("Referrer-Policy")).toBe("no-referrer");
    expect(headers.get("Set-Cookie")).toBeNull();
  });

  test("is the cell's own where the cell has spoken", async () => {
    const own = { "Strict-Transport-Security": "max-age=1", "X-Frame-Options": "SAMEORIGIN" };
    const { ask } = spiedGateway(() => new Response("", { headers: own }));
    const headers = { Authorization: `Bearer ${formatApiKey("eu", "01jcy3x8e7f4s9m2k5n8q1r4tv", new Uint8Array(32))}` };
    const answer = await ask("/v1/whoami", { headers });
    expect(answer.headers.get("Strict-Transport-Security")).toBe("max-age=1");
    expect(answer.headers.get("X-Frame-Options")).toBe("SAMEORIGIN");
  });
});

describe("documents that belong to no cell", () => {
  test("the API description is the committed one", async () => {
    const answer = await spiedGateway().ask("/openapi.json");
    expect(await answer.json()).toEqual(DESCRIPTION);
  });

  test("every route of the gateway's own is an operation of the description, or a page for readers", () => {
    const pages = [
      "/",
      "/claims",
      "/docs",
      "/docs/{tag}",
      "/problems",
      "/problems/{code}",
      "/style.css",
      "/openapi.json",
      "/status",
    ];
    const described = Object.entries(DESCRIPTION.paths).flatMap(([address, methods]) =>
      Object.keys(methods).map((method) => `${method} ${address}`),
    );
    // The gateway's `/witness/{jurisdiction}` stands before the address that the cell itself has; so with a probe's report.
    const ofWitness = [
      "post /witness/{jurisdiction}/add-checkpoint",
      "get /witness/{jurisdiction}/{originHash}/checkpoint",
      "post /v1/status/reports/{jurisdiction}",
    ];
    const own = gateway.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)(?:\{[^}]+\})?/g, "{$1}")}`);
    expect(own.length).toBeGreaterThan(10);
    const known = [...described, ...ofWitness, ...pages.map((page) => `get ${page}`)];
    expect(own.filter((route) => !known.includes(route))).toEqual([]);
  });

  test("the index leads to what exists", async () => {
    const { ask } = spiedGateway(() => Response.json({ cells: [] }));
    const page = await (await ask("/")).text();
    const links = [...page.matchAll(/href="([^"]+)"/g)].map(([, link]) => link as string);
    expect(links).toEqual(expect.arrayContaining(["/docs", "/problems", "/openapi.json", "/verify"]));
    // A file beside the Worker.
    expect(existsSync("public/verify.html")).toBe(true);
    for (const link of links.filter((each) => each !== "/verify")) expect((await ask(link)).status, link).toBe(200);
    expect(page).not.toMatch(/<script|style=/);
  });
});

describe("S0-24 GET /v1/residency", () => {
  const report = (_: Request, cell: string) => Response.json({ cells: [{ jurisdiction: cell }] });

  test("without a credential merges what both cells observed", async () => {
    const { ask, reached } = spiedGateway(report);
    const answer = await ask("/v1/residency");
    expect(await answer.json()).toEqual({ cells: [{ jurisdiction: "eu" }, { jurisdiction: "us" }] });
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    expect(reached.map(({ cell }) => cell).sort()).toEqual(["eu", "us"]);
  });

  test("with a credential asks its own cell only", async () => {
    const { ask, reached } = spiedGateway(report);
    const key = formatApiKey("us", "01jcy3x8e7f4s9m2k5n8q1r4tv", new Uint8Array(32));
    const answer = await ask("/v1/residency", { headers: { Authorization: `Bearer ${key}` } });
    expect(await answer.json()).toEqual({ cells: [{ jurisdiction: "us" }] });
    expect(reached.map(({ cell }) => cell)).toEqual(["us"]);
  });

  test("asked for with HEAD answers like GET, without the body", async () => {
    const { ask } = spiedGateway((request, cell) =>
      request.method === "HEAD" ? new Response(null) : report(request, cell),
    );
    const answer = await ask("/v1/residency", { method: "HEAD" });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe("");
  });

  test("of a cell that does not serve is that cell's problem, not half a report", async () => {
    const { ask } = spiedGateway((request, cell) =>
      cell === "us" ? Response.json({ code: "residency.unknown" }, { status: 503 }) : report(request, cell),
    );
    const answer = await ask("/v1/residency");
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ code: "residency.unknown" });
  });
});
