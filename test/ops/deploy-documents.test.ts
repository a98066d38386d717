import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { REMEDIES } from "../../src/ops/gate.ts";
import { REPOSITORY } from "../../src/ops/paths.ts";

const text = readFileSync(path.join(REPOSITORY, "docs/deploying.md"), "utf8");
const commands = [...text.matchAll(/^npm run ops -- (.+)$/gm)].map((match) => match[1] ?? "");

const ops = (...args: string[]) =>
  spawnSync(process.execPath, [path.join(REPOSITORY, "src/ops/ops.ts"), ...args], { encoding: "utf8" });

describe("docs/deploying.md", () => {
  test("shows commands of every task of a deployment", () => {
    const tasks = new Set(commands.map((command) => command.split(" ")[0]));
    expect([...tasks].sort()).toEqual(["deploy", "escrow", "migrate", "provision", "status"]);
  });

  test.each(commands)("%s: the task and its flags exist", (command) => {
    const [task = "", ...words] = command.split(" ");
    const { status, stdout } = ops(task, "--help");
    expect(status).toBe(0);
    for (const flag of words.filter((word) => word.startsWith("--"))) {
      expect(stdout).toMatch(new RegExp(`(?<![\\w-])${flag}(?![\\w-])`));
    }
  });

  test("lists every code of the gate, and no other", () => {
    const rows = text.split("\n").filter((line) => line.startsWith("| `"));
    const listed = rows.flatMap((row) =>
      [...(row.split("|")[1] ?? "").matchAll(/`([A-Z_]+)`/g)].map((match) => match[1]),
    );
    expect(listed.sort()).toEqual(Object.keys(REMEDIES).sort());
  });

  test("names only files that exist", () => {
    const named = [...text.matchAll(/`((?:src|test|docs|wrangler)[^`\s]*\.\w+)`/g)].map((match) => match[1] ?? "");
    expect(named.length).toBeGreaterThan(2);
    expect(named.filter((file) => !existsSync(path.join(REPOSITORY, file)))).toEqual([]);
  });
});
