/**
 * The form in which a migration survives `wrangler d1 migrations apply --remote` (PLATFORM §2.3), and what it may not do
 * to the audit tables.
 */
import { refusalsIn } from "../../src/ops/migration-refusals.ts";
import { sqlTokens } from "../../src/ops/migration-sql.ts";

export interface MigrationFile {
  /** `<database>/<file>`. */
  path: string;
  text: string;
}

const NAME = /^(\d{4})_[a-z0-9]+(?:_[a-z0-9]+)*\.sql$/;
/** The condition in WHEN, a body of one RAISE: nothing in it that a splitter could take for an end. */
const TRIGGER =
  /^CREATE TRIGGER [a-z_]+ (?:BEFORE|AFTER) (?:INSERT|DELETE|UPDATE(?: OF [a-z_, ]+)?) ON [a-z_]+(?: WHEN .+)? BEGIN SELECT RAISE\((?:ABORT, '[^';]*'|IGNORE)\); END;$/;
const AUDIT_TABLE =
  /\b(?:DROP|ALTER)\s+TABLE\s+(?:IF\s+EXISTS\s+)?\W*(?:audit_log|ledger_base|ledger_release|ledger_hold)\b/i;
/** D1: a statement has at most 100 KB. */
const STATEMENT_BYTES = 100_000;

export function lint(files: readonly MigrationFile[]): string[] {
  return [
    ...files.flatMap((file) => textFaults(file).map((fault) => `${file.path}: ${fault}`)),
    ...numberingFaults(files),
  ];
}

function textFaults({ text }: MigrationFile): string[] {
  const faults: string[] = [];
  if (text.includes("\r")) faults.push("lines end with LF, without CR");
  if (!text.endsWith("\n")) faults.push("the last line ends with LF");
  if (text.split(";").some((statement) => new TextEncoder().encode(statement).length > STATEMENT_BYTES)) {
    faults.push("a statement is longer than D1 takes");
  }
  if (AUDIT_TABLE.test(text.replaceAll(/--.*$/gm, ""))) faults.push("an audit table is never dropped or altered");
  faults.push(...refusalsIn(text).map(({ line, reason }) => `line ${line} ${reason}`));
  if (sqlTokens(text).some((token) => !token.quoted && token.text === "trigger")) faults.push(...triggerFaults(text));
  return faults;
}

/** A file with a trigger holds triggers and comments only. */
function triggerFaults(text: string): string[] {
  return text.split("\n").flatMap((line, i) => {
    if (line === "" || line.startsWith("--")) return [];
    const fault = (reason: string) => [`line ${i + 1} ${reason}`];
    if (!/^create\s+(?:temp(?:orary)?\s+)?trigger\b/i.test(line))
      return fault("stands in a file with triggers and is none");
    const words = sqlTokens(line);
    if (words.some((token) => !token.quoted && token.text === "case"))
      return fault("CASE has an END that ends the trigger");
    if (!TRIGGER.test(line))
      return fault("is not one trigger on one line: WHEN condition, BEGIN SELECT RAISE(…); END;");
    return [];
  });
}

function numberingFaults(files: readonly MigrationFile[]): string[] {
  const databases = Map.groupBy(files, ({ path }) => path.slice(0, path.lastIndexOf("/")));
  return [...databases].flatMap(([database, members]) =>
    members
      .map(({ path }) => path.slice(database.length + 1))
      .sort()
      .flatMap((name, i) => {
        const number = NAME.exec(name)?.[1];
        if (number === undefined) return [`${database}/${name}: a name is 0001_what_it_does.sql`];
        return Number(number) === i + 1
          ? []
          : [`${database}/${name}: number ${String(i + 1).padStart(4, "0")} is missing or doubled`];
      }),
  );
}
