/** `search` and `reveal`: a person's entries, and what is private in entries. */
import type { Command } from "commander";
import type { MoonsealClient, RevealedEntry } from "../../client/index.ts";
import { LIMITS } from "../../core/limits.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { checkDisclosure, DISCLOSURE_FORMAT, type Disclosure } from "../../verifier/disclosure.ts";
import { command, handle, type Session, seqNumber } from "../action.ts";
import { connectToDomain } from "../connection.ts";
import { entryLine } from "../entry-line.ts";
import { replaceFile } from "../files.ts";
import { identityOf } from "../identity-input.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { count, line, painter, safeJson, safeText } from "../text.ts";
import { disclosureLines } from "../verify/disclosure.ts";

export function searchCommand(session: Session): Command {
  const target = command("search", "Show the entries of a person, by the id under which events named them", [
    "moonseal search usr_42",
    "printf '%s' usr_42 | moonseal search -",
  ])
    .argument(
      "<identity>",
      "id of the person; - reads it from standard input, which other users of this machine do not see",
    )
    .option("--json", "one JSON document a line");
  return handle<{ json?: boolean }, [string]>(target, session, async (io, options, argument) => {
    const { client, domainId } = await connectToDomain(io, options);
    const identity = await identityOf(argument, io);
    const paint = painter(io, io.stdout);
    let found = false;
    for (let cursor: string | undefined; ; ) {
      const query = { identity_id: identity, limit: LIMITS.pageEntries, cursor };
      const page = await client.search(domainId, query, { signal: io.signal });
      for (const entry of page.entries) line(io.stdout, options.json ? safeJson(entry) : entryLine(entry, paint));
      found ||= page.entries.length > 0;
      if (page.next_cursor === null && !found) line(io.stderr, "no entry names this person under this id");
      if (page.next_cursor === null || io.stdout.closed) return;
      cursor = page.next_cursor;
    }
  });
}

interface RevealFlags {
  reason: string;
  identity?: string | undefined;
  seq?: number[];
  from?: number;
  to?: number;
  out?: string;
  json?: boolean;
}

export function revealCommand(session: Session): Command {
  const target = command("reveal", "Show who is in entries and what is private in them; that is itself an entry", [
    'moonseal reveal --reason "access request DSR-17" --identity usr_42 --out disclosure.json',
    'moonseal reveal --reason "incident 9" --seq 41 --seq 42',
    "moonseal verify --disclosure disclosure.json",
  ])
    .requiredOption("--reason <text>", "why; kept in the log, sealed")
    .option("--identity <id>", "the entries of this person; - reads the id from standard input")
    .option("--seq <seq>", "this entry; may be repeated", (text, before: number[] = []) => [...before, seqNumber(text)])
    .option("--from <seq>", "first entry", seqNumber)
    .option("--to <seq>", "last entry", seqNumber)
    .option("--out <file>", "write a disclosure, which anybody can check offline; readable by you only")
    .option("--json", "the disclosure on standard output")
    .addHelpText("after", "\nNeeds the permission entry.reveal. Every value is checked here against its commitment.");
  return handle<RevealFlags>(target, session, async (io, options) => {
    const ranged = options.identity !== undefined || options.from !== undefined || options.to !== undefined;
    if (options.seq && ranged) throw new CliError("--seq says which entries; leave --identity, --from and --to out");
    if (!options.seq && !ranged) throw new CliError("say which entries: --identity, --seq, --from or --to");
    const { client, domainId } = await connectToDomain(io, options);
    const identity = options.identity === undefined ? undefined : await identityOf(options.identity, io);
    const entries = await fetchAll(client, domainId, { ...options, identity }, io);
    if (entries.length === 0) throw new CliError("there is no such entry; nothing was shown or recorded", CODE.failed);
    const disclosure = disclosureOf(domainId, entries);
    if (options.out) await writeOut(options.out, disclosure);
    if (options.json) line(io.stdout, safeJson(disclosure));
    else if (!options.out) for (const entry of entries) printEntry(io, entry);
    const report = checkDisclosure(disclosure, sha256);
    const paint = painter(io, io.stderr);
    const [verdict = "", ...rest] = disclosureLines(report);
    line(io.stderr, paint(report.verdict === "refuted" ? "red" : "green", verdict));
    if (report.verdict === "refuted") for (const text of rest) line(io.stderr, text);
    return report.verdict === "refuted" ? CODE.failed : CODE.ok;
  });
}

/** Page by page, and single entries in requests that are small enough. Each request makes an entry. */
async function fetchAll(
  client: MoonsealClient,
  domainId: string,
  { reason, identity, seq, from, to }: RevealFlags,
  io: Io,
): Promise<RevealedEntry<"text">[]> {
  const ask = (query: object) =>
    client.reveal<"text">(domainId, { reason, payload: "text", ...query }, { signal: io.signal });
  const entries: RevealedEntry<"text">[] = [];
  let wanted = [...new Set(seq)];
  while (wanted.length > 0) {
    const page = await ask({ seqs: wanted.slice(0, LIMITS.revealEntries) });
    entries.push(...page.entries);
    const shown = new Set(page.entries.map((entry) => entry.seq));
    const missing = wanted.slice(0, LIMITS.revealEntries).filter((each) => !shown.has(each));
    // Without more to come, what is missing is not in the log.
    wanted = [...(page.has_more ? missing : []), ...wanted.slice(LIMITS.revealEntries)];
    if (page.has_more && page.entries.length === 0) break;
  }
  if (seq) return entries.sort((a, b) => a.seq - b.seq);
  for (let cursor: string | undefined; ; ) {
    const page = await ask({ identity_id: identity, from, to, limit: LIMITS.revealEntries, cursor });
    entries.push(...page.entries);
    if (page.next_cursor === null) return entries;
    cursor = page.next_cursor;
  }
}

/** The entries as they came: what `verify --disclosure` reads, with who is in them beside it. */
function disclosureOf(domain: string, entries: RevealedEntry<"text">[]): Disclosure {
  return { format: DISCLOSURE_FORMAT, domain, entries } as Disclosure;
}

async function writeOut(path: string, disclosure: Disclosure): Promise<void> {
  try {
    await replaceFile(path, `${safeJson(disclosure, 2)}\n`);
  } catch (error) {
    throw new CliError(`cannot write ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function printEntry(io: Io, entry: RevealedEntry<"text">): void {
  const paint = painter(io, io.stdout);
  line(io.stdout, entryLine({ ...entry, payload: JSON.parse(entry.payload) }, paint));
  for (const { ref, status, identity_id_ref: identity } of entry.people) {
    line(
      io.stdout,
      `    ${safeText(ref).slice(0, 16)}…  ${safeText(status === "erased" ? "(erased)" : (identity ?? `(${status})`))}`,
    );
  }
  for (const { pointer, status, value } of entry.private) {
    line(
      io.stdout,
      `    ${safeText(pointer)}  ${status === "revealed" ? safeText(safeJson(value)) : `(${safeText(status)})`}`,
    );
  }
  if (entry.people.length + entry.private.length === 0) line(io.stdout, `    ${count(0, "private value")}`);
}
