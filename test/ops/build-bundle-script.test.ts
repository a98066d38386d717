/** The script inside bundles is what its sources make, and needs nothing that is not in every Node from 20 on. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { bundleScript, moduleOf, SCRIPT_MODULE } from "../../src/ops/build-bundle-script.ts";
import { VERIFY_SCRIPT } from "../../src/services/bundle/verify-script.ts";

test("S0-33 the committed script is fresh: npm run build:bundle-script makes it", async () => {
  const { script, packages } = await bundleScript();
  expect(readFileSync(SCRIPT_MODULE, "utf8") === moduleOf(script)).toBe(true);
  expect(VERIFY_SCRIPT === script).toBe(true);
  expect(packages).toEqual(["canonicalize", "@noble/hashes", "@noble/curves", "@noble/post-quantum"]);
});

test("S0-33 the script imports nothing but modules of Node, and none that reaches a network", () => {
  const imports = [...VERIFY_SCRIPT.matchAll(/^import .* from "([^"]+)";$/gm)].map(([, name]) => name);
  expect([...new Set(imports)].sort()).toEqual(["node:crypto", "node:fs", "node:path", "node:url", "node:util"]);
  expect(VERIFY_SCRIPT).not.toMatch(/\bfetch\(|XMLHttpRequest|WebSocket|\bimport\(|\brequire\(/);
});

test("S0-33 the script uses nothing that came after Node 20", () => {
  // Map.groupBy 21, Promise.withResolvers 22, Array.fromAsync 22, iterator helpers 22, Set methods 22, crypto.hash 20.12.
  expect(VERIFY_SCRIPT).not.toMatch(
    /groupBy|withResolvers|fromAsync|RegExp\.escape|\.(?:keys|values|entries)\(\)\s*\.(?:map|filter|some|every|find|toArray)\(|\.(?:union|difference|intersection|isSubsetOf)\(|\bhash\("sha256"/,
  );
  expect(VERIFY_SCRIPT).not.toMatch(/[^\x20-\x7e\n]/);
});
