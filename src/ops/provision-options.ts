/** What `npm run ops -- provision …` understands. */
import { parseArgs } from "node:util";
import { isJurisdiction, type Jurisdiction } from "../core/ids.ts";
import { REPOSITORY } from "./paths.ts";
import { type CellSecret, isCellSecret } from "./secrets.ts";

export const PROVISION_HELP = `npm run ops -- provision --jurisdiction eu|us [options]

Makes what a cell needs in the account, pinned, and reads every jurisdiction back: two D1 databases, two R2 buckets, the
cell's secrets (with an escrow file for your safe), the newest schema, and the record of what was read back. Whatever is
there already is checked and kept; nothing is ever deleted. After a crash or a failure: run it again, the same way.

  --jurisdiction eu|us     which cell
  --escrow FILE            where the secrets are kept for you, encrypted; needed while a secret is missing
  --passphrase-file FILE   its passphrase (default: MOONSEAL_ESCROW_PASSPHRASE, else it is asked for)
  --rotate NAME            replace one secret that exists: OPERATOR_SECRET or API_KEY_PEPPER, into a new escrow file
  --dry-run                look at the account, say what would be done, and change nothing
  --root DIR               the folder with the configurations and migrations (default: this repository)
  --help                   this text

The account is the one of CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID. Exit codes: 0 done, 1 refused or failed, 2 usage.
`;

export interface ProvisionOptions {
  jurisdiction: Jurisdiction;
  escrow: string | undefined;
  passphraseFile: string | undefined;
  rotate: CellSecret | undefined;
  dryRun: boolean;
  root: string;
}

/** `null`: the help was asked for. Throws with a plain line on anything it does not know. */
export function parseProvisionOptions(argv: string[]): ProvisionOptions | null {
  const { values } = parseArgs({
    args: argv,
    options: {
      jurisdiction: { type: "string" },
      escrow: { type: "string" },
      "passphrase-file": { type: "string" },
      rotate: { type: "string" },
      "dry-run": { type: "boolean", default: false },
      root: { type: "string", default: REPOSITORY },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const { jurisdiction, escrow, rotate, root } = values;
  if (!isJurisdiction(jurisdiction)) throw new Error("--jurisdiction must be eu or us");
  if (rotate !== undefined && !isCellSecret(rotate)) throw new Error(`a cell has no secret ${rotate}`);
  return {
    jurisdiction,
    escrow,
    passphraseFile: values["passphrase-file"],
    rotate,
    dryRun: values["dry-run"],
    root,
  };
}
