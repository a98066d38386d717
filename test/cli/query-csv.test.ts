import { expect, test } from "vitest";
import { rowPrinter } from "../../src/cli/query/forms.ts";
import { fakeIo, tempDir } from "./support/run-cli.ts";

const HOSTILE = "r-1\u001b]0;owned\u0007\u202e\u009b2J";
const found = {
  ...{ seq: 1, entry_hash: "ab".repeat(32), prev_hash: "cd".repeat(32) },
  payload: JSON.stringify({ action: "a.b", request_id: HOSTILE }),
};

test.each([true, false])(
  "S0-20: a table shown on a terminal (%s) moves no cursor; piped it is the exact text",
  async (isTTY) => {
    const io = fakeIo(await tempDir());
    io.stdout.isTTY = isTTY;
    const printer = rowPrinter(io, "csv", false);
    printer.rows([found as never]);
    printer.rows([found as never]);
    expect(io.stdout.text.includes(HOSTILE)).toBe(!isTTY);
    expect(/[\u0000-\u0009\u000e-\u001f\u007f-\u009f\u202e]/.test(io.stdout.text)).toBe(!isTTY);
    expect(io.stdout.text.split("\r\n")).toHaveLength(4);
  },
);
