/**
 * S4-17: each detector finds what its standard or its state publishes as an example, and says nothing about the ids, times,
 * versions and hashes that audit events are full of.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { type Finding, loadDetectors } from "../../../src/services/intake/personal-data/find.ts";
import { NATIONAL_IDS } from "../../../src/services/intake/personal-data/national-ids.ts";

const find = await loadDetectors();
const SENTENCES = ["%", "see %.", "(%)", "<%>", "from % to nobody", '"%"', "a: %, b", "%\nnext"];

function expectFound(value: string, finding: Finding, called = ""): void {
  for (const sentence of SENTENCES) {
    expect(
      find(
        sentence.replace("%", () => value),
        called,
      ),
      sentence.replace("%", () => value),
    ).toBe(finding);
  }
}

describe("S4-17 an e-mail address is found", () => {
  test.each([
    "ana@example.com",
    "ana.b+c@mail.example.co.uk",
    "ana%40example.com",
    "jörg@exämple.de",
    "用户@例子.广告",
    "ana@xn--exmple-cua.xn--p1ai",
  ])("%s", (address) => expectFound(address, "email_address"));
});

describe("S4-17 a telephone number is found", () => {
  // Numbers that regulators keep free for fiction and documentation, and those of the E.164 and RFC 3966 texts.
  test.each([
    "+1-201-555-0123",
    "+1 (415) 555-2671",
    "+44 20 7946 0958",
    "+442079460958",
    "+33 1 99 00 12 34",
    "+49 30 901820",
    "+61 491 570 156",
    "%2B14155552671",
    "(415) 555-2671",
    "415-555-2671",
    "1-415-555-2671",
  ])("%s, whatever it is called", (number) => expectFound(number, "phone_number"));

  test.each([
    ["phone", "030 901820"],
    ["home_phone_number", "01632 960123"],
    ["homePhone", "0171/2345678"],
    ["mobile", "004917123456"],
    ["MSISDN", "491712345678"],
    ["tel", "901820123"],
    ["telefono", "600 123 456"],
  ])("under %s also in its national form: %s", (called, number) => {
    expectFound(number, "phone_number", called);
    expect(find(number, "note")).toBeNull();
  });

  test.each([
    "phone=+44 20 7946 0958",
    "tel. 030 901820",
    "Phone: 01632 960123",
    "mobile no 0171-2345678",
    "fax=030/901820",
  ])("after a word that says so: %s", (text) => expect(find(text, "")).toBe("phone_number"));

  test.each([
    ["phone_model", "1234567890"],
    ["phone_id", "1795252443221"],
    ["count", "+1234567"],
    ["build", "1.2.3+20230710"],
    ["time", "2023-07-10T12:00:00+0200"],
    ["sum", "+999 123 456 789"],
    ["span", "404-200-500"],
  ])("under %s is none: %s", (called, text) => expect(find(text, called)).toBeNull());
});

describe("S4-17 an IP address is found", () => {
  // RFC 5737, RFC 3849 and RFC 4291 §2.2.
  test.each([
    "192.0.2.1",
    "198.51.100.23",
    "203.0.113.7",
    "203.0.113.7/32",
    "203.0.113.7/24",
    "203.0.113.7:443",
    "http://203.0.113.7/path",
    "10.1.2.3",
    "192.168.10.20",
    "2001:db8::1",
    "2001:DB8:0:0:8:800:200C:417A",
    "[2001:db8::8a2e:370:7334]:443",
    "fe80::1ff:fe23:4567:890a",
    "fe80::1%eth0",
    "fd12:3456:789a::1",
    "2001:db8::1/128",
    "::ffff:203.0.113.7",
  ])("%s", (address) => expectFound(address, "ip_address"));

  test.each([
    ["a network", "10.0.0.0/16"],
    ["everything", "0.0.0.0/0"],
    ["an IPv6 network", "2001:db8::/32"],
    ["loopback", "127.0.0.1"],
    ["IPv6 loopback", "::1"],
    ["the metadata service", "169.254.169.254"],
    ["multicast", "224.0.0.251"],
    ["broadcast", "255.255.255.255"],
    ["a version", "1.2.3.4"],
    ["a browser", "Mozilla/5.0 Chrome/114.0.0.0 Safari/537.36"],
    ["a browser's full version", "Chrome/114.0.5735.199"],
    ["a version after a v", "v10.2.33.4"],
    ["a version after its word", "release 10.2.33.4"],
    ["a file", "agent-10.2.33.4.tar.gz"],
    ["an OID", "1.3.6.1.4.1.57264"],
    ["a part of an OID", "2.16.840.1.101.3.4.2.1"],
    ["no address", "256.300.1.2"],
    ["a time", "12:30:45"],
    ["a MAC address", "00:1b:44:11:3a:b7"],
    ["an EUI-64", "00:1b:44:ff:fe:11:3a:b7"],
    ["a fingerprint", "16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48"],
    ["a CloudFormation type", "AWS::EC2::Instance"],
    ["an ARN", "arn:aws:iam::123456789012:user/ana"],
    ["a C++ name", "fade::bed::face"],
  ])("not: %s: %s", (_what, text) => {
    for (const sentence of SENTENCES)
      expect(
        find(
          sentence.replace("%", () => text),
          "",
        ),
      ).toBeNull();
  });

  test("a name that says version is believed", () => {
    for (const called of ["version", "agentVersion", "firmware_version", "release", "build"]) {
      expect(find("10.20.30.40", called)).toBeNull();
    }
    expect(find("10.20.30.40", "conversion")).toBe("ip_address");
  });
});

describe("S4-17 an IBAN is found", () => {
  // The SWIFT registry's own examples.
  test.each([
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "FR1420041010050500013M02606",
    "NL91ABNA0417164300",
    "ES9121000418450200051332",
    "IT60X0542811101000000123456",
    "BE68539007547034",
    "NO9386011117947",
    "CH9300762011623852957",
    "PL61109010140000071219812874",
    "MT84MALT011000012345MTLCAST001S",
    "SE4550000000058398257466",
  ])("%s, compact, in groups, in lower case", (iban) => {
    for (const spelled of [iban, iban.match(/.{1,4}/g)?.join(" ") ?? "", iban.toLowerCase()])
      expectFound(spelled, "iban");
  });

  test.each([
    "DE88370400440532013000",
    "DE8937040044053201300",
    "XX89370400440532013000",
    "xDE89370400440532013000",
    "DE89370400440532013000a",
  ])("not %s", (text) => expect(find(text, "")).toBeNull());
});

/** Published examples of each state, and the name that a number of nothing but digits needs. */
const PEOPLE: Record<string, { alone?: string[]; called?: Record<string, string[]> }> = {
  "US SSN": {
    alone: ["078-05-1120", "219-09-9999"],
    called: { ssn: ["219099999"], socialSecurityNumber: ["219 09 9999"] },
  },
  "DE Steuer-ID": { called: { steuer_id: ["86095742719", "47 036 892 816"], taxId: ["65929970489"] } },
  "NL BSN": { called: { bsn: ["111222333", "123456782"] } },
  "ES DNI": { alone: ["12345678Z", "54362315-K"], called: { dni: ["12345678z"] } },
  "ES NIE": { alone: ["X2482300W", "X-2482300-W"], called: { nie: ["x2482300w"] } },
  "FR NIR": { alone: ["295109912611193", "2 95 10 99 126 111 93", "255081416802538"] },
  "IT codice fiscale": { alone: ["RCCMNL83S18D969H"], called: { codice_fiscale: ["rccmnl83s18d969h"] } },
  "PL PESEL": { called: { pesel: ["44051401359"] } },
  "BE national number": { alone: ["85.07.30-033.28"], called: { insz: ["85073003328"] } },
  "SE personnummer": { called: { personnummer: ["880320-0016", "8803200016", "19880320-0016"] } },
  "FI henkilötunnus": { alone: ["131052-308T", "150305A123B"], called: { hetu: ["131052-308T"] } },
  "DK CPR": { called: { cpr: ["211062-5629", "2110625629"] } },
  "NO fødselsnummer": { called: { fnr: ["15108695088", "151086 95088"] } },
  "CH AHV": { alone: ["756.9217.0769.85"], called: { ahv: ["7569217076985"] } },
  "BR CPF": { alone: ["390.533.447-05"], called: { cpf: ["39053344705"] } },
  "GB NINO": { alone: ["HH 01 02 03 D"], called: { nino: ["HH010203D", "hh010203d"] } },
};

describe("S4-17 a national identification number is found", () => {
  test("every kind has an example here", () => {
    expect(Object.keys(PEOPLE).sort()).toEqual(NATIONAL_IDS.map(({ name }) => name).sort());
  });

  test.each(
    Object.entries(PEOPLE).flatMap(([kind, { alone }]) => (alone ?? []).map((number) => [kind, number] as const)),
  )("%s %s, whatever it is called", (_kind, number) => expectFound(number, "national_id"));

  const called = Object.entries(PEOPLE).flatMap(([kind, { called: names }]) =>
    Object.entries(names ?? {}).flatMap(([name, numbers]) => numbers.map((number) => [kind, name, number] as const)),
  );
  test.each(called)("%s under %s, and after its name in a text: %s", (_kind, name, number) => {
    expectFound(number, "national_id", name);
    expect(find(`${name}: ${number}`, "note")).toBe("national_id");
  });

  test("one that is nothing but digits is left alone where no name says what it is, and where its check digit is wrong", () => {
    for (const [, name, number] of called) {
      if (/^\d+$/.test(number)) expect(find(number, "invoice_no"), number).toBeNull();
      if (/^\d+$/.test(number) && !["ssn", "cpr"].includes(name)) {
        const wrong = number.slice(0, -1) + ((Number(number.at(-1)) + 1) % 10);
        expect(find(wrong, name), wrong).toBeNull();
      }
    }
  });
});

describe("what audit events are full of is left alone", () => {
  const hex = (bytes: number) =>
    fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => Buffer.from(value).toString("hex"));
  const crockford = (length: number) => fc.stringMatching(new RegExp(`^[0-7][0-9a-hjkmnp-tv-z]{${length - 1}}$`));
  // In microseconds the times after 2039 have the prefixes of a card network.
  const instant = fc.date({ min: new Date("1990-01-01"), max: new Date("2039-12-31"), noInvalidDate: true });
  const number = fc.nat({ max: 400 });
  const HARMLESS: [string, fc.Arbitrary<string>][] = [
    ["UUIDs", fc.uuid()],
    ["UUIDs in capitals", fc.uuid().map((id) => id.toUpperCase())],
    ["UUIDs in a path", fc.uuid().map((id) => `/v1/things/${id}/parts`)],
    ["ULIDs", crockford(26).map((id) => id.toUpperCase())],
    ["TypeIDs", crockford(26).map((id) => `dom_eu_${id}`)],
    ["MD5, SHA-1 and SHA-256 in hex", fc.oneof(hex(16), hex(20), hex(32))],
    ["SHA-256 in hex with its name", hex(32).map((digest) => `sha256:${digest}`)],
    ["trace ids", fc.tuple(hex(16), hex(8)).map(([trace, span]) => `00-${trace}-${span}-01`)],
    ["instants", instant.map((date) => date.toISOString())],
    ["instants without punctuation", instant.map((date) => date.toISOString().replace(/[-:]/g, ""))],
    ["instants with an offset", instant.map((date) => date.toISOString().replace("Z", "+02:00"))],
    ["days", instant.map((date) => date.toISOString().slice(0, 10))],
    [
      "days and times of a log's name",
      instant.map((date) => date.toISOString().replace(/[-:]/g, "").slice(0, 13).replace("T", "-")),
    ],
    [
      "Unix times in s, ms, µs",
      instant.chain((date) =>
        fc.constantFrom(1, 1000, 1e6).map((unit) => String(Math.abs(Math.floor(date.getTime() / 1000)) * unit)),
      ),
    ],
    [
      "semantic versions",
      fc
        .tuple(number, number, number, fc.constantFrom("", "-rc.1", "+20230710", "-beta.20230710"))
        .map(([a, b, c, tail]) => `${a}.${b}.${c}${tail}`),
    ],
    ["AWS account ids", fc.stringMatching(/^[0-9]{12}$/)],
    [
      "ARNs",
      fc
        .tuple(fc.stringMatching(/^[0-9]{12}$/), fc.stringMatching(/^[a-zA-Z0-9_/-]{1,30}$/))
        .map(([account, name]) => `arn:aws:iam::${account}:role/${name}`),
    ],
    [
      "ARNs of log groups",
      fc
        .stringMatching(/^[0-9]{12}$/)
        .map((account) => `arn:aws:logs:eu-central-1:${account}:log-group:/aws/lambda/f:*`),
    ],
    ["EC2 ids", hex(9).map((id) => `i-${id.slice(0, 17)}`)],
    ["access key ids", fc.stringMatching(/^A[KS]IA[A-Z2-7]{16}$/)],
    [
      "request ids of S3",
      fc.stringMatching(/^[0-9A-Z]{16}$/).filter((id) => !/^[A-Z]{6}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z]$/.test(id)),
    ],
    [
      "numbers",
      fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .filter((value) => !/^\d{13,19}$/.test(String(Math.abs(value))))
        .map(String),
    ],
    ["counters", fc.nat({ max: 999_999_999 }).map(String)],
  ];

  test.each(HARMLESS)("no false alarm on %s", (_what, texts) => {
    fc.assert(
      fc.property(texts, fc.constantFrom("", "id", "request_id", "note", "created"), (text, called) => {
        expect(find(text, called)).toBeNull();
      }),
      { numRuns: 2000 },
    );
  });
});

describe("cost", () => {
  test("hostile text takes time in proportion to its length", () => {
    const started = performance.now();
    for (const unit of [
      "1",
      "1 ",
      "1-",
      "12:",
      "1.",
      "10.20.30.",
      "+49 ",
      "+49 30 901821 ",
      "DE89 ",
      "DE893704 ",
      "a@",
      "078-05-112 ",
      "bsn 123456781 ",
      "fe80::",
      "phone ",
      "()",
      "tel 1 ",
      "AAAAAA11A",
    ]) {
      for (const called of ["", "bsn", "phone"]) find(unit.repeat(100_000 / unit.length), called);
    }
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test("of places that look like a number and are none a bounded count is judged, and the next text begins anew", () => {
    const decoys = "+49 30 11 ".repeat(LIMITS.guardCandidates + 50);
    find(decoys, "");
    expect(find("+49 30 901820", "")).toBe("phone_number");
  });
});
