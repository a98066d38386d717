/** The list and the table of an export: a pure function of its entries, pinned, and harmless in a spreadsheet. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../../src/core/canonical.ts";
import { CSV_COLUMNS, csvForm, type FormRow, jsonForm } from "../../../src/core/export/forms.ts";

const row = (seq: number, payload: object): FormRow => ({
  ...{ seq, entryHash: "e".repeat(64), prevHash: "p".repeat(64) },
  payload: canonicalJson(payload),
});

/** RFC 4180, as a spreadsheet reads it. */
function cells(csv: string): string[][] {
  const lines: string[][] = [];
  let [line, cell, quoted]: [string[], string, boolean] = [[], "", false];
  for (let at = 0; at < csv.length; at++) {
    const character = csv[at] as string;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (csv[at + 1] === '"') cell += csv[++at];
      else quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === ",") (line = [...line, cell]), (cell = "");
    else if (character === "\r" && csv[at + 1] === "\n") {
      lines.push([...line, cell]);
      [line, cell] = [[], ""];
      at++;
    } else cell += character;
  }
  return lines;
}

describe("csv", () => {
  test("pinned: changing a byte of it refutes every export with a table that was handed out", () => {
    const payload = {
      action: "invoice.exported",
      actor: { ref: "ab".repeat(32), type: "user" },
      caveats: ["read_only"],
      id: "e-1",
      metadata: { note: '=1+1, "so"' },
      occurred_at: "2026-11-21T09:00:00.000Z",
      outcome: "success",
      private: { "/reason": "c0", "/ip": "c1" },
      recorded_at: "2026-11-21T09:00:01.000Z",
      request_id: "-7",
      targets: [{ id: "inv_9", type: "invoice" }],
    };
    expect(csvForm([row(3, payload)])).toBe(
      `${CSV_COLUMNS.join(",")}\r\n` +
        `3,2026-11-21T09:00:00.000Z,2026-11-21T09:00:01.000Z,invoice.exported,success,user,${"ab".repeat(32)},,` +
        `"[{""id"":""inv_9"",""type"":""invoice""}]",,"[""read_only""]",,'-7,,"{""note"":""=1+1, \\""so\\""""}",` +
        `"[""/ip"",""/reason""]",e-1,${"p".repeat(64)},${"e".repeat(64)}\r\n`,
    );
  });

  test("no cell begins like a formula, and what the manifest says undoes it", () => {
    const ids = fc.oneof(
      fc.string(),
      fc.constantFrom(
        "=cmd|' /C calc'!A0",
        "+1",
        "-1",
        "@SUM(A1)",
        "'x",
        "\tx",
        "\rx",
        "a\nb",
        "\n=1",
        "＝1+1",
        "＋1",
        "－1",
        "＠SUM(A1)",
        "a;=1+1",
        "a\t-1",
        ";;'';'=",
        "a\n'@b",
        "x;y",
      ),
    );
    fc.assert(
      fc.property(fc.array(ids, { minLength: 1, maxLength: 5 }), (texts) => {
        const rows = texts.map((id, seq) => ({ ...row(seq, {}), payload: JSON.stringify({ id, request_id: id }) }));
        const [head, ...lines] = cells(csvForm(rows));
        expect(head).toEqual(CSV_COLUMNS);
        for (const [i, line] of lines.entries()) {
          expect(line).toHaveLength(CSV_COLUMNS.length);
          expect(line.filter((cell) => /(?:^|[;\t\r\n])[=+\-@＝＋－＠\t\r\n]/.test(cell))).toEqual([]);
          const undone = line.map((cell) => cell.replaceAll(/(?<=^|[;\t\r\n])'/g, ""));
          expect(undone[CSV_COLUMNS.indexOf("request_id")]).toBe(texts[i]);
        }
        expect(lines).toHaveLength(texts.length);
      }),
    );
  });
});

test("json is one document with every payload as it was hashed", () => {
  const rows = [row(0, { a: 1 }), row(1, { b: "x" })];
  expect(jsonForm(rows)).toBe(
    `{"entries":[\n{"entry_hash":"${"e".repeat(64)}","payload":{"a":1},"prev_hash":"${"p".repeat(64)}"},\n` +
      `{"entry_hash":"${"e".repeat(64)}","payload":{"b":"x"},"prev_hash":"${"p".repeat(64)}"}\n]}\n`,
  );
  expect(JSON.parse(jsonForm(rows))).toMatchObject({ entries: [{ payload: { a: 1 } }, { payload: { b: "x" } }] });
});
