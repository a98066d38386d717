/** FAULTS A15: every trait that would let two readers of one text see two events is refused, and nothing else is. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type JsonFault, jsonPointer, parseStrictJson } from "../../src/core/strict-json.ts";
import { json, key, number, text } from "./arbitraries.ts";

const DEPTH = 64;
const parse = (source: string) => parseStrictJson(source, DEPTH);

function faultOf(source: string): { fault: JsonFault; pointer: string } | null {
  const parsed = parse(source);
  return parsed.ok ? null : { fault: parsed.fault, pointer: parsed.pointer };
}

/** The same string with some of its characters as \u escapes. */
function spell(value: string, escapes: number): string {
  const units = Array.from({ length: value.length }, (_, i) =>
    (escapes >> (i % 31)) & 1
      ? `\\u${value.charCodeAt(i).toString(16).padStart(4, "0")}`
      : JSON.stringify(value.slice(i, i + 1)).slice(1, -1),
  );
  return `"${units.join("")}"`;
}

describe("what JSON.parse reads without loss is read the same", () => {
  test("any value, in any layout", () => {
    fc.assert(
      fc.property(json, fc.constantFrom("", " ", "\t", "\r\n  "), (value, indent) => {
        const source = JSON.stringify(value, null, indent);
        expect(parse(source)).toStrictEqual({ ok: true, value: JSON.parse(source) });
      }),
      { numRuns: 400 },
    );
  });

  test("strings and keys in any mix of escapes", () => {
    fc.assert(
      fc.property(key, text, fc.nat(), fc.nat(), (name, value, a, b) => {
        const source = `{${spell(name, a)}:${spell(value, b)}}`;
        expect(parse(source)).toStrictEqual({ ok: true, value: JSON.parse(source) });
      }),
      { numRuns: 300 },
    );
  });

  test("text that JSON.parse refuses is refused, whatever it is", () => {
    const source = fc.array(fc.constantFrom(...'{}[]:,"\\0-1e.+ \tntrufals\ud800', '"a"', "null", "1", "\\u0061"), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(source, (tokens) => {
        const candidate = tokens.join("");
        let wanted: unknown;
        try {
          wanted = JSON.parse(candidate);
        } catch {
          expect(faultOf(candidate)).toEqual({ fault: "syntax", pointer: "" });
          return;
        }
        const parsed = parse(candidate);
        if (parsed.ok) expect(parsed.value).toStrictEqual(wanted);
      }),
      { numRuns: 2000 },
    );
  });

  test("a fault of syntax is told by its place, never by quoting the text", () => {
    const parsed = parse('{"email": ana@example.com}');
    expect(parsed).toMatchObject({ ok: false, fault: "syntax" });
    expect(JSON.stringify(parsed)).not.toMatch(/ana|example/);
  });
});

describe("duplicate and forbidden keys", () => {
  test.each([
    ['{"a":1,"a":1}', "/a"],
    [String.raw`{"a":1,"\u0061":2}`, "/a"],
    [String.raw`{"\u0061":1,"b":{},"a":2}`, "/a"],
    ['{"x":{"y":[0,{"k":1,"k":2}]}}', "/x/y/1/k"],
    ['{"/~":{"a/b":1,"a/b":2}}', "/~1~0/a~1b"],
    [String.raw`{"\n":1,"\u000a":2}`, "/\n"],
    ['{"":1,"":2}', "/"],
  ])("%s is refused at its pointer", (source, pointer) => {
    expect(faultOf(source)).toEqual({ fault: "duplicate_key", pointer });
  });

  test("two spellings of one key are one key; NFC and NFD are two", () => {
    fc.assert(
      fc.property(key, fc.nat(), fc.nat(), (name, a, b) => {
        expect(faultOf(`{${spell(name, a)}:1,"":{},${spell(name, b)}:2}`)?.fault).toBe("duplicate_key");
      }),
      { numRuns: 200 },
    );
    expect(faultOf('{"\u00e9":1,"e\u0301":2}')).toBeNull();
  });

  test("equal keys of different objects are no duplicates", () => {
    expect(faultOf('{"a":{"a":[{"a":1},{"a":2}]},"b":{"a":3}}')).toBeNull();
  });

  test.each(['{"__proto__":1}', String.raw`[{"x":{"\u005f_proto__":{}}}]`])("%s is refused", (source) => {
    expect(faultOf(source)?.fault).toBe("forbidden_key");
  });

  test("__proto__ as a value is an ordinary string", () => {
    expect(faultOf('["__proto__"]')).toBeNull();
  });
});

describe("numbers", () => {
  test.each([
    "9007199254740992",
    "-9007199254740993",
    "9007199254740993.0",
    "1e21",
    "1e400",
    "-1e400",
    "1e-400",
    "1.0000000000000001",
    "0.12345678901234567",
    "3.1415926535897932384",
    "1.23456e-320",
  ])("%s would not survive in a double and is refused", (literal) => {
    expect(faultOf(`{"n":[0,${literal}]}`)).toEqual({ fault: "unsafe_number", pointer: "/n/1" });
  });

  test.each([
    "9007199254740991",
    "-9007199254740991",
    "0",
    "-0",
    "0e9",
    "1.50",
    "100e-2",
    "5e-324",
    "2.2250738585072014e-308",
    "0.1",
    "0.10000000000000001",
    "333333333.33333331",
    "2069313904040848.2",
    "2069313904040848.3",
  ])("%s survives and is read as JSON.parse reads it", (literal) => {
    expect(parse(literal)).toStrictEqual({ ok: true, value: JSON.parse(literal) });
  });

  test("a number of a million digits takes time in proportion to its length", () => {
    // Anything quadratic would take minutes here.
    const started = performance.now();
    const zeros = "0".repeat(1_000_000);
    for (const literal of [`1.${zeros}1`, `0.${zeros}1`, `1${zeros}1`, `-1.${zeros}1e5`]) {
      expect(faultOf(literal)?.fault).toBe("unsafe_number");
    }
    expect(faultOf(`1.5${zeros}`)).toBeNull();
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test("every double in its shortest spelling is accepted unless it is an integer past 2^53-1", () => {
    fc.assert(
      fc.property(number, (value) => {
        expect(faultOf(JSON.stringify([value]))).toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  test("a literal is accepted only if it is the double rounded to as many digits", () => {
    const literal = fc.tuple(fc.bigInt(1n, 10n ** 18n - 1n), fc.integer({ min: -330, max: 10 }));
    fc.assert(
      fc.property(literal, ([digits, exponent]) => {
        const source = `${digits}e${exponent}`;
        const value = Number(source);
        fc.pre(value !== 0 && !Number.isInteger(value));
        expect(faultOf(source) === null).toBe(isWithinHalfAUnit(digits, exponent, value));
      }),
      { numRuns: 500 },
    );
  });
});

/** Exact arithmetic: whether |digits·10^exponent − value| is at most half a unit of the literal's last significant digit. */
function isWithinHalfAUnit(digits: bigint, exponent: number, value: number): boolean {
  let unit = exponent;
  let significant = digits;
  while (significant % 10n === 0n) {
    significant /= 10n;
    unit++;
  }
  if (String(significant).length > 17) return false;
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const raw = bits.getBigUint64(0) & 0x7fffffffffffffffn;
  const biased = Number(raw >> 52n);
  const mantissa = (raw & 0xfffffffffffffn) | (biased === 0 ? 0n : 1n << 52n);
  // Both sides times 2^1100 and 10^400, so that everything is an integer.
  const scale = (power: number) => 10n ** BigInt(power + 400);
  const exact = (mantissa * 10n ** 400n) << BigInt((biased || 1) - 1075 + 1100);
  const written = (significant * scale(unit)) << 1100n;
  const distance = exact > written ? exact - written : written - exact;
  return 2n * distance <= scale(unit) << 1100n;
}

describe("strings", () => {
  test.each([
    [String.raw`["\ud800"]`, "/0"],
    ['["\ud800"]', "/0"],
    [String.raw`{"a":{"b":"x\udc00y"}}`, "/a/b"],
    [String.raw`["ok","\udc00\ud800"]`, "/1"],
  ])("half of a surrogate pair is refused: %j", (source, pointer) => {
    expect(faultOf(source)).toEqual({ fault: "lone_surrogate", pointer });
  });

  test("half of a surrogate pair in a key is refused", () => {
    expect(faultOf(String.raw`{"\ud800":1}`)?.fault).toBe("lone_surrogate");
  });

  test("a whole pair is accepted in both spellings", () => {
    expect(faultOf(String.raw`["\ud83d\ude00","😀"]`)).toBeNull();
  });
});

describe("nesting", () => {
  const nested = (open: string, depth: number, close: string) => open.repeat(depth) + close.repeat(depth);

  test("the limit is exact, for arrays and objects alike", () => {
    expect(parseStrictJson(nested("[", 3, "]"), 3).ok).toBe(true);
    expect(parseStrictJson(nested("[", 4, "]"), 3)).toMatchObject({ fault: "too_deep" });
    expect(parseStrictJson('{"a":[{"b":1}]}', 3).ok).toBe(true);
    expect(parseStrictJson('{"a":[{"b":[]}]}', 3)).toMatchObject({ fault: "too_deep" });
  });

  test("100,000 brackets are refused without a stack overflow, closed or not", () => {
    for (const source of [nested("[", 100_000, "]"), "[".repeat(100_000), '{"a":'.repeat(100_000)]) {
      expect(faultOf(source)?.fault).toBe("too_deep");
    }
    expect(faultOf("]".repeat(100_000) + "[".repeat(100_000))?.fault).toBe("syntax");
  });

  test("brackets and escaped quotes inside strings do not count", () => {
    expect(faultOf(JSON.stringify(["[".repeat(1000), '\\"['.repeat(1000)]))).toBeNull();
  });
});

describe("pointers", () => {
  const BAD: [string, JsonFault][] = [
    ["1e400", "unsafe_number"],
    [String.raw`"\ud800"`, "lone_surrogate"],
    ['{"k":0,"k":0}', "duplicate_key"],
  ];

  test("the pointer leads to the fault, wherever it stands", () => {
    const step = fc.oneof(fc.record({ before: fc.nat(3) }), fc.record({ name: key }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), fc.constantFrom(...BAD), (path, [bad, fault]) => {
        const source = path.reduceRight<string>(
          (inner, at) =>
            "name" in at
              ? `{${JSON.stringify(`${at.name}!`)}:[{"k":1}],${JSON.stringify(at.name)}:${inner}}`
              : `[${'{"k":[1]},'.repeat(at.before)}${inner},2]`,
          bad,
        );
        const tokens = path.map((at) => ("name" in at ? at.name : at.before));
        const last = fault === "duplicate_key" ? ["k"] : [];
        expect(faultOf(source)).toEqual({ fault, pointer: jsonPointer(...tokens, ...last) });
      }),
      { numRuns: 300 },
    );
  });

  test("RFC 6901 §3: ~ and / are escaped, in this order", () => {
    expect(jsonPointer("a/b", "m~n", "~1", 0, "")).toBe("/a~1b/m~0n/~01/0/");
    expect(jsonPointer()).toBe("");
  });
});
