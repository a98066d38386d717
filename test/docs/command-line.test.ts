/** What the documents say to type is what the command line knows. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { buildProgram } from "../../src/cli/program.ts";
import { fakeIo } from "../cli/support/run-cli.ts";

const typed = (name: string) =>
  [
    ...readFileSync(join(import.meta.dirname, "../..", name), "utf8").matchAll(
      /^(?:.*[|;] )?(?:npx )?moonseal (.+)$/gm,
    ),
  ].map(([, rest = ""]) => rest.replace(/\s+[<>#|].*$/, ""));
const program = () => buildProgram({ io: fakeIo("/nowhere"), exitCode: 0, keys: [] });

/** The innermost command that the words name, and what is left of them. */
function commandOf(words: string[]): { command: Command; rest: string[] } {
  let command = program();
  let rest = words;
  for (let next = named(command, rest); next; next = named(command, rest)) {
    command = next;
    rest = rest.slice(1);
  }
  return { command, rest };
}
const named = (parent: Command, [name]: string[]) => parent.commands.find((child) => child.name() === name);

const wordsOf = (text: string) =>
  (text.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^["']|["']$/g, ""));

describe.each(["README.md", "docs/command-line.md", "docs/verifying.md", "docs/monitoring.md", "docs/retention.md"])(
  "%s",
  (name) => {
    test.each(typed(name))("moonseal %s", (text) => {
      const { command, rest } = commandOf(wordsOf(text));
      expect(command.parent, "no such command").not.toBeNull();
      const known = [...command.options, ...program().options, ...defaultsOf(command)];
      const flags = rest.filter((word) => /^--?[a-z]/.test(word));
      for (const flag of flags) {
        expect(
          known.some(({ long, short }) => long === flag || short === flag),
          flag,
        ).toBe(true);
      }
      const required = command.options.filter(({ mandatory }) => mandatory).map(({ long }) => long);
      expect(flags).toEqual(expect.arrayContaining(required));
    });

    test("says something to type", () => {
      expect(typed(name).length).toBeGreaterThan(0);
    });
  },
);

/** Of the command that runs when a group is named alone. */
const defaultsOf = (command: Command) => command.commands[0]?.options ?? [];

test("every command about people, keys, access, exports, schemas and holds stands in docs/command-line.md", () => {
  const lines = typed("docs/command-line.md");
  for (const group of ["keys", "members", "sessions", "second-factor", "access", "export", "schemas", "holds"]) {
    const children = program().commands.find((command) => command.name() === group)?.commands ?? [];
    expect(children.length).toBeGreaterThan(1);
    for (const child of children.slice(1)) {
      const said = lines.some((line) => `${line} `.startsWith(`${group} ${child.name()} `));
      expect(said, `${group} ${child.name()}`).toBe(true);
    }
  }
});
