/** `npm run ops -- escrow`: whether an escrow file opens, and what it holds. Touches no account. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { openEscrow } from "./escrow-file.ts";
import { passphraseFrom } from "./escrow-passphrase.ts";
import { isCellSecretValue } from "./provision-secrets.ts";
import { isCellSecret } from "./secrets.ts";

export const ESCROW_HELP = `npm run ops -- escrow verify FILE [--passphrase-file FILE]
npm run ops -- escrow show FILE --name NAME [--passphrase-file FILE]

verify opens the file and says which secrets it holds, without printing one; show prints one secret and nothing else.

  --name NAME              which secret, for example LOG_SIGNING_KEY
  --passphrase-file FILE   where the passphrase stands (default: MOONSEAL_ESCROW_PASSPHRASE, else it is asked for)
  --help                   this text

Exit codes: 0 it opens, 1 it does not, 2 usage.
`;

interface EscrowOptions {
  action: "verify" | "show";
  file: string;
  name: string | undefined;
  passphraseFile: string | undefined;
}

/** Resolves to the exit code. */
export async function escrow(argv: string[]): Promise<number> {
  let options: EscrowOptions | null;
  try {
    options = parseEscrowOptions(argv);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${ESCROW_HELP}`);
    return 2;
  }
  if (!options) {
    console.log(ESCROW_HELP);
    return 0;
  }
  const text = readFileSync(options.file, "utf8");
  const opened = openEscrow(text, await passphraseFrom(options.passphraseFile)("open"));
  if (!opened.ok) return refuse(opened.code, opened.detail);
  const { header, secrets } = opened;
  if (options.action === "show") {
    const secret = secrets[options.name ?? ""];
    if (secret === undefined) return refuse("ESCROW_WITHOUT", `${options.file} holds no ${options.name}`);
    console.log(secret);
    return 0;
  }
  const bad = Object.entries(secrets).filter(
    ([name, value]) => !isCellSecret(name) || !isCellSecretValue(name, value, header.jurisdiction),
  );
  if (bad.length > 0) return refuse("ESCROW_MALFORMED", `${bad.map(([name]) => name).join(", ")}: of no use to a cell`);
  console.log(`${options.file} opens: ${header.worker}, written ${header.createdAt} (${header.reason})`);
  for (const name of Object.keys(secrets).sort()) console.log(`  ${name}`);
  return 0;
}

function refuse(code: string, detail: string): number {
  console.error(`${code} ${detail}`);
  return 1;
}

function parseEscrowOptions(argv: string[]): EscrowOptions | null {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      name: { type: "string" },
      "passphrase-file": { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const [action, file, ...rest] = positionals;
  if (action !== "verify" && action !== "show") throw new Error("say verify or show");
  if (file === undefined || rest.length > 0) throw new Error("name one escrow file");
  if ((action === "show") !== (values.name !== undefined)) throw new Error("show needs --name, verify takes none");
  return { action, file, name: values.name, passphraseFile: values["passphrase-file"] };
}
