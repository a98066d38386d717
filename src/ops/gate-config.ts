/** The part of the gate that reads the three configurations. Pure. */
import type { TomlTable, TomlValue } from "smol-toml";
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import { sha256 } from "../crypto/sha256.ts";
import { EMAIL_PATTERN } from "../services/access/people/address.ts";
import { readTokenRules, type TokenSettings } from "../services/access/token-settings.ts";
import { parseRequired, parseWitnessedLogs, parseWitnesses } from "../services/witness/config.ts";
import { DATABASE_ID, tables } from "./deploy-config.ts";
import { type GateCode, type Refusal, refusal } from "./gate.ts";
import { type Configurations, isolationFaults } from "./isolation.ts";

/** A variable of a Worker: developers.cloudflare.com/workers/platform/limits. */
const SETTING_BYTES = 5 * 1024;

export interface ConfigFacts {
  /** The newest compatibility date that the installed runtime knows, and today: both as YYYY-MM-DD. */
  newestDate: string;
  today: string;
  /** The operator said that cells may have addresses of their own. */
  publicCells: boolean;
}

/** RFC 2606 §2 and §3, and what local runs use: nobody's log. */
const RESERVED_HOST = /(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)$/;
const HOST = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/;

/** Which code an isolation fault has; the first that matches. */
const ISOLATION_CODES: [RegExp, GateCode][] = [
  [/vars\.JURISDICTION /, "JURISDICTION_WRONG"],
  [/DO_JURISDICTION does not pin/, "OBJECTS_UNPINNED"],
  [/UNPINNED_LOCAL/, "UNPINNED_LOCAL"],
  [/is a secret$/, "SECRET_IN_CONFIG"],
  [/has a public address|: routes?: /, "CELL_PUBLIC"],
  [/^\w+: bucket .* is not pinned/, "BUCKET_UNPINNED"],
  [/^gateway: /, "GATEWAY_EXTRA"],
];

export function configRefusals(configurations: Configurations, facts: ConfigFacts): Refusal[] {
  const { gateway, ...cells } = configurations;
  const judged = facts.publicCells ? withoutAddresses(configurations) : configurations;
  return [
    ...isolationFaults(judged).map((fault) => refusal(codeOf(fault), fault)),
    ...markers(configurations),
    ...JURISDICTIONS.flatMap((jurisdiction) => [
      ...resourceRefusals(jurisdiction, cells[jurisdiction]),
      ...logHostRefusals(jurisdiction, cells[jurisdiction]),
      ...tokenRefusals(jurisdiction, cells[jurisdiction]),
      ...mailRefusals(jurisdiction, cells[jurisdiction]),
      ...witnessRefusals(jurisdiction, cells[jurisdiction]),
    ]),
    ...Object.entries({ gateway, ...cells }).flatMap(([worker, config]) => dateRefusals(worker, config, facts)),
  ].filter(({ code, detail }, at, all) => all.findIndex((o) => o.code === code && o.detail === detail) === at);
}

function codeOf(fault: string): GateCode {
  return ISOLATION_CODES.find(([pattern]) => pattern.test(fault))?.[1] ?? "CELLS_CROSS";
}

/** As if no cell had an address. */
function withoutAddresses(configurations: Configurations): Configurations {
  const hidden = ({ routes: _, route: __, ...cell }: TomlTable): TomlTable => ({
    ...cell,
    workers_dev: false,
    preview_urls: false,
  });
  const { gateway, eu, us } = configurations;
  return { gateway, eu: hidden(eu), us: hidden(us) };
}

/** The local marker by any key or in any value, however deep. */
function markers(configurations: Configurations): Refusal[] {
  return Object.entries(configurations).flatMap(([worker, config]) =>
    JSON.stringify(config).includes("UNPINNED_LOCAL")
      ? [refusal("UNPINNED_LOCAL", `${worker}: UNPINNED_LOCAL belongs to generated local configurations only`)]
      : [],
  );
}

/** Whatever would make wrangler create a resource by itself. */
function resourceRefusals(jurisdiction: Jurisdiction, cell: TomlTable): Refusal[] {
  const refusals: Refusal[] = [];
  const named = (value: TomlValue | undefined) => typeof value === "string" && value !== "";
  for (const { binding, database_id, database_name, preview_database_id, ...rest } of tables(cell.d1_databases)) {
    const at = `${jurisdiction}: ${binding}`;
    if (!named(database_name)) refusals.push(refusal("AUTO_PROVISIONING", `${at} has no database_name`));
    if ("jurisdiction" in rest) {
      refusals.push(
        refusal("AUTO_PROVISIONING", `${at} names a jurisdiction, which only automatic provisioning reads`),
      );
    }
    if (!named(database_id)) refusals.push(refusal("DATABASE_UNKNOWN", `${at} has no database_id`));
    else if (!DATABASE_ID.test(String(database_id)) || database_id === preview_database_id) {
      refusals.push(refusal("DATABASE_UNKNOWN", `${at}: ${database_id} is no id of a database in the account`));
    }
  }
  for (const { binding, bucket_name } of tables(cell.r2_buckets)) {
    if (!named(bucket_name))
      refusals.push(refusal("AUTO_PROVISIONING", `${jurisdiction}: ${binding} has no bucket_name`));
  }
  return refusals;
}

function logHostRefusals(jurisdiction: Jurisdiction, cell: TomlTable): Refusal[] {
  const host = (cell.vars as TomlTable | undefined)?.LOG_HOST;
  const real = typeof host === "string" && HOST.test(host) && !RESERVED_HOST.test(host);
  return real ? [] : [refusal("LOG_HOST_EXAMPLE", `${jurisdiction}: LOG_HOST ${host ?? ""} is nobody's host name`)];
}

/** Read as the cell will read them; the audience has to be somebody's own, one an environment (S1-23). */
function tokenRefusals(jurisdiction: Jurisdiction, cell: TomlTable): Refusal[] {
  const settings = Object.entries((cell.vars ?? {}) as TomlTable).filter(([name]) => name.startsWith("TOKEN_"));
  const at = (what: string) => [refusal("TOKEN_CONFIG", `${jurisdiction}: ${what}`)];
  if (!settings.every(([, value]) => typeof value === "string")) return at("settings of tokens are strings");
  try {
    const { audience } = readTokenRules(Object.fromEntries(settings) as Partial<TokenSettings>);
    const nobodys = /(?:^|[/.])(?:example(?:\.(?:com|net|org))?|localhost)(?:[:/]|$)/.test(audience);
    return nobodys ? at(`TOKEN_AUDIENCE ${audience} is the example's or a local run's`) : [];
  } catch (error) {
    return at((error as Error).message);
  }
}

const EXAMPLE = /(?:^|[/.@])(?:example(?:\.(?:com|net|org))?|localhost)(?:[:/]|$)/;

/** Links of mails lead to somebody's own address, and a sender without a service, or a service without a sender, is a mistake. */
function mailRefusals(jurisdiction: Jurisdiction, cell: TomlTable): Refusal[] {
  const { PUBLIC_ORIGIN, MAIL_FROM } = (cell.vars ?? {}) as TomlTable;
  const services = (Array.isArray(cell.send_email) ? cell.send_email : []) as TomlTable[];
  const hasService = services.some(({ name }) => name === "MAIL");
  const at = (what: string) => refusal("MAIL_CONFIG", `${jurisdiction}: ${what}`);
  const isOrigin =
    typeof PUBLIC_ORIGIN === "string" && URL.canParse(PUBLIC_ORIGIN) && new URL(PUBLIC_ORIGIN).origin === PUBLIC_ORIGIN;
  const isOwn = isOrigin && PUBLIC_ORIGIN.startsWith("https://") && !EXAMPLE.test(PUBLIC_ORIGIN);
  const refusals = isOwn ? [] : [at(`PUBLIC_ORIGIN ${PUBLIC_ORIGIN ?? ""} is no address of yours`)];
  if (hasService !== (MAIL_FROM !== undefined)) refusals.push(at("the binding MAIL and MAIL_FROM go together"));
  const isSender = typeof MAIL_FROM === "string" && EMAIL_PATTERN.test(MAIL_FROM) && !EXAMPLE.test(MAIL_FROM);
  if (MAIL_FROM !== undefined && !isSender) refusals.push(at(`MAIL_FROM ${MAIL_FROM} is no sender of yours`));
  return refusals;
}

/** Read as the cell will read them. */
function witnessRefusals(jurisdiction: Jurisdiction, cell: TomlTable): Refusal[] {
  const {
    LOG_HOST = "",
    WITNESSED_LOGS = "",
    WITNESSES = "",
    WITNESSES_REQUIRED = "",
  } = (cell.vars ?? {}) as TomlTable;
  const at = (what: string) => refusal("WITNESS_CONFIG", `${jurisdiction}: ${what}`);
  if (typeof WITNESSED_LOGS !== "string" || typeof WITNESSES !== "string") {
    return [at("WITNESSED_LOGS and WITNESSES are JSON in a string, not TOML")];
  }
  try {
    parseWitnessedLogs(sha256, WITNESSED_LOGS);
    const witnesses = parseWitnesses(sha256, WITNESSES, String(LOG_HOST));
    parseRequired(String(WITNESSES_REQUIRED), witnesses);
    const long = Object.entries({ WITNESSED_LOGS, WITNESSES }).find(
      ([, value]) => Buffer.byteLength(value) > SETTING_BYTES,
    );
    if (long)
      return [at(`${long[0]} has more than the ${SETTING_BYTES} bytes that a setting may have: name fewer keys`)];
    const insecure = witnesses.find(({ url }) => !url.startsWith("https:"));
    return insecure ? [at(`WITNESSES: ${insecure.url} belongs to a local run`)] : [];
  } catch (error) {
    return [at((error as Error).message)];
  }
}

function dateRefusals(
  worker: string,
  { compatibility_date }: TomlTable,
  { newestDate, today }: ConfigFacts,
): Refusal[] {
  const date = compatibility_date instanceof Date ? compatibility_date.toISOString().slice(0, 10) : compatibility_date;
  if (typeof date !== "string" || !/^\d{4}-\d\d-\d\d$/.test(date))
    return [refusal("COMPATIBILITY_DATE", `${worker}: compatibility_date is missing or no date`)];
  if (date > newestDate)
    return [refusal("COMPATIBILITY_DATE", `${worker}: ${date} is newer than the runtime here (${newestDate})`)];
  return date > today ? [refusal("COMPATIBILITY_DATE", `${worker}: ${date} is in the future`)] : [];
}
