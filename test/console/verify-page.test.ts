/** verify.html as it is committed: what its sources make, closed to the world, and the same verdicts in a real browser. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { looksLikePolicy, readTrust } from "../../src/console/verify-page/trust.ts";
import { BUNDLE, readBundle } from "../../src/core/bundle.ts";
import { PAGE_MODULE, pageModuleOf, VERIFY_PAGE, verifyPage } from "../../src/ops/build-verifier.ts";
import { VERIFY_PAGE as BUNDLED_PAGE } from "../../src/services/bundle/verify-page.ts";
import { tempDir } from "../cli/support/run-cli.ts";
import bundles from "../vectors/bundles/v1.json" with { type: "json" };
import { GOLDEN, golden, policyFile, withoutWitness } from "../verifier/golden-evidence.ts";
import { findChromium, type Tab, withTab } from "./support/chromium.ts";

const page = readFileSync(VERIFY_PAGE, "utf8");
const between = (tag: string) => new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(page)?.[1] ?? "";
const hashOf = (text: string) => `sha256-${createHash("sha256").update(text).digest("base64")}`;

describe("the committed page", () => {
  test("is what its sources make", async () => {
    const { html } = await verifyPage();
    // Not toBe: a difference would print the whole page.
    expect(html === page, "npm run build:verifier").toBe(true);
  });

  test("S0-33 lies in export bundles to the byte, as a module of the cell that the same command makes", () => {
    expect(BUNDLED_PAGE === page).toBe(true);
    expect(readFileSync(PAGE_MODULE, "utf8") === pageModuleOf(page)).toBe(true);
  });

  test("allows its own script and style by their hashes, and nothing else at all", () => {
    const csp = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)?.[1];
    expect(csp).toBe(
      `default-src 'none'; script-src '${hashOf(between("script"))}'; style-src '${hashOf(between("style"))}'; base-uri 'none'; form-action 'none'`,
    );
    expect(page.indexOf("Content-Security-Policy")).toBeLessThan(page.indexOf("<style>"));
  });

  test("refers to nothing: no address in an attribute, no second element that loads", () => {
    const frame = page.replace(between("script"), "").replace(between("style"), "");
    expect(frame).not.toMatch(/\s(?:src|href|action|srcset|data|style|on\w+)=/i);
    expect(frame.match(/<(?:script|style|link|img|iframe|object|embed|form)\b/g)).toEqual(["<style", "<script"]);
    expect(between("style")).not.toMatch(/url\(|@import/);
    expect(between("script")).not.toMatch(
      /\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|localStorage|innerHTML|eval\(/,
    );
  });

  test("names the licence of each package that is built into it", async () => {
    const { packages } = await verifyPage();
    expect(packages).toContain("@noble/curves");
    const licences = /<!--[\s\S]*?-->/.exec(page)?.[0];
    for (const name of packages) expect(licences).toContain(name);
    expect(licences).toContain("Permission is hereby granted, free of charge");
  });
});

describe("whom the page trusts", () => {
  const [{ key = "" } = {}] = policyFile().logs;
  test("keys one a line, a policy, or nobody; a fault is never nobody", () => {
    expect(readTrust(" \n")).toMatchObject({ logs: [] });
    expect(readTrust(`${key}\n${key}\n`)).toMatchObject({ logs: [{ origin: "log.example/" }, {}] });
    expect(readTrust(JSON.stringify(policyFile()))).toMatchObject({ required: 1 });
    for (const wrong of ["nonsense", "{", "{}", '{"logs":[]}', `{"logs":1,"logs":2}`]) {
      expect(readTrust(wrong), wrong).toBeTypeOf("string");
    }
  });

  test("a dropped policy is told from a file to verify", () => {
    expect(looksLikePolicy(golden("policy.json").toString())).toBe(true);
    for (const name of ["entry-0.tlog-proof", "checkpoint.txt"])
      expect(looksLikePolicy(golden(name).toString())).toBe(false);
    expect(looksLikePolicy("null")).toBe(false);
  });
});

const chromium = findChromium();
const NO_CHROMIUM = "no Chromium here: name one in CHROMIUM, or install it, to run the page in a real browser";

describe("in a browser", () => {
  const verdict = (tab: Tab) => tab.evaluate<string>("document.querySelector('.verdict')?.textContent ?? 'none'");
  const choose = async (tab: Tab, ...files: string[]) => {
    const { root } = (await tab.send("DOM.getDocument")) as { root: { nodeId: number } };
    const found = await tab.send("DOM.querySelector", { nodeId: root.nodeId, selector: "#files" });
    await tab.evaluate("document.getElementById('reports').replaceChildren()");
    await tab.send("DOM.setFileInputFiles", { ...found, files });
    await tab.evaluate(
      "new Promise((done) => { const look = () => document.querySelector('.report') ? done() : setTimeout(look, 5); look(); })",
    );
  };
  const trust = (tab: Tab, text: string) =>
    tab.evaluate(
      `{ const field = document.getElementById("trust"); field.value = ${JSON.stringify(text)}; field.dispatchEvent(new Event("input")); }`,
    );

  test("from a file, every verdict is the right one, and nobody is asked anything", {
    timeout: 60_000,
  }, async (context) => {
    if (!chromium) return context.skip(NO_CHROMIUM);
    const folder = await tempDir();
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const evidence = golden("entry-299.tlog-proof").toString();
    await withTab(chromium, pathToFileURL(VERIFY_PAGE).href, async (tab) => {
      await tab.send("DOM.enable");
      await choose(tab, join(GOLDEN, "entry-299.tlog-proof"));
      expect(await verdict(tab)).toBe("?Could not check");
      await trust(tab, golden("policy.json").toString());
      expect(await verdict(tab)).toBe("✓Verified");
      expect(await tab.evaluate("[...document.querySelectorAll('.steps li')].map((li) => li.className)")).toEqual(
        Array(6).fill("ok"),
      );
      expect(await tab.evaluate("document.getElementById('said').textContent")).toMatch(/^Verified: entry 299/);
      await choose(tab, file("refuted", evidence.replace("index 299", "index 298")));
      expect(await verdict(tab)).toBe("✗Refuted");
      await choose(tab, file("alone", withoutWitness(evidence)));
      expect(await verdict(tab)).toBe("!Not witnessed");
      await choose(tab, file("hostile", evidence.replace("log.example/dom", "<img src=x onerror=alert(1)>/dom")));
      expect(await tab.evaluate("document.querySelectorAll('#reports img').length")).toBe(0);
      // Policy and evidence dropped together: each finds its place.
      await trust(tab, "");
      await choose(tab, join(GOLDEN, "policy.json"), join(GOLDEN, "entry-0.tlog-proof"));
      expect(await verdict(tab)).toBe("✓Verified");
      await trust(tab, "nonsense");
      expect(await verdict(tab)).toBe("none");
      expect(await tab.evaluate("document.getElementById('trust-fault').textContent")).toMatch(/not a verifier key/);
      expect(tab.requests).toEqual([pathToFileURL(VERIFY_PAGE).href]);
      expect(tab.complaints).toEqual([]);
    });
  });

  test("S0-33 the page out of a golden bundle verifies the bundle that it lay in", {
    timeout: 60_000,
  }, async (context) => {
    if (!chromium) return context.skip(NO_CHROMIUM);
    const archive = join(import.meta.dirname, "../vectors/bundles/v1-page.tar");
    const opened = readBundle(readFileSync(archive));
    if (!opened.ok) throw new Error(opened.fault);
    const file = join(await tempDir(), BUNDLE.page);
    writeFileSync(file, opened.files.get(BUNDLE.page) as Uint8Array);
    await withTab(chromium, pathToFileURL(file).href, async (tab) => {
      await tab.send("DOM.enable");
      await trust(tab, JSON.stringify(bundles.policy));
      await choose(tab, archive);
      expect(await verdict(tab)).toBe("✓Verified");
      expect(tab.requests).toEqual([pathToFileURL(file).href]);
    });
  });

  test("by keyboard alone: the sample is reached, verified, and the result gets the focus", {
    timeout: 60_000,
  }, async (context) => {
    if (!chromium) return context.skip(NO_CHROMIUM);
    await withTab(chromium, pathToFileURL(VERIFY_PAGE).href, async (tab) => {
      const press = async (key: string, code: number, text?: string) => {
        const event = { key, code: key, windowsVirtualKeyCode: code, ...(text && { text }) };
        await tab.send("Input.dispatchKeyEvent", { type: "keyDown", ...event });
        await tab.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
      };
      const focused = () => tab.evaluate<string>("document.activeElement.id");
      const order = [];
      for (let i = 0; i < 5; i++) {
        await press("Tab", 9);
        order.push(await focused());
      }
      expect(order).toEqual(["files", "sample", "tampered", "trust", "trust-file"]);
      await tab.evaluate("document.getElementById('sample').focus()");
      await press("Enter", 13, "\r");
      expect(await verdict(tab)).toBe("✓Verified");
      expect(await focused()).toBe("results");
      await tab.evaluate("document.getElementById('tampered').focus()");
      await press("Enter", 13, "\r");
      expect(await verdict(tab)).toBe("✗Refuted");
    });
  });
});
