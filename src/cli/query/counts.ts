/** `query --count` and `query --facets`. */
import type { CountQuery, EntryFacets, MoonsealClient } from "../../client/index.ts";
import type { Io } from "../io.ts";
import { count, line, safeJson, safeText } from "../text.ts";
import { searchedDomain } from "./end.ts";

const BAR = 30;

export async function showCount(
  io: Io,
  client: MoonsealClient,
  domainId: string,
  asked: CountQuery,
  { json }: { json?: boolean },
): Promise<void> {
  const answer = await client.queries.count(domainId, asked, { signal: io.signal });
  if (json) return line(io.stdout, safeJson(answer));
  line(io.stdout, `${answer.exact ? "" : "at least "}${answer.count}`);
  if (answer.count === 0 || io.stderr.isTTY) line(io.stderr, searchedDomain(answer.searchable_through));
}

export async function showFacets(
  io: Io,
  client: MoonsealClient,
  domainId: string,
  asked: CountQuery,
  { json }: { json?: boolean },
): Promise<void> {
  const facets = await client.queries.facets(domainId, asked, { signal: io.signal });
  if (json) return line(io.stdout, safeJson(facets, 2));
  const { actions, actors, outcomes, categories, days } = facets;
  const searched = searchedDomain(facets.searchable_through);
  if (facets.entries_looked_at === 0) return line(io.stderr, `no entry matches; ${searched}`);
  const kinds = { actions, actors, outcomes, categories };
  for (const [name, values] of Object.entries(kinds)) counted(io, name, values);
  counted(
    io,
    "days",
    days.map(({ day, count }) => ({ value: day, count })),
  );
  const of = count(facets.entries_looked_at, "entry", "entries");
  line(io.stderr, `${facets.complete ? `of ${of}, which is all` : `of the newest ${of} only`}; ${searched}`);
}

function counted(io: Io, name: string, values: EntryFacets["actions"]): void {
  if (values.length === 0) return;
  line(io.stdout, name);
  const most = Math.max(...values.map((each) => each.count));
  const shown = values.map(({ value }) => safeText(value, 80));
  const width = Math.max(...shown.map((text) => text.length));
  const digits = String(most).length;
  for (const [i, { count: n }] of values.entries()) {
    const bar = "█".repeat(Math.max(1, Math.round((BAR * n) / most)));
    line(io.stdout, `  ${(shown[i] ?? "").padEnd(width)}  ${String(n).padStart(digits)}  ${bar}`);
  }
}
