/**
 * `npm run build:verifier` writes public/verify.html, one file without any request to anybody; `npm run check:verifier` fails when the
 * committed one differs. The page's own policy allows nothing but this very script and style, by their hashes.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { REPOSITORY } from "./paths.ts";

const FOLDER = path.join(REPOSITORY, "src/console/verify-page");
const SAMPLES = path.join(REPOSITORY, "test/vectors/evidence");
const SAMPLE = "entry-255.tlog-proof";
export const VERIFY_PAGE = path.join(REPOSITORY, "public/verify.html");

/** The same bytes for the same sources: esbuild's version is pinned. */
export async function verifyPage(): Promise<string> {
  const [script, style] = [await bundled("main.ts"), await bundled("page.css")];
  const csp = [
    "default-src 'none'",
    `script-src '${sourceHash(script)}'`,
    `style-src '${sourceHash(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  // Functions, because a replacement text of its own would give `$` a meaning.
  return readFileSync(path.join(FOLDER, "page.html"), "utf8")
    .replace('Policy" content=""', () => `Policy" content="${csp}"`)
    .replace("<style></style>", () => `<style>${style}</style>`)
    .replace("<script></script>", () => `<script>${script}</script>`);
}

async function bundled(entry: string): Promise<string> {
  const sample = {
    file: SAMPLE,
    evidence: readFileSync(path.join(SAMPLES, SAMPLE), "utf8"),
    policy: readFileSync(path.join(SAMPLES, "policy.json"), "utf8"),
  };
  const { outputFiles } = await build({
    entryPoints: [path.join(FOLDER, entry)],
    absWorkingDir: REPOSITORY,
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "ascii",
    // The licences of what is built in.
    legalComments: "eof",
    define: { SAMPLE: JSON.stringify(sample) },
  });
  const text = outputFiles[0]?.text ?? "";
  if (/<\/(?:script|style)/i.test(text)) throw new Error(`${entry} would end its own element`);
  return text;
}

/** The source of a policy: exactly these bytes between the tags. */
const sourceHash = (text: string) => `sha256-${createHash("sha256").update(text).digest("base64")}`;

async function main(): Promise<void> {
  const name = path.relative(REPOSITORY, VERIFY_PAGE);
  const fresh = await verifyPage();
  const committed = existsSync(VERIFY_PAGE) ? readFileSync(VERIFY_PAGE, "utf8") : undefined;
  if (!process.argv.includes("--check")) {
    mkdirSync(path.dirname(VERIFY_PAGE), { recursive: true });
    writeFileSync(VERIFY_PAGE, fresh);
    console.log(`${name}: ${fresh === committed ? "unchanged" : "written"}, ${Buffer.byteLength(fresh)} bytes`);
  } else if (fresh !== committed) {
    console.error(`${name} is not what its sources make. Run: npm run build:verifier`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === import.meta.filename) await main();
