/** Where the secrets of a cell live: in the account, or in the file of a local cell. A secret goes in and never comes out. */
import { existsSync, readFileSync, utimesSync } from "node:fs";
import { parseEnv } from "node:util";
import type { Jurisdiction } from "../core/ids.ts";
import { type RunAccount, saidBy } from "./deploy-account.ts";
import type { Cell } from "./deploy-config.ts";
import { secretNames } from "./deploy-readback.ts";
import { Refused } from "./deploy-refusal.ts";
import { devVarsFile, generatedConfig } from "./paths.ts";
import { writePrivateFile } from "./private-file.ts";
import { answered } from "./provision-resources.ts";
import type { CellSecret } from "./secrets.ts";

export interface SecretHome {
  names(): Promise<string[]>;
  /** Resolves when it is there. Throws `Refused`. */
  put(name: CellSecret, value: string): Promise<void>;
  /** Resolves when it is gone. Throws `Refused`. */
  remove(name: CellSecret): Promise<void>;
}

/** An ambiguous failure is decided by what the account has afterwards. */
export function accountHome(run: RunAccount, { config }: Cell): SecretHome {
  const names = async () => answered(await secretNames(run, config));
  return {
    names,
    async put(name, value) {
      const ran = await run(["secret", "put", name, "-c", config], value);
      if (ran.code === 0 || (await names()).includes(name)) return;
      const said = saidBy(ran).replaceAll(value, "…");
      throw new Refused("SECRET_FAILED", `${name} was not put. Run it again, the same way.\n${said}`);
    },
    async remove(name) {
      const ran = await run(["secret", "delete", name, "-c", config]);
      if (ran.code === 0 || !(await names()).includes(name)) return;
      throw new Refused("SECRET_FAILED", `${name} was not deleted. Run it again, the same way.\n${saidBy(ran)}`);
    },
  };
}

/** `wrangler dev` reads the file again when the configuration beside it changes, if only its date. */
export function localHome(root: string, jurisdiction: Jurisdiction): SecretHome {
  const file = devVarsFile(root, jurisdiction);
  const read = (): Record<string, string> => {
    if (!existsSync(file)) throw new Refused("NOT_STARTED", "there is no local cell yet: npm start makes it");
    return parseEnv(readFileSync(file, "utf8")) as Record<string, string>;
  };
  const config = generatedConfig(root, jurisdiction);
  const write = (secrets: Record<string, string>) => {
    const lines = Object.entries(secrets).map(([name, value]) => `${name}="${value}"\n`);
    writePrivateFile(file, lines.join(""));
    if (existsSync(config)) utimesSync(config, new Date(), new Date());
  };
  return {
    names: async () => Object.keys(read()),
    put: async (name, value) => write({ ...read(), [name]: value }),
    async remove(name) {
      const { [name]: _, ...rest } = read();
      write(rest);
    },
  };
}

export const localOperatorSecret = (root: string, jurisdiction: Jurisdiction): string | undefined => {
  const file = devVarsFile(root, jurisdiction);
  return existsSync(file) ? parseEnv(readFileSync(file, "utf8")).OPERATOR_SECRET : undefined;
};
