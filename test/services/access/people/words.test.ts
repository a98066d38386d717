/** What of an untrusted text about people gets any further: addresses, devices, codes, titles of mails. */
import { describe, expect, test } from "vitest";
import { mailBlock } from "../../../../src/ops/local-mails.ts";
import { EMAIL_PATTERN, mailLookup, normaliseEmail } from "../../../../src/services/access/people/address.ts";
import {
  deviceLabel,
  newUserCode,
  parseUserCode,
  shownUserCode,
} from "../../../../src/services/access/people/devices.ts";
import { linkToken, newSecret, parseLinkToken, secretHash } from "../../../../src/services/access/people/secrets.ts";
import { invitationMail, loginMail } from "../../../../src/services/mail/mail.ts";

const random = (byteLength: number) => crypto.getRandomValues(new Uint8Array(byteLength));

describe("an address", () => {
  test.each(["a@example.org", "A.B+c@Sub.Example.org", "o'neil@example.co", `${"a".repeat(64)}@example.org`])(
    "%s is one",
    (email) => {
      expect(EMAIL_PATTERN.test(email)).toBe(true);
    },
  );

  test.each([
    ...[
      "",
      "a",
      "@example.org",
      "a@",
      "a@localhost",
      "a b@example.org",
      "a@example..org",
      ".a@example.org",
      "a.@example.org",
    ],
    ...[
      "a@example.org\n",
      "a@example.org\r\nBcc: b@c.de",
      "<a@example.org>",
      '"a"@example.org',
      "a@[127.0.0.1]",
      "a,b@example.org",
    ],
    ...["ä@example.org", "a@exämple.org", `${"a".repeat(65)}@example.org`, `a@${"b".repeat(250)}.org`, "a@-b.org"],
  ])("%j is none", (email) => {
    expect(EMAIL_PATTERN.test(email)).toBe(false);
  });

  test("is the same whoever spells it, and its blind key is another in a cell with another pepper", () => {
    const [one, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    expect(normaliseEmail("  A@Example.ORG ")).toBe("a@example.org");
    expect(mailLookup(one, "A@Example.org")).toBe(mailLookup(one, "a@example.org"));
    expect(mailLookup(one, "a@example.org")).not.toBe(mailLookup(other, "a@example.org"));
    expect(mailLookup(one, "a@example.org")).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("a device", () => {
  test("is called by words of ours, whatever it says of itself", () => {
    expect(deviceLabel("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")).toBe(
      "Firefox on Linux",
    );
    expect(deviceLabel("moonseal/1.0 darwin")).toBe("Moonseal command line on macOS");
    for (const evil of [undefined, "", "<script>", "ada@example.org\r\nX: y"])
      expect(deviceLabel(evil)).toBe("an unknown program");
  });

  test("is given a code of eight consonants, every one as likely as the others", () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 2500; i++)
      for (const letter of newUserCode(random)) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    expect([...counts.keys()].sort().join("")).toBe("BCDFGHJKLMNPQRSTVWXZ");
    // 20,000 letters, 1,000 of each expected, standard deviation 31.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(6 * 31);
  });

  test("the code is read as people type it, and nothing else is one", () => {
    const code = newUserCode(random);
    for (const typed of [code, shownUserCode(code), ` ${code.toLowerCase()} `, code.split("").join(" ")]) {
      expect(parseUserCode(typed)).toBe(code);
    }
    for (const typed of ["", "AEIOUAEI", code.slice(1), `${code}B`, `${code.slice(0, 7)}1`])
      expect(parseUserCode(typed)).toBeNull();
  });
});

describe("a link's token", () => {
  const owner = `tnt_eu_${"0".repeat(26)}`;

  test("says whose object to ask; its secret has one spelling", () => {
    const secret = newSecret(random);
    expect(parseLinkToken(linkToken(owner, secret))).toEqual({ owner, secret });
    expect(parseLinkToken(linkToken("staff", secret))).toEqual({ owner: "staff", secret });
    expect(secretHash(secret)).toHaveLength(32);
  });

  test.each([
    "",
    ".",
    "staff.",
    `${owner}`,
    `other.${"A".repeat(43)}`,
    `staff.${"A".repeat(42)}`,
    `staff.${"A".repeat(43)}.x`,
    `staff.${"A".repeat(42)}=`,
  ])("%j is none", (token) => {
    expect(parseLinkToken(token)).toBeNull();
  });
});

describe("a mail", () => {
  const evil = "Acme\r\nBcc: victim@example.org\u202e\u001b[2J";

  test("has a subject of one line, whatever a tenant is called", () => {
    for (const { subject, text } of [
      loginMail("a@example.org", evil, "https://x/y", 15),
      invitationMail("a@example.org", evil, "https://x/y", 7),
    ]) {
      expect(subject).not.toMatch(/[\p{Cc}\u202e]/u);
      expect(text).not.toMatch(/^Bcc:/m);
      expect(text).toContain("https://x/y");
    }
  });

  test("told on a terminal moves no cursor", () => {
    const shown = mailBlock({ id: 1, to: evil, subject: evil, text: `before\nhttps://x/y?token=1\n` });
    expect(shown).not.toContain("\u001b");
    expect(shown.split("\n")).toHaveLength(2);
    expect(shown).toContain("https://x/y?token=1");
  });
});
