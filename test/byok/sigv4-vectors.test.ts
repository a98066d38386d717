/** What the product signs with, and what the double of KMS checks with, against the test suite that AWS publishes. */
import { AwsV4Signer } from "aws4fetch";
import { describe, expect, test } from "vitest";
import suite from "../fixtures/aws-sig-v4/vectors.json" with { type: "json" };
import { parseAuthorization, type SignedParts, signatureIsRight } from "./support/sigv4.ts";

type Vector = { name: string; method: string; path: string; headers: Record<string, string>; body: string };
const vectors = suite.vectors.map((vector) => [vector.name, vector as Vector & { authorization: string }] as const);

const partsOf = ({ method, path, headers, body }: Vector): SignedParts => ({
  method,
  path,
  headers: new Map([
    ...Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), value]),
    ["x-amz-date", suite.datetime],
  ]),
  body,
});

describe("S3-41 AWS's test suite of Signature Version 4", () => {
  test.each(vectors)("%s: aws4fetch gives the header byte by byte", async (_, { authorization, ...vector }) => {
    const { Host: host, ...headers } = vector.headers;
    const signer = new AwsV4Signer({
      method: vector.method,
      url: `https://${host}${vector.path}`,
      headers: Object.entries(headers) as [string, string][],
      body: vector.body,
      allHeaders: true,
      service: suite.service,
      region: suite.region,
      accessKeyId: suite.accessKeyId,
      secretAccessKey: suite.secretAccessKey,
      datetime: suite.datetime,
    });
    expect((await signer.sign()).headers.get("Authorization")).toBe(authorization);
  });

  test.each(vectors)("%s: the double takes it", (_, { authorization, ...vector }) => {
    const its = parseAuthorization(authorization);
    expect(its && signatureIsRight(partsOf(vector), its, suite.secretAccessKey)).toBe(true);
  });

  test.each(vectors)(
    "%s: the double refuses it when anything about it is changed",
    (_, { authorization, ...vector }) => {
      const its = parseAuthorization(authorization);
      if (!its) throw new Error("a vector has an Authorization header");
      const parts = partsOf(vector);
      const withHeader = (name: string, value: string) => ({
        ...parts,
        headers: new Map([...parts.headers, [name, value]]),
      });
      const changed: SignedParts[] = [
        { ...parts, method: "PUT" },
        { ...parts, path: `${vector.path}${vector.path.includes("?") ? "&" : "?"}a=b` },
        ...its.signed.filter((name) => name !== "x-amz-content-sha256").map((name) => withHeader(name, "another")),
      ];
      for (const one of changed) expect(signatureIsRight(one, its, suite.secretAccessKey)).toBe(false);
      expect(signatureIsRight(parts, its, `${suite.secretAccessKey}x`)).toBe(false);
      const wrong = its.signature.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
      expect(signatureIsRight(parts, { ...its, signature: wrong }, suite.secretAccessKey)).toBe(false);
    },
  );

  test("the double refuses another body than the one that was signed", () => {
    const vector = suite.vectors.find(({ name }) => name === "post-x-www-form-urlencoded") as Vector;
    expect(() => signatureIsRight({ ...partsOf(vector), body: "Param1=value2" }, parsed(vector), "x")).toThrow("body");
  });

  test.each(["", "AWS4-HMAC-SHA256", "Bearer x"])("the double takes no other header: %j", (header) => {
    expect(parseAuthorization(header)).toBeNull();
  });

  test("the double takes names of signed headers in order only", () => {
    const header = suite.vectors[0]?.authorization ?? "";
    expect(parseAuthorization(header)).not.toBeNull();
    expect(parseAuthorization(header.replace("host;x-amz-date", "x-amz-date;host"))).toBeNull();
  });
});

const parsed = (vector: object) => {
  const its = parseAuthorization((vector as { authorization: string }).authorization);
  if (!its) throw new Error("a vector has an Authorization header");
  return its;
};
