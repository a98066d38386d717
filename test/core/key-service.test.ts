import { describe, expect, test } from "vitest";
import { addressFault, addressOf, type KeyServiceSettings, sameKeyService } from "../../src/core/key-service.ts";

describe("S3-41 an address of a key service", () => {
  test.each([
    "https://keys.acme.example",
    "https://keys.acme.example:8443/moonseal/",
    "https://kms.eu-central-1.amazonaws.com",
    "https://xn--schlssel-95a.example",
  ])("%s may be called", (address) => {
    expect(addressFault(address, false)).toBeNull();
    expect(addressFault(address, true)).toBeNull();
  });

  test.each([
    ["", "must be an address that begins with https://"],
    ["keys.acme.example", "must be an address that begins with https://"],
    ["http://keys.acme.example", "must begin with https://"],
    ["ftp://keys.acme.example", "must begin with https://"],
    ["data:application/json,{}", "must begin with https://"],
    ["https://me:secret@keys.acme.example", "must not carry a user name or a password"],
    ["https://keys.acme.example?a=b", "must have no query and no fragment"],
    ["https://keys.acme.example#a", "must have no query and no fragment"],
    ["https://keys", "must name a public host"],
    ["https://10.0.0.1", "must name a public host"],
    ["https://0xa.1", "must name a public host"],
    ["https://167772161", "must name a public host"],
    ["https://[::1]", "must name a public host"],
    ["https://[::ffff:127.0.0.1]", "must name a public host"],
    ["https://keys.internal", "must name a public host"],
    ["https://keys.acme.local", "must name a public host"],
    ["https://sk_live_abcdefghijklmnop.acme.example", "must name a public host"],
    ["https://keys.acme.example.", "must name a public host"],
  ])("%j may not: %s", (address, fault) => {
    expect(addressFault(address, false)).toBe(fault);
    expect(addressFault(address, true)).toBe(fault);
  });

  test.each(["http://127.0.0.1:9", "http://localhost:9", "https://localhost"])(
    "%s may be called from this machine only, by a cell that is pinned to nowhere",
    (address) => {
      expect(addressFault(address, true)).toBeNull();
      expect(addressFault(address, false)).toBe("must name a public host");
    },
  );

  test("of AWS KMS is the region's, or the one that is given", () => {
    const kms = { kind: "aws_kms" as const, key_arn: "arn" };
    expect(addressOf({ ...kms, region: "eu-central-1" })).toBe("https://kms.eu-central-1.amazonaws.com");
    expect(addressOf({ ...kms, region: "cn-north-1" })).toBe("https://kms.cn-north-1.amazonaws.com.cn");
    expect(addressOf({ ...kms, region: "eu-west-1", endpoint: "https://x.example" })).toBe("https://x.example");
  });
});

describe("two settings name the same service", () => {
  const https = (url: string): KeyServiceSettings => ({ kind: "https", url });
  const kms = (region: string, key_arn: string, endpoint?: string): KeyServiceSettings =>
    endpoint ? { kind: "aws_kms", region, key_arn, endpoint } : { kind: "aws_kms", region, key_arn };

  test("when host and path are the same", () => {
    expect(sameKeyService(https("https://Keys.example/a"), https("https://keys.example:443/a/"))).toBe(true);
    expect(sameKeyService(https("https://keys.example/a"), https("https://keys.example/b"))).toBe(false);
    expect(sameKeyService(kms("eu-west-1", "k"), kms("eu-west-1", "k"))).toBe(true);
    expect(sameKeyService(kms("eu-west-1", "k"), kms("eu-west-1", "k", "https://kms.eu-west-1.amazonaws.com/"))).toBe(
      true,
    );
    expect(sameKeyService(kms("eu-west-1", "k"), kms("eu-west-1", "l"))).toBe(false);
    expect(sameKeyService(kms("eu-west-1", "k"), https("https://kms.eu-west-1.amazonaws.com"))).toBe(false);
  });
});
