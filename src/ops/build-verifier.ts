/**
 * `npm run build:verifier` writes public/verify.html, one file without any request to anybody; `npm run check:verifier` fails when the
 * committed one differs. The page's own policy allows nothing but this very script and style, by their hashes.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { LIMITS } from "../core/limits.ts";
import { REPOSITORY } from "./paths.ts";

const FOLDER = path.join(REPOSITORY, "src/console/verify-page");
const SAMPLES = path.join(REPOSITORY, "test/vectors/evidence");
const SAMPLE = "entry-255.tlog-proof";
export const VERIFY_PAGE = path.join(REPOSITORY, "public/verify.html");

/** The same bytes for the same sources: esbuild's version is pinned. */
export async function verifyPage(): Promise<{ html: string; packages: string[] }> {
  const inputs = await inputsOf("main.ts");
  const script = await bundled("main.ts", [limitsUsedIn(inputs)]);
  const style = await bundled("page.css");
  const csp = [
    "default-src 'none'",
    `script-src '${sourceHash(script)}'`,
    `style-src '${sourceHash(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  // Functions, because a replacement text of its own would give `$` a meaning.
  const html = readFileSync(path.join(FOLDER, "page.html"), "utf8")
    .replace('Policy" content=""', () => `Policy" content="${csp}"`)
    .replace("<style></style>", () => `<style>${style}</style>`)
    .replace("<script></script>", () => `<script>${script}</script>`);
  const packages = inputs.flatMap((input) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []);
  return { html, packages: [...new Set(packages)] };
}

const options = (entry: string, plugins: Plugin[]): BuildOptions => ({
  entryPoints: [path.join(FOLDER, entry)],
  absWorkingDir: REPOSITORY,
  bundle: true,
  write: false,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "ascii",
  // page.html names the licences.
  legalComments: "none",
  define: { SAMPLE: JSON.stringify(sample()) },
  plugins,
});

const sample = () => ({
  file: SAMPLE,
  evidence: readFileSync(path.join(SAMPLES, SAMPLE), "utf8"),
  policy: readFileSync(path.join(SAMPLES, "policy.json"), "utf8"),
});

async function bundled(entry: string, plugins: Plugin[] = []): Promise<string> {
  const { outputFiles } = await build({ ...options(entry, plugins), write: false });
  const text = outputFiles[0]?.text ?? "";
  if (/<\/(?:script|style)/i.test(text)) throw new Error(`${entry} would end its own element`);
  return text;
}

/** The files that reach the bundle, relative to the repository. */
async function inputsOf(entry: string): Promise<string[]> {
  const { metafile } = await build({ ...options(entry, []), metafile: true });
  const [output] = Object.values(metafile.outputs);
  return Object.entries(output?.inputs ?? {}).flatMap(([input, { bytesInOutput }]) =>
    bytesInOutput > 0 ? [input] : [],
  );
}

/** Only the limits that the page uses stand in it: a limit of the server changes nothing here. */
function limitsUsedIn(inputs: string[]): Plugin {
  const ours = inputs.filter((input) => input.startsWith("src/"));
  const sources = ours.map((input) => readFileSync(path.join(REPOSITORY, input), "utf8"));
  const used = sources.flatMap((source) => [...source.matchAll(/\bLIMITS\.(\w+)/g)].map(([, name]) => name));
  const contents = `export const LIMITS = ${JSON.stringify(
    Object.fromEntries(Object.entries(LIMITS).filter(([name]) => used.includes(name))),
  )};`;
  return {
    name: "limits",
    setup: ({ onLoad }) => onLoad({ filter: /[\\/]core[\\/]limits\.ts$/ }, () => ({ contents, loader: "ts" })),
  };
}

/** The source of a policy: exactly these bytes between the tags. */
const sourceHash = (text: string) => `sha256-${createHash("sha256").update(text).digest("base64")}`;

async function main(): Promise<void> {
  const name = path.relative(REPOSITORY, VERIFY_PAGE);
  const { html } = await verifyPage();
  const committed = existsSync(VERIFY_PAGE) ? readFileSync(VERIFY_PAGE, "utf8") : undefined;
  if (!process.argv.includes("--check")) {
    mkdirSync(path.dirname(VERIFY_PAGE), { recursive: true });
    writeFileSync(VERIFY_PAGE, html);
    console.log(`${name}: ${html === committed ? "unchanged" : "written"}, ${Buffer.byteLength(html)} bytes`);
  } else if (html !== committed) {
    console.error(`${name} is not what its sources make. Run: npm run build:verifier`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === import.meta.filename) await main();
