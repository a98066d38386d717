import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { runDemo } from "../../src/ops/demo-run.ts";
import { voice } from "../../src/ops/demo-voice.ts";

test("npm run demo names each of three tamperings exactly, says so in plain lines, and leaves nothing behind", {
  timeout: 120_000,
}, async () => {
  const parent = mkdtempSync(path.join(tmpdir(), "moonseal-demo-"));
  let output = "";
  const speak = voice((text) => {
    output += text;
  }, false);
  try {
    expect(await runDemo(parent, speak, 60), output).toBe(0);
    expect(output.match(/the database refuses: audit_log is append-only/g)).toHaveLength(3);
    expect(output).toMatch(/REFUTED at entry \d+: the payload is not what the entry hash commits to/);
    expect(output).toMatch(/REFUTED at entry \d+: entry \d+ does not follow entry \d+/);
    expect(output).toMatch(/the log had 61\s+entries when it was last seen/);
    expect(output.match(/named exactly/g)).toHaveLength(3);
    expect(output).not.toContain("\u001b");
    expect(readdirSync(parent)).toEqual([]);
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
});
