/** Reading titles out of sources: every form that vitest takes, and the numbers at their beginning. */
import { describe, expect, test } from "vitest";
import { idsOf } from "../../../src/ops/claims/requirement-ids.ts";
import { testTitles } from "../../../src/ops/claims/test-titles.ts";

const titles = (source: string) => testTitles("x.test.ts", source).map((found) => found.titles.join(" > "));

describe("titles are found", () => {
  test.each([
    ["a test", `test("a", () => {})`, ["a"]],
    ["it", `it("a", async () => {}, 60_000)`, ["a"]],
    ["groups", `describe("g", () => { describe("h", () => { test("a", f) }); test("b", f) })`, ["g > h > a", "g > b"]],
    [
      "a group in a loop",
      "for (const x of [1]) describe(`g ${x}`, () => { test(`a ${x.y}`, f) })",
      ["g ${x} > a ${x.y}"],
    ],
    ["rows", `test.each([[1, 2]])("a %i", (n) => {})`, ["a %i"]],
    ["a table", "test.each`a | b\n${1} | ${2}`('a $a', f)", ["a $a"]],
    ["rows of a group", `describe.each(ROWS)("g %s", () => { test("a", f) })`, ["g %s > a"]],
    ["a condition", `describe.skipIf(!x)("S2-7 g", () => { test.skipIf(y).each(z)("a", f) })`, ["S2-7 g > a"]],
    ["options", `test("a", { timeout: 5 }, f)`, ["a"]],
    ["quotes inside", `test("it's \\"a\\"", f)`, [`it's "a"`]],
    ["a template in a template", "test(`a ${x.map((y) => `${y}`)} b`, f)", ["a ${…} b"]],
    ["a variable", `test(name, f)`, ["${name}"]],
    ["types", `test<Context>("a", async (c: Context): Promise<void> => {})`, ["a"]],
    ["a function that declares tests", `function both(n: string) { test(\`\${n} a\`, f) }`, ["${n} a"]],
  ])("%s", (_, source, expected) => {
    expect(titles(source)).toEqual(expected);
  });

  test("a row that carries a number of its own is a title too, and others are not spelled out", () => {
    const source = `test.each([["S1-23 no audience", 1], ["anything", 2]])("%s", f)`;
    expect(titles(source)).toEqual(["%s", "S1-23 no audience"]);
  });
});

test.each([
  ["a condition alone", "describe.skipIf(true)"],
  ["hooks", "beforeAll(async () => {}, 5_000)"],
  ["a method called test", `/a/.test("S0-1 x", y); pattern.test("S0-1 x")`],
  ["a comment", `// test("S0-1 a", () => {})`],
  ["text", `const x = 'test("S0-1 a", () => {})'`],
])("nothing is found in %s", (_, source) => {
  expect(titles(source)).toEqual([]);
});

describe("a test carries", () => {
  test.each([
    [["S4-22 the chain verifies"], ["S4-22"]],
    [
      ["S2-27 S3-36 S1-7 what is private", "S1-9 %s"],
      ["S2-27", "S3-36", "S1-7", "S1-9"],
    ],
    [
      ["S2-11, S2-12 a stolen session", "x"],
      ["S2-11", "S2-12"],
    ],
    [["S0-20: of a range"], ["S0-20"]],
    [
      ["R1 S2-6 S4-34 a cell", "T4 S2-15 is refused"],
      ["S2-6", "S4-34", "S2-15"],
    ],
    [
      ["S0-24 S4-34", "S0-24 again"],
      ["S0-24", "S4-34"],
    ],
  ])("%j: %j", (path, expected) => {
    expect(idsOf(path)).toEqual(expected);
  });

  test.each([
    [["the gateway (S0-23)"]],
    [["one; S4-20 again"]],
    [["S3-style pull"]],
    [["s4-22 x"]],
    [["XS4-22 x"]],
    [["S4-22x"]],
  ])("%j: nothing, because a number further behind is a mention", (path) => {
    expect(idsOf(path)).toEqual([]);
  });
});
