/** AWS KMS over a socket, against the double that recomputes every signature (real one: test/byok/run-moto.ts). */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KeyServiceSettings } from "../../src/core/key-service.ts";
import { connectKeyService } from "../../src/storage/key-services/connect.ts";
import { failureOf, KEY, keepsTheContract, TENANT } from "./support/contract.ts";
import { ACCESS_KEY_ID, KEY_ARN, KmsDouble, REGION, SECRET_ACCESS_KEY } from "./support/kms-double.ts";
import { type Served, serve, serveRaw } from "./support/serve.ts";

let kms: KmsDouble;
let served: Served;
let nowMs: number;

beforeEach(async () => {
  nowMs = Date.now();
  kms = new KmsDouble(() => nowMs);
  served = await serve(kms.handle);
});
afterEach(() => served.close());

type Changes = { secret?: string; keyId?: string; arn?: string; region?: string; endpoint?: string };
function client({ secret, keyId, arn, region, endpoint }: Changes = {}) {
  const settings: KeyServiceSettings = {
    kind: "aws_kms",
    region: region ?? REGION,
    key_arn: arn ?? KEY_ARN,
    endpoint: endpoint ?? served.url,
  };
  const access_key_id = keyId ?? ACCESS_KEY_ID;
  const secret_access_key = secret ?? SECRET_ACCESS_KEY;
  return connectKeyService(settings, { kind: "aws_kms", access_key_id, secret_access_key }, { local: true });
}

describe("AWS KMS", () => {
  keepsTheContract(() => ({
    service: client(),
    revoke: () => {
      kms.keyState = "Disabled";
    },
    restore: () => {
      kms.keyState = "Enabled";
    },
  }));

  test("S3-41 is told tenant and key version as encryption context, in both calls", async () => {
    await client().unwrap(TENANT, await client().wrap(TENANT, KEY, 12), 12);
    const context = JSON.stringify({ "moonseal:tenant": TENANT, "moonseal:key-version": "12" });
    expect(kms.trail).toEqual([`Encrypt ${context}`, `Decrypt ${context}`]);
  });

  test("S3-41 is asked under the pinned key: what another key of the account wrapped does not open", async () => {
    const other = KEY_ARN.replace("1234abcd", "9999abcd");
    kms.addKey(other);
    const wrapped = await client({ arn: other }).wrap(TENANT, KEY, 1);
    expect((await failureOf(client().unwrap(TENANT, wrapped, 1))).internal).toContain("IncorrectKeyException");
  });

  test("S3-41 that answers for another key is not believed", async () => {
    const liar = await serve(async () =>
      Response.json({ KeyId: "another", Plaintext: Buffer.from(KEY).toString("base64") }),
    );
    const failure = await failureOf(client({ endpoint: liar.url }).unwrap(TENANT, "AAAA", 1));
    expect(failure.words).toBe("it answered for another key");
    await liar.close();
  });
});

describe("S3-41 AWS KMS refuses, and says so in plain words", () => {
  const cases: [string, "refused" | "no_answer", RegExp, (kms: KmsDouble) => void][] = [
    ["DisabledException", "refused", /the key is disabled there/, (its) => void (its.keyState = "Disabled")],
    ["KMSInvalidStateException", "refused", /about to be deleted/, (its) => void (its.keyState = "PendingDeletion")],
    ["AccessDeniedException", "refused", /policy does not allow/, (its) => void (its.policyAllows = false)],
    ["ThrottlingException", "no_answer", /too busy/, (its) => void (its.throttled = true)],
    ["another error", "no_answer", /fault of its own/, (its) => void (its.broken = true)],
  ];
  test.each(cases)("%s", async (type, fault, words, spoil) => {
    spoil(kms);
    const failure = await failureOf(client().unwrap(TENANT, "AAAA", 1));
    expect(failure).toMatchObject({ fault, words: expect.stringMatching(words) });
    expect(failure.internal).toContain(type);
  });

  test.each<[string, Changes, string]>([
    ["a wrong secret", { secret: "another/secret/of/the/same/length/as/it" }, "InvalidSignatureException"],
    ["an unknown access key", { keyId: "AKIAUNKNOWN000000000" }, "UnrecognizedClientException"],
    ["another region", { region: "us-east-1" }, "InvalidSignatureException"],
    ["an unknown key", { arn: KEY_ARN.replace("1234abcd", "00000000") }, "NotFoundException"],
  ])("%s", async (_, changes, type) => {
    expect(await failureOf(client(changes).wrap(TENANT, KEY, 1))).toMatchObject({
      fault: "refused",
      internal: expect.stringContaining(type),
    });
  });

  test("a signature of an hour ago", async () => {
    nowMs += 60 * 60 * 1000;
    expect((await failureOf(client().wrap(TENANT, KEY, 1))).internal).toContain("InvalidSignatureException");
  });

  test("never repeats what KMS wrote, the account, or a credential", async () => {
    const secret = "another/secret/of/the/same/length/as/it";
    const failures = [
      await failureOf(client({ secret }).wrap(TENANT, KEY, 1)),
      await failureOf(client({ arn: KEY_ARN.replace("1234abcd", "00000000") }).wrap(TENANT, KEY, 1)),
    ];
    for (const { message, detail, internal, stack, cause } of failures) {
      const all = JSON.stringify({ message, detail, internal, stack, cause });
      for (const word of [secret, ACCESS_KEY_ID, "111122223333", "00000000"]) expect(all).not.toContain(word);
    }
  });

  test.each(["constructor", "toString", "__proto__", "x".repeat(200)])(
    "an error of the type %j is judged by its status",
    async (type) => {
      const odd = await serveRaw((_, outgoing) => {
        outgoing.writeHead(400).end(`{"__type":${JSON.stringify(type)}}`);
      });
      const failure = await failureOf(client({ endpoint: odd.url }).wrap(TENANT, KEY, 1));
      expect(failure).toMatchObject({ fault: "refused", words: "it does not accept the request (status 400)" });
      await odd.close();
    },
  );
});
