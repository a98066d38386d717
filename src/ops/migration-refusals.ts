/**
 * What no migration may do: there is no way down for the audit tables (S4-4). Errs on the side of refusing; the guards in the
 * database are the second line, but DROP TABLE and ALTER TABLE pass every trigger.
 */
import { CONTROL_GUARDS, LEDGER_GUARDS } from "../storage/guards.ts";
import { type SqlToken, sqlTokens } from "./migration-sql.ts";

export const AUDIT_TABLES = ["audit_log", "ledger_base", "ledger_release", "ledger_hold"] as const;

export interface Refusal {
  /** 1-based. */
  line: number;
  reason: string;
}

/** Everything in a migration's text that would drop, rename, rebuild, empty or rewrite an audit table, or drop a guard. */
export function refusalsIn(sql: string): Refusal[] {
  const tokens = sqlTokens(sql);
  return tokens.flatMap(({ line }, at) => {
    const reason = reasonAt(new Reader(tokens, at));
    return reason === null ? [] : [{ line, reason }];
  });
}

function reasonAt(from: Reader): string | null {
  if (from.word("writable_schema")) return "writes to the schema itself";
  if (from.words("drop", "table") || from.words("drop", "view"))
    return audited(from.skip("if", "exists").name(), "drops");
  if (from.words("drop", "trigger")) return guarding(from.skip("if", "exists").name());
  if (from.words("alter", "table")) return altering(from);
  if (from.words("delete", "from")) return audited(from.name(), "deletes from");
  // INSERT OR REPLACE INTO ends in the same words.
  if (from.words("replace", "into")) return audited(from.name(), "replaces rows of");
  if (from.word("update")) {
    if (from.word("or")) from.name();
    return audited(from.name(), "updates");
  }
  if (from.word("trigger")) return swallowing(from);
  return null;
}

function altering(from: Reader): string | null {
  const table = from.name();
  if (from.words("rename", "to"))
    return audited(from.name(), "puts another table in the place of") ?? audited(table, "renames");
  // A new column is additive.
  return from.word("add") ? null : audited(table, "alters");
}

/** RAISE(IGNORE) would lose what is written without a word. */
function swallowing(from: Reader): string | null {
  const words = from.untilEnd();
  const table = words[words.indexOf("on") + 1] ?? "";
  const ignores = words.some((word, i) => word === "raise" && words[i + 2] === "ignore");
  return ignores ? audited(table, "silently drops writes to") : null;
}

function audited(name: string, what: string): string | null {
  const isAudited = /^sqlite_(?:master|schema)$/.test(name) || AUDIT_TABLES.some((table) => table === name);
  return isAudited ? `${what} ${name}` : null;
}

function guarding(name: string): string | null {
  return Object.hasOwn(LEDGER_GUARDS, name) || Object.hasOwn(CONTROL_GUARDS, name) ? `drops the guard ${name}` : null;
}

class Reader {
  readonly #tokens: readonly SqlToken[];
  #at: number;

  constructor(tokens: readonly SqlToken[], at: number) {
    this.#tokens = tokens;
    this.#at = at;
  }

  /** Steps over these keywords when exactly they come next. */
  words(...expected: string[]): boolean {
    const here = this.#tokens.slice(this.#at, this.#at + expected.length);
    const all =
      here.length === expected.length && here.every((token, i) => !token.quoted && token.text === expected[i]);
    if (all) this.#at += expected.length;
    return all;
  }

  word(expected: string): boolean {
    return this.words(expected);
  }

  skip(...optional: string[]): this {
    this.words(...optional);
    return this;
  }

  /** The next name, without the name of its database. */
  name(): string {
    const first = this.#next();
    if (this.#tokens[this.#at]?.text !== ".") return first;
    this.#at++;
    return this.#next();
  }

  untilEnd(): string[] {
    const rest = this.#tokens.slice(this.#at);
    const end = rest.findIndex((token) => !token.quoted && token.text === "end");
    return rest.slice(0, end < 0 ? rest.length : end).map((token) => token.text);
  }

  #next(): string {
    return this.#tokens[this.#at++]?.text ?? "";
  }
}
