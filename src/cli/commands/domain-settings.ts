/** `domains settings`: how a domain treats what comes to it. */
import type { Command } from "commander";
import type { ChangeDomainSettings } from "../../client/index.ts";
import { ON_VIOLATIONS, PERSONAL_DATA_GUARDS } from "../../core/domain-settings.ts";
import { LIMITS } from "../../core/limits.ts";
import { command, handle, repeated, type Session } from "../action.ts";
import { connectToDomain } from "../connection.ts";
import { CliError } from "../io.ts";
import { line, pairs, safeJson, safeText } from "../text.ts";

/** Retention is a policy with a history of its own: `moonseal retention`. */
type Setting = Exclude<keyof ChangeDomainSettings, "retention">;

/** What each may be set to; `default` sets any of them back. */
const VALUES: { readonly [name in Setting]: readonly string[] | Range } = {
  personal_data_guard: PERSONAL_DATA_GUARDS,
  require_schema: ["true", "false"],
  record_reads: ["true", "false"],
  segment_entries: { from: 1, to: LIMITS.segmentEntriesMax },
  on_violation: ON_VIOLATIONS,
  segment_flush_seconds: { from: LIMITS.segmentFlushSecondsMin, to: LIMITS.segmentFlushSecondsMax },
};

/** Whole numbers. */
interface Range {
  from: number;
  to: number;
}
const BACK = "default";

export function settingsCommand(session: Session): Command {
  const target = command("settings", "Show or change how the domain treats what comes to it", [
    "moonseal domains settings",
    "moonseal domains settings --set personal_data_guard=redact --set record_reads=default",
  ])
    .option("--set <name=value>", "change this one; default sets it back; may be repeated", repeated)
    .option("--json", "as JSON");
  return handle<{ set?: string[]; json?: boolean }>(target, session, async (io, options) => {
    const change = options.set && changeOf(options.set);
    const { client, domainId } = await connectToDomain(io, options);
    const call = { signal: io.signal };
    const read = await client.domainSettings.read(domainId, call);
    const { value } = change ? await client.domainSettings.change(domainId, change, read.etag, call) : read;
    if (options.json) return line(io.stdout, safeJson(value));
    pairs(
      io.stdout,
      Object.entries(value).map(([name, now]): [string, string] => [name, String(now)]),
    );
    if (change) line(io.stderr, "in force everywhere within ten seconds");
  });
}

/** Throws `CliError` for names and values that there are not. */
function changeOf(wishes: readonly string[]): ChangeDomainSettings {
  const change: { [name: string]: string | boolean | number | null } = {};
  for (const wish of wishes) {
    const [name = "", value = ""] = wish.split(/=(.*)/s);
    if (!Object.hasOwn(VALUES, name)) {
      throw new CliError(`there is no setting ${safeText(name)}; there are ${Object.keys(VALUES).join(", ")}`);
    }
    const values = VALUES[name as Setting];
    if (!isList(values)) {
      change[name] = numberIn(name, value, values);
      continue;
    }
    const known = [...values, BACK];
    if (!known.includes(value)) throw new CliError(`${name} must be one of ${known.join(", ")}`);
    change[name] = value === BACK ? null : value === "true" || value === "false" ? value === "true" : value;
  }
  return change as ChangeDomainSettings;
}

const isList = (values: readonly string[] | Range): values is readonly string[] => Array.isArray(values);

function numberIn(name: string, value: string, { from, to }: Range): number | null {
  if (value === BACK) return null;
  const number = /^[0-9]{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= from && number <= to)) throw new CliError(`${name} must be ${from} to ${to}, or ${BACK}`);
  return number;
}
