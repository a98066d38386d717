/** S0-29: a card number, an e-mail address or a secret in a clear field is found; the digits of ordinary logs are not. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asRead, findInClearText, findInClearValue } from "../../../src/core/payload/guard.ts";
import vector from "../../vectors/api-key.json" with { type: "json" };

/** The check digit of ISO/IEC 7812-1 annex B, by the schoolbook. */
function withCheckDigit(digits: string): string {
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const value = Number(digit) * (i % 2 === 0 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return digits + String((10 - (sum % 10)) % 10);
}

// Published test numbers of the networks and their processors.
const CARDS: [string, string][] = [
  ["Visa", "4111111111111111"],
  ["Visa of 13 digits", "4222222222222"],
  ["Visa of 19 digits", withCheckDigit("411111111111111111")],
  ["Mastercard", "5555555555554444"],
  ["Mastercard 2-series", "2223003122003222"],
  ["Mastercard, last of the 2-series", withCheckDigit("272099999999999")],
  ["American Express 34", withCheckDigit("34000000000000")],
  ["American Express 37", "378282246310005"],
  ["Diners Club 36", "36227206271667"],
  ["Diners Club 305", "30569309025904"],
  ["Diners Club of 16 digits", "3056930009020004"],
  ["Discover", "6011111111111117"],
  ["Discover 65", withCheckDigit("650000000000000")],
  ["Discover 644", withCheckDigit("644000000000000")],
  ["JCB", "3566002020360505"],
  ["Maestro", "6759649826438453"],
  ["Maestro 50", "5018000000000009"],
  ["UnionPay", "6200000000000005"],
  ["UnionPay of 19 digits", "6205500000000000004"],
];

const grouped = (digits: string, separator: string) => digits.match(/.{1,4}/g)?.join(separator) ?? "";

describe("S0-29 a card number is found", () => {
  test.each(CARDS)("%s, with and without separators, alone and in a sentence", (_network, digits) => {
    for (const spelled of [digits, grouped(digits, " "), grouped(digits, "-")]) {
      for (const sentence of ["%", "paid with %.", "(%)", "card: %, exp 12/27", "#%!", "-%", '"%"', "%\nnext"]) {
        expect(findInClearText(sentence.replace("%", spelled)), sentence.replace("%", spelled)).toBe("card_number");
      }
    }
  });

  test.each(CARDS)(
    "%s beside other numbers: a count before it, a date or a security code after it",
    (_network, digits) => {
      for (const sentence of ["12 % ok", "% 123", "% 1227 123", "2026-11-21 %", "1 2 3 %"]) {
        expect(findInClearText(sentence.replace("%", digits)), sentence.replace("%", digits)).toBe("card_number");
      }
    },
  );

  test.each([
    "3782 822463 10005",
    "3622 720627 1667",
    "4111 1111 1111 1111 123",
    "12 4111 1111 1111 1111",
    "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
  ])("as it is printed: %s", (spelled) => {
    expect(findInClearText(spelled)).toBe("card_number");
  });

  test("as a number of JSON, also negative", () => {
    expect(findInClearValue({ a: [0, 4111111111111111] }, ["metadata"])?.tokens).toEqual(["metadata", "a", "1"]);
    expect(findInClearValue(-4111111111111111, [])?.finding).toBe("card_number");
  });

  test("a number that fails its check digit, or has a prefix or length of no network, is not one", () => {
    for (const [, digits] of CARDS) {
      const last = Number(digits.at(-1));
      expect(findInClearText(digits.slice(0, -1) + ((last + 1) % 10))).toBeNull();
    }
    for (const other of [
      "111111111111111",
      "900000000000000",
      "272100000000000",
      "41111111111111",
      "3782822463100055",
    ]) {
      expect(findInClearText(withCheckDigit(other)), other).toBeNull();
    }
  });
});

describe("what is not a card number is left alone", () => {
  test.each([
    ["an AWS account number", "123837392027"],
    ["an ARN", "arn:aws:iam::411111111111:user/4111111111111111x"],
    ["an AWS request id", "CC9X0N62QREGTBMN"],
    ["an AWS session name", "AWSCLI-Session-4111111111111111"],
    ["a log file's name", "218007301253_CloudTrail_us-east-1_20230710T1145Z_7xgocspSowgK0Gto.json"],
    ["an ETag", "5555555555554444deadbeef5555555555554444"],
    ["base64", "RBVZE1aP5ZIWKUdG1hjRObcaPvsi1R4sMQr7GV+4111111111111111WPWocwL/I0cZVMk"],
    ["milliseconds since 1970", "1795252443221"],
    ["microseconds since 1970", "1795252443221000"],
    ["nanoseconds since 1970", "1795252443221000004"],
    ["a compact time", "20261121091403221"],
    ["an instant", "2026-11-21T09:14:03.221Z"],
    ["a UUID", "41111111-1111-4111-8111-111111111111"],
    ["the tail of a UUID", "deadbeef-dead-4111-8111-111111111111"],
    ["a traceparent", "00-41111111111111114111111111111111-4111111111111111-01"],
    ["a decimal fraction", "0.4111111111111111"],
    ["a measurement", "4111111111111111.25"],
    ["an invoice's id", "inv-4111111111111111"],
    ["a snake-case id", "order_4111111111111111"],
    ["a version", "4.1.1-1111111111111"],
    ["a telephone number", "+49 4111 111111"],
    ["an IBAN", "DE89 3704 0044 0532 0130 00"],
    ["an IBAN without spaces", "DE89370400440532013000"],
    ["a list of small numbers", "4 8 15 16 23 42 4 8 15 16 23 42 4 8 15 16"],
    ["a longer number", "41111111111111110000"],
  ])("%s: %s", (_what, text) => {
    expect(findInClearText(text)).toBeNull();
  });

  test("no time since 1970 in s, ms, µs or ns, no UUID, no hash, no account number is ever one", () => {
    const digitsOf = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));
    const harmless = fc.oneof(
      fc.integer({ min: 0, max: 2_000_000_000 }).map(String),
      fc.integer({ min: 1_000_000_000_000, max: 1_999_999_999_999 }).map(String),
      fc.integer({ min: 1_000_000_000_000_000, max: 1_999_999_999_999_999 }).map(String),
      fc.bigInt(1_000_000_000_000_000_000n, 1_999_999_999_999_999_999n).map(String),
      fc.uuid(),
      fc.uint8Array({ minLength: 20, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex")),
      digitsOf(12),
    );
    fc.assert(
      fc.property(harmless, (text) => {
        expect(findInClearText(text)).toBeNull();
      }),
      { numRuns: 1000 },
    );
  });
});

describe("e-mail addresses", () => {
  test.each(["ana@example.com", "<ana.b+c@mail.example.co.uk>", "sent to Ana@Example.ORG.", "x%y@a-b.io"])(
    "%s",
    (text) => {
      expect(findInClearText(text)).toBe("email_address");
    },
  );

  test.each(["@ana", "a@b", "user@localhost", "npm:@scope/pkg@1.2.3", "typescript@7.0.2", "a @ b.com", "ana@"])(
    "%s is none",
    (text) => {
      expect(findInClearText(text)).toBeNull();
    },
  );
});

describe("secrets", () => {
  test.each([
    vector.api_key,
    vector.operator_secret,
    `key=${vector.api_key};`,
    `KEY_${vector.operator_secret}`,
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----",
    `ghp_${"aB3".repeat(12)}`,
    `ghs_${"aB3".repeat(12)}`,
    `sk_live_${"aB3".repeat(8)}`,
    `xoxb-${"1234567890-".repeat(3)}abcdef`,
  ])("%s", (text) => {
    expect(findInClearText(text)).toBe("secret");
  });

  test.each([
    "-----BEGIN PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----",
    `key_eu_${vector.key_suffix}`,
    "msk_eu_",
    "sk_test_0000000000000000",
    "AIDATFQR7NSC5U6Q3TMDR",
  ])("%s is none", (text) => {
    expect(findInClearText(text)).toBeNull();
  });
});

describe("in a value", () => {
  test("the tokens lead to the finding", () => {
    const value = { ok: true, list: [null, { deep: ["fine", "ana@example.com"] }] };
    expect(findInClearValue(value, ["metadata"])).toEqual({
      tokens: ["metadata", "list", "1", "deep", "1"],
      finding: "email_address",
    });
    expect(findInClearValue({ ok: true, list: [null, 1.5, "fine"] }, [])).toBeNull();
  });

  test("a finding in a key stops at its object, so that the pointer does not repeat it", () => {
    const hit = findInClearValue({ people: { "ana@example.com": 1 } }, ["metadata"]);
    expect(hit).toEqual({ tokens: ["metadata", "people"], finding: "email_address" });
  });

  test("hostile text takes time in proportion to its length", () => {
    // 100,000 repetitions: anything quadratic would take minutes here, not milliseconds.
    const started = performance.now();
    for (const unit of ["1", "1 ", "1-", "4111-", "4111 ", "a@", "a@b.", "a.", "-----BEGIN ", "xoxb-", "4."]) {
      findInClearText(unit.repeat(100_000) + "x");
    }
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe("S0-29 a text is judged as somebody reads it", () => {
  const wide = (text: string) => text.replace(/[!-~]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0));
  const digitsFrom = (zero: number) => (text: string) =>
    text.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));

  test.each<[string, (text: string) => string]>([
    ["full width", wide],
    ["Arabic-Indic digits", digitsFrom(0x660)],
    ["Devanagari digits", digitsFrom(0x966)],
    ["the second row of Myanmar Extended-C", digitsFrom(0x116da)],
    ["bold mathematical digits", digitsFrom(0x1d7ce)],
    ["spaces that do not break", (text) => text.replaceAll(" ", "\u00a0")],
    ["en dashes", (text) => text.replaceAll(" ", "\u2013")],
    ["zero width spaces", (text) => [...text].join("\u200b")],
    ["soft hyphens and variation selectors", (text) => [...text].join("\u00ad\ufe0f")],
  ])("a card number in %s is one", (_, written) => {
    expect(findInClearText(`paid with ${written("4111 1111 1111 1111")}`)).toBe("card_number");
  });

  test.each([wide("ann@example.com"), "ann\u200b@example.com", "ann@exam\u00adple.com"])("%j is an address", (text) => {
    expect(findInClearText(`from ${text}`)).toBe("email_address");
  });

  test("every decimal digit of Unicode reads as one of ten, and a text of ASCII as itself", () => {
    const rows = new Map<string, number>();
    for (let code = 0x80; code < 0x20000; code++) {
      const digit = String.fromCodePoint(code);
      if (/^\p{Nd}$/u.test(digit)) rows.set(asRead(digit), (rows.get(asRead(digit)) ?? 0) + 1);
    }
    expect([...rows.keys()].toSorted()).toEqual([..."0123456789"]);
    expect(new Set(rows.values()).size).toBe(1);
    expect(asRead("4111 – no, 4111 - yes")).toBe("4111 - no, 4111 - yes");
  });

  test("words of other scripts, emoji and names with accents are none of these", () => {
    for (const text of [
      "Zoë Müller",
      "東京都千代田区1-1",
      "👩‍👩‍👧 family",
      "रसीद १२३४",
      "№ 42 – 2026",
      "½ cup, 10² m",
    ]) {
      expect(findInClearText(text)).toBeNull();
    }
  });
});
