/** The clients of key services as they run in production: in workerd, with its fetch and its Web Crypto. */
import { describe } from "vitest";
import { connectKeyService } from "../../src/storage/key-services/connect.ts";
import { keepsTheContract } from "../byok/support/contract.ts";
import { HttpsDouble, TOKEN } from "../byok/support/https-double.ts";
import { ACCESS_KEY_ID, KEY_ARN, KmsDouble, REGION, SECRET_ACCESS_KEY } from "../byok/support/kms-double.ts";

const wireTo = (handle: (request: Request) => Promise<Response>) => ({
  fetch: (url: string, init: RequestInit) => handle(new Request(url, init)),
  timeoutMs: 5000,
});

describe("AWS KMS in workerd", () => {
  const kms = new KmsDouble();
  const settings = { kind: "aws_kms", region: REGION, key_arn: KEY_ARN } as const;
  const credentials = { kind: "aws_kms", access_key_id: ACCESS_KEY_ID, secret_access_key: SECRET_ACCESS_KEY } as const;
  keepsTheContract(() => ({
    service: connectKeyService(settings, credentials, { local: false, wire: wireTo(kms.handle) }),
    revoke: () => {
      kms.keyState = "Disabled";
    },
    restore: () => {
      kms.keyState = "Enabled";
    },
  }));
});

describe("a key service over HTTPS in workerd", () => {
  const double = new HttpsDouble();
  const settings = { kind: "https", url: "https://keys.acme.example/moonseal" } as const;
  keepsTheContract(() => ({
    service: connectKeyService(
      settings,
      { kind: "https", token: TOKEN },
      { local: false, wire: wireTo(double.handle) },
    ),
    revoke: () => {
      double.revoked = true;
    },
    restore: () => {
      double.revoked = false;
    },
  }));
});
