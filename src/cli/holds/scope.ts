/** What a hold is to cover, from flags: nothing by default, and nothing out of a profile. */
import { type Command, InvalidArgumentError } from "commander";
import type { PlaceLegalHold, PreviewLegalHold } from "../../client/index.ts";
import { parseId } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { isResource, RESOURCE_NAMES, type ResourceName } from "../../core/retention/resources.ts";
import { repeated } from "../action.ts";
import type { ConnectionFlags } from "../connection.ts";
import { CliError, type Io } from "../io.ts";
import { readLines } from "../line-input.ts";
import { queryText } from "../query/text.ts";

type Scope = PlaceLegalHold["scope"];
type HeldRange = NonNullable<Scope["ranges"]>[number];

export interface WhereFlags extends ConnectionFlags {
  query?: string;
  in?: string[];
  all?: boolean;
}

export interface ScopeFlags extends WhereFlags {
  range?: HeldRange[];
  person?: string[];
  resource?: ResourceName[];
}

const asking = (target: Command) =>
  target.option("--query <text>", "entries that it asks for, in the language of docs/querying.md; needs --in or --all");

export const whereOptions = (target: Command) =>
  asking(target)
    .option("--in <domain>", "in this domain; may be repeated", repeated)
    .option("--all", "in every domain");

export const scopeOptions = (target: Command) =>
  asking(target)
    .option("--in <domain>", "this whole domain, or with --query its entries in this one; may be repeated", repeated)
    .option("--all", "every domain, also those to come, or with --query its entries in all of them")
    .option("--range <range>", "entries DOMAIN:FROM-TO; DOMAIN:FROM- up to the newest; may be repeated", ranges)
    .option("--person <id>", "identity id; - reads ids from standard input, one a line; may be repeated", repeated)
    .option(
      "--resource <name>",
      `what the tenant has beside its logs, wholly; may be repeated: ${RESOURCE_NAMES.join(", ")}`,
      resources,
    );

/** Throws `CliError` when nothing is named, and `QueryMistake`. */
export async function scopeOf(io: Io, flags: ScopeFlags): Promise<Scope> {
  const { range, person, resource } = flags;
  const where = flags.query === undefined ? placesOf(flags) : { query: askedOf(io, flags) };
  const people = person && (await peopleOf(io, person));
  const scope = {
    ...where,
    ...(range ? { ranges: range } : {}),
    ...(people ? { people } : {}),
    ...(resource ? { resources: resource } : {}),
  };
  if (Object.keys(scope).length === 0) {
    throw new CliError("say what to hold: --all, --in, --range, --person, --resource or --query");
  }
  return scope;
}

/** Throws `CliError` for a query without a place, and `QueryMistake`. */
export function askedOf(io: Io, flags: WhereFlags): PreviewLegalHold["query"] {
  const q = queryText([flags.query ?? ""], io.now());
  if (q === undefined) throw new CliError("--query asks for nothing; whole domains are held without it");
  const places = placesOf(flags);
  if (Object.keys(places).length === 0) throw new CliError("say where --query asks: --in DOMAIN or --all");
  return { q, ...places };
}

function placesOf({ in: domains, all, domain }: WhereFlags): { all_domains?: true; domains?: string[] } {
  // It would name one log for every other command: ignored here, a hold would be wider or narrower than was meant.
  if (domain !== undefined) throw new CliError("--domain does not say what is held; --in does");
  if (all && domains) throw new CliError("--all and --in exclude each other");
  if (all) return { all_domains: true };
  return domains ? { domains } : {};
}

function ranges(text: string, before: HeldRange[] = []): HeldRange[] {
  const [, domain_id = "", first = "", last = ""] = /^([^:]+):(\d{1,15})-(\d{0,15})$/.exec(text) ?? [];
  const [from, to] = [Number(first), last === "" ? undefined : Number(last)];
  if (parseId(domain_id)?.kind !== "domain") throw new InvalidArgumentError("must be DOMAIN:FROM-TO or DOMAIN:FROM-.");
  if (to !== undefined && to < from) throw new InvalidArgumentError("must not end before it begins.");
  return [...before, { domain_id, from, ...(to === undefined ? {} : { to }) }];
}

function resources(text: string, before: ResourceName[] = []): ResourceName[] {
  if (isResource(text)) return [...before, text];
  throw new InvalidArgumentError(`must be one of ${RESOURCE_NAMES.join(", ")}.`);
}

/** Standard input is read once, however often it is named. */
async function peopleOf(io: Io, named: readonly string[]): Promise<string[]> {
  const ids = named.filter((id) => id !== "-");
  if (ids.length === named.length) return ids;
  const wish = { question: "Identity ids, one a line: ", what: "an identity id", maxChars: LIMITS.identityIdChars };
  return [...ids, ...(await readLines(io, { ...wish, maxLines: LIMITS.holdPeople }))];
}
