/** docs/monitoring.md says of the command what the command is. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { monitorCommand } from "../../../src/cli/commands/monitor.ts";
import { EVENT_WORDS } from "../../../src/cli/monitor/print.ts";
import { EXIT_OF_VERDICT } from "../../../src/verifier/report.ts";
import { fakeIo } from "../support/run-cli.ts";

const ROOT = path.join(import.meta.dirname, "../../..");
const text = readFileSync(path.join(ROOT, "docs/monitoring.md"), "utf8");
const command = monitorCommand({ io: fakeIo("/nowhere"), exitCode: 0, keys: [] });

describe("docs/monitoring.md", () => {
  test("names every option of the command, and no other", () => {
    const own = command.options.map(({ long }) => long as string);
    const named = new Set(
      [...text.matchAll(/(?<=moonseal monitor[^\n]*|\| `[^|]*)--[a-z-]+/g)].map(([option]) => option),
    );
    // --key is an option of all commands.
    expect([...named].filter((option) => option !== "--key").sort()).toEqual([...own].sort());
  });

  test("gives every word of a line its event and exit code", () => {
    for (const [event, word] of Object.entries(EVENT_WORDS)) expect(text).toContain(`| \`${word}\` | \`${event}\` | `);
    expect(text).toMatch(new RegExp(`\`fork\` \\| ${EXIT_OF_VERDICT.contradicts_remembered_head} `));
    expect(text).toMatch(new RegExp(`\`shrink\` \\| ${EXIT_OF_VERDICT.contradicts_remembered_head} `));
    expect(text).toMatch(new RegExp(`\`broken\` \\| ${EXIT_OF_VERDICT.refuted} `));
    expect(text).toMatch(new RegExp(`\`no_answer\` \\| ${EXIT_OF_VERDICT.could_not_check} `));
    expect(text).toContain(`Exit code ${EXIT_OF_VERDICT.not_witnessed} (verdict \`not_witnessed\`)`);
  });

  test("names only files that are there", () => {
    const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, link = ""]) => path.join(ROOT, "docs", link));
    const named = [...text.matchAll(/`?(bench\/[a-z.]+ts|docs\/[a-z]+\.md)`?/g)].map(([, name = ""]) =>
      path.join(ROOT, name),
    );
    expect([...links, ...named].length).toBeGreaterThan(3);
    for (const file of [...links, ...named]) expect(existsSync(file), file).toBe(true);
  });
});
