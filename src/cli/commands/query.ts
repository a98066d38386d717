/** `query`: finds entries by what is in them (docs/querying.md). */
import { type Command, Option } from "commander";
import type { MoonsealClient, QueryPage, TenantQueryPage } from "../../client/index.ts";
import { LIMITS } from "../../core/limits.ts";
import { command, handle, integer, type Session } from "../action.ts";
import { type ConnectionFlags, connectToDomain } from "../connection.ts";
import { CliError, type Io } from "../io.ts";
import { showCount, showFacets } from "../query/counts.ts";
import { sayEnd, searchedDomain, searchedTenant } from "../query/end.ts";
import { type FoundEntry, type RowForm, rowPrinter } from "../query/forms.ts";
import { queryText } from "../query/text.ts";
import { connectToTenant, type TenantFlags } from "../tenant.ts";

export interface QueryFlags extends TenantFlags {
  json?: boolean;
  ndjson?: boolean;
  csv?: boolean;
  count?: boolean;
  facets?: boolean;
  order?: "asc" | "desc";
  limit?: number;
  all?: boolean;
  latest?: boolean;
  tenantWide?: boolean;
}

const DEFAULT_LIMIT = 50;
const MOST = 10_000_000;

export function queryCommand(session: Session): Command {
  const target = command("query", "Find entries by who, what, when and how it ended", [
    "moonseal query 'action:iam.* -outcome:success after:-7d'",
    "moonseal query 'action:secretsmanager.* on:2023-07-10 is:failed' --csv > failed.csv",
    "moonseal query subject:usr_42 --tenant-wide",
    "moonseal query 'after:-30d' --facets",
    "moonseal query 'actor:usr_42' --all --ndjson",
  ])
    .argument("[query...]", "in the language of docs/querying.md (default: every entry); quote it for the shell")
    .option("--json", "one JSON document")
    .option("--ndjson", "one entry a line, as JSON")
    .option("--csv", "a table for a spreadsheet: the columns of an export, formulas made harmless")
    .option("--count", "only how many")
    .option("--facets", "only the most frequent actions, actors, outcomes and categories, and the entries of each day")
    .addOption(new Option("--order <order>", "by when it happened (default: desc)").choices(["asc", "desc"]))
    .option("--limit <n>", `so many entries at most (default: ${DEFAULT_LIMIT})`, integer(1, MOST))
    .option("--all", "every entry that is found")
    .option("--latest", "wait until everything that is committed now is searched")
    .option("--tenant-wide", "in all domains of the tenant")
    .option("--tenant <id>", "with --tenant-wide: of this tenant (default: the key's)")
    .addHelpText(
      "after",
      "\nTerms: action: actor: target: subject: outcome: category: caveat: trace: request: text: after: before: on: is:failed,\nand words. - before a term excludes. In a script, put -- before a query that begins with -. What is asked is recorded in\nthe tenant's own log; ids of people become pseudonyms there.",
    )
    // Terms that exclude begin as options do.
    .allowUnknownOption();
  return handle<QueryFlags, [string[]]>(target, session, async (io, options, words) => {
    const form = formOf(options);
    const asked = { q: queryText(words, io.now()), consistency: options.latest ? ("latest" as const) : undefined };
    if (form === "count" || form === "facets") {
      const { client, domainId } = await connectToDomain(io, options);
      const show = form === "count" ? showCount : showFacets;
      return show(io, client, domainId, asked, options);
    }
    await showEntries(io, options, asked, form);
  });
}

/** Throws `CliError` for flags that contradict each other. */
function formOf(options: QueryFlags): RowForm | "count" | "facets" {
  const rows = (["csv", "ndjson"] as const).filter((name) => options[name]);
  const sums = (["count", "facets"] as const).filter((name) => options[name]);
  if (rows.length + sums.length > 1 || (rows.length === 1 && options.json)) {
    throw new CliError("--json, --ndjson, --csv, --count and --facets: one of them; --json goes with the last two");
  }
  const [sum] = sums;
  const ofEntries = options.all || options.limit !== undefined || options.order !== undefined || options.tenantWide;
  if (sum && ofEntries) throw new CliError(`--${sum} is of one domain and of all that is found; leave the others out`);
  if (options.all && options.limit !== undefined) throw new CliError("--all and --limit exclude each other");
  if (options.tenant && !options.tenantWide) throw new CliError("--tenant goes with --tenant-wide");
  return sum ?? rows[0] ?? (options.json ? "json" : "table");
}

type Page = QueryPage<"json" | "text"> | TenantQueryPage<"json" | "text">;

/** Page by page: memory holds one of them, except for `--json`. */
async function showEntries(
  io: Io,
  options: QueryFlags & ConnectionFlags,
  asked: { q: string | undefined; consistency: "latest" | undefined },
  form: RowForm,
): Promise<void> {
  const most = options.all ? Number.POSITIVE_INFINITY : (options.limit ?? DEFAULT_LIMIT);
  const limit = Math.min(most, LIMITS.pageEntries);
  const payload = form === "csv" ? ("text" as const) : ("json" as const);
  const printer = rowPrinter(io, form, options.tenantWide === true);
  let shown = 0;
  let last: Page | null = null;
  for await (const page of await pagesOf(io, options, { ...asked, order: options.order, limit, payload })) {
    const rows = (page.entries as FoundEntry[]).slice(0, most - shown);
    printer.rows(rows);
    shown += rows.length;
    last = { ...page, has_more: page.has_more || rows.length < page.entries.length };
    if (shown >= most || io.stdout.closed) break;
  }
  if (!last) return;
  const searched = "domains" in last ? searchedTenant(last.domains) : searchedDomain(last.searchable_through);
  printer.end({
    ...("domains" in last ? { domains: last.domains } : { searchable_through: last.searchable_through }),
    has_more: last.has_more,
  });
  sayEnd(io, { shown, more: last.has_more, searched, latest: options.latest === true });
}

async function pagesOf(
  io: Io,
  options: QueryFlags & ConnectionFlags,
  query: Parameters<MoonsealClient["queries"]["pages"]>[1],
): Promise<AsyncIterable<Page>> {
  const call = { signal: io.signal };
  if (options.tenantWide) {
    const { client, tenantId } = await connectToTenant(io, options);
    return client.queries.tenantPages(tenantId, query, call);
  }
  const { client, domainId } = await connectToDomain(io, options);
  return client.queries.pages(domainId, query, call);
}
