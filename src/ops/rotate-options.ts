/** What `npm run ops -- rotate-key …` understands. */
import { parseArgs } from "node:util";
import { isJurisdiction, type Jurisdiction } from "../core/ids.ts";
import { KEY_REGISTRY, SLOT_NAMES, type SlotName } from "../crypto/key-registry.ts";
import { REPOSITORY } from "./paths.ts";

export const OPERATOR_VARIABLE = "MOONSEAL_OPERATOR_SECRET";

export const ROTATE_HELP = `npm run ops -- rotate-key SLOT --jurisdiction eu|us --local|--remote [options]

Gives a slot of the cell a new secret and seals every value of its columns anew under it, while the cell serves: the old
secret stays readable beside the new one until nothing uses it, and is deleted only then. Each part may be broken off at
any moment: run it again, the same way, and it goes on. What it does is an entry of the platform's log.

  SLOT                     one of: ${SLOT_NAMES.join(", ")}
  --jurisdiction eu|us     which cell
  --local, --remote        the cell that npm start runs on this machine, or the one in the account
  --url URL                where the cell or the gateway answers (default: MOONSEAL_URL; local: the running one)
  --operator-file FILE     where the operator's secret stands (default: ${OPERATOR_VARIABLE}; local: .dev.vars)
  --escrow FILE            remote: where the new secret is kept for you, encrypted; a new file beside the old one
  --passphrase-file FILE   its passphrase (default: MOONSEAL_ESCROW_PASSPHRASE, else it is asked for)
  --keep-old               stop before the old secret is deleted
  --root DIR               the folder with the configurations (default: this repository)
  --help                   this text

Keep the escrow file of the old secret for 31 days: a database that is restored to before the rotation needs it.
Exit codes: 0 done, 1 refused or failed, 2 usage.
`;

export interface RotateOptions {
  slot: SlotName;
  jurisdiction: Jurisdiction;
  place: "local" | "remote";
  url: string | undefined;
  operatorFile: string | undefined;
  escrow: string | undefined;
  passphraseFile: string | undefined;
  keepOld: boolean;
  root: string;
}

/** `null`: the help was asked for. Throws with a plain line on anything it does not know. */
export function parseRotateOptions(argv: string[]): RotateOptions | null {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      jurisdiction: { type: "string" },
      local: { type: "boolean", default: false },
      remote: { type: "boolean", default: false },
      url: { type: "string" },
      "operator-file": { type: "string" },
      escrow: { type: "string" },
      "passphrase-file": { type: "string" },
      "keep-old": { type: "boolean", default: false },
      root: { type: "string", default: REPOSITORY },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const [slot, ...rest] = positionals;
  const { jurisdiction, local, remote, root, url = process.env.MOONSEAL_URL } = values;
  if (slot === undefined || rest.length > 0) throw new Error("name one slot");
  if (!Object.hasOwn(KEY_REGISTRY, slot)) throw new Error(`there is no slot ${slot}: ${SLOT_NAMES.join(", ")}`);
  if (!isJurisdiction(jurisdiction)) throw new Error("--jurisdiction must be eu or us");
  if (local === remote) throw new Error("say either --local or --remote");
  if (remote && url === undefined) throw new Error("--remote needs --url or MOONSEAL_URL");
  return {
    slot: slot as SlotName,
    jurisdiction,
    place: local ? "local" : "remote",
    url,
    operatorFile: values["operator-file"],
    escrow: values.escrow,
    passphraseFile: values["passphrase-file"],
    keepOld: values["keep-old"],
    root,
  };
}
