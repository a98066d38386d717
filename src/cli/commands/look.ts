/** Commands that look at one thing and show it: `head`, `get`, `residency`. */
import type { Command } from "commander";
import { command, handle, type Session } from "../action.ts";
import { connectToDomain, makeClient, readSettings, requireUrl } from "../connection.ts";
import { count, line, pairs, safeJson, safeText } from "../text.ts";

interface JsonFlag {
  json?: boolean;
}

export function headCommand(session: Session): Command {
  const target = command("head", "Show the head of the log and what waits to be copied", [
    "moonseal head --json",
  ]).option("--json", "as JSON");
  return handle<JsonFlag>(target, session, async (io, options) => {
    const { client, domainId } = await connectToDomain(io, options);
    const head = await client.head(domainId, { signal: io.signal });
    if (options.json) return line(io.stdout, safeJson(head));
    pairs(io.stdout, [
      ["domain", head.domain_id],
      ["size", count(head.size, "entry", "entries")],
      ["last entry hash", head.entry_hash],
      ["recorded at", head.recorded_at],
      ["in the database", head.copied_size],
      ["found by queries", head.indexed_size ?? "unknown: the database does not answer"],
      ["in the archive", head.archived_size],
      ["under a signed checkpoint", head.signed_size],
      ["waiting", `${count(head.backlog_entries, "entry", "entries")}, ${count(head.backlog_bytes, "byte")}`],
      ["status", head.stopped_reason ? `${head.status}: ${head.stopped_reason}` : head.status],
    ]);
  });
}

export function getCommand(session: Session): Command {
  const target = command("get", "Show one entry", [
    "moonseal get 42",
    "moonseal get 0193a0c4-5f7e-7c3a-9d53-6c1f0e0f4b11",
  ])
    .argument("<seq|id>", "seq (0-based) or id of the entry")
    .option("--json", "as JSON on one line")
    .option("--text", "with the exact text that was hashed as the payload");
  return handle<JsonFlag & { text?: boolean }, [string]>(target, session, async (io, options, which) => {
    const { client, domainId } = await connectToDomain(io, options);
    const payload = options.text ? "text" : "json";
    const entry = await client.entry(domainId, which, { payload }, { signal: io.signal });
    line(io.stdout, safeJson(entry, options.json ? undefined : 2));
  });
}

export function residencyCommand(session: Session): Command {
  const target = command("residency", "Show where the stores were observed to be", ["moonseal residency"]).option(
    "--json",
    "as JSON",
  );
  return handle<JsonFlag>(target, session, async (io, options) => {
    const settings = await readSettings(io, options);
    // Without a credential the gateway answers for all cells, with one for the credential's own.
    const client = makeClient(io, requireUrl(settings), undefined);
    const { cells } = await client.residency({ signal: io.signal });
    if (options.json) return line(io.stdout, safeJson({ cells }));
    for (const cell of cells) {
      line(io.stdout, `cell ${safeText(cell.jurisdiction)}`);
      const stores = { ...cell.databases, ...cell.buckets };
      const seen = (store: (typeof stores)[string]) =>
        `${store.observed} (${store.how}${store.observed_at ? `, ${store.observed_at}` : ""})`;
      pairs(io.stdout, [
        ["  objects", seen(cell.durable_objects)],
        ...Object.entries(stores).map(([name, store]): [string, string] => [`  ${name}`, seen(store)]),
        ["  signed by", cell.signer],
      ]);
    }
  });
}
