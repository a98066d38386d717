/**
 * Before `npm start`: what has to be true for TypeScript to run at all. Plain JavaScript, so that an older Node says one
 * plain line instead of a stack.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const NEEDED = [22, 18];
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const [major, minor] = process.versions.node.split(".").map(Number);

const missing = ["wrangler", "smol-toml", "typeid-js"].filter(
  (name) => !existsSync(path.join(root, "node_modules", name)),
);
if (missing.length > 0) refuse(`Dependencies are not installed (${missing.join(", ")}). Run: npm ci`);
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  refuse(
    `Moonseal needs Node ${NEEDED.join(".")} or newer, and this is ${process.versions.node}. ` +
      "npm ci brings one along unless install scripts are switched off; npm rebuild node repairs that.",
  );
}

await import("./start.ts");

function refuse(line) {
  console.error(line);
  process.exit(1);
}
