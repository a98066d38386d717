/**
 * S3-41 against an implementation of AWS KMS that is not ours: moto, whose server keeps keys and IAM users and checks every
 * signature with botocore, which AWS wrote. What it does not do is refuse a key that is disabled (5.2.5), so revoking is tried
 * with IAM here and with the key's state against our own double. Run by hand, since it needs Python:
 *
 *   python3 -m venv .wrangler/moto && .wrangler/moto/bin/pip install 'moto[server,kms]==5.2.5'
 *   npx node test/byok/run-moto.ts .wrangler/moto/bin/moto_server
 *
 * Prints a line for each thing that was tried; exits 1 when one of them went otherwise.
 */
import { spawn } from "node:child_process";
import { AwsV4Signer } from "aws4fetch";
import type { KeyServiceFailure } from "../../src/core/key-service.ts";
import { freePort } from "../../src/ops/free-port.ts";
import { connectKeyService } from "../../src/storage/key-services/connect.ts";

const REGION = "eu-central-1";
const TENANT = "tnt_eu_01jcy3x8e7f4s9m2k5n8q1r4tv";
const KEY = crypto.getRandomValues(new Uint8Array(32));
const NOBODY = { access_key_id: "AKIAIOSFODNN7EXAMPLE", secret_access_key: "nobody-checks-this-yet" };
/** Calls that set everything up, before moto begins to check signatures and policies. */
const SETUP_CALLS = 8;
const USER = "moonseal";
const ACTIONS = ["kms:Encrypt", "kms:Decrypt"];
const POLICY = "keys";

type Identity = typeof NOBODY;
const [motoServer = "moto_server"] = process.argv.slice(2);
const endpoint = `http://127.0.0.1:${await freePort(5500)}`;
let failed = 0;

async function aws(
  service: "iam" | "kms",
  headers: Record<string, string>,
  body: string,
  its: Identity,
): Promise<string> {
  const region = service === "iam" ? "us-east-1" : REGION;
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey } = its;
  const method = "POST";
  const url = `${endpoint}/`;
  const signer = new AwsV4Signer({
    method,
    url,
    headers,
    body,
    service,
    region,
    accessKeyId,
    secretAccessKey,
    allHeaders: true,
  });
  const answer = await fetch(url, { method, headers: (await signer.sign()).headers, body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`moto: ${service} ${answer.status} ${text}`);
  return text;
}

/** moto hashes a form as it would have written it: with these characters escaped. */
const formOf = (asked: Record<string, string>) =>
  new URLSearchParams(asked).toString().replaceAll("*", "%2A").replaceAll("%7E", "~");

const kms = (target: string, asked: object, its: Identity) =>
  aws(
    "kms",
    { "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": `TrentService.${target}` },
    JSON.stringify(asked),
    its,
  );
const iam = (asked: Record<string, string>, its = NOBODY) =>
  aws("iam", { "Content-Type": "application/x-www-form-urlencoded" }, formOf({ Version: "2010-05-08", ...asked }), its);

async function allow(UserName: string, actions: string[], its = NOBODY): Promise<void> {
  const Statement = [{ Effect: "Allow", Action: actions, Resource: "*" }];
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  await iam({ Action: "PutUserPolicy", UserName, PolicyName: POLICY, PolicyDocument }, its);
}

async function newUser(UserName: string, actions: string[]): Promise<Identity> {
  await iam({ Action: "CreateUser", UserName });
  const made = await iam({ Action: "CreateAccessKey", UserName });
  await allow(UserName, actions);
  const member = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(made)?.[1] ?? "";
  return { access_key_id: member("AccessKeyId"), secret_access_key: member("SecretAccessKey") };
}

async function newKey(): Promise<string> {
  const made = JSON.parse(await kms("CreateKey", { Description: "moonseal" }, NOBODY)) as {
    KeyMetadata: { Arn: string };
  };
  return made.KeyMetadata.Arn;
}

async function started(): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await fetch(`${endpoint}/moto-api/`).catch(() => null)) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("moto did not start");
}

/** Says what happened, and whether it is what should have. */
async function tried(what: string, expected: string, call: () => Promise<unknown>): Promise<void> {
  const seen = await call().then(
    (value) => (value === true ? "yes" : String(value)),
    (error: KeyServiceFailure) => `${error.fault}: ${error.words} [${error.internal}]`,
  );
  const right = seen.startsWith(expected);
  if (!right) failed++;
  console.log(`${right ? "ok  " : "FAIL"} ${what}: ${seen}`);
}

const server = spawn(motoServer, ["-H", "127.0.0.1", "-p", new URL(endpoint).port], {
  env: { ...process.env, INITIAL_NO_AUTH_ACTION_COUNT: String(SETUP_CALLS) },
  stdio: "ignore",
});
try {
  await started();
  const tenant = await newUser(USER, ACTIONS);
  const owner = await newUser("owner", ["iam:*"]);
  const [arn, otherArn] = [await newKey(), await newKey()];
  const client = (its: Identity, key_arn = arn) =>
    connectKeyService(
      { kind: "aws_kms", region: REGION, key_arn, endpoint },
      { kind: "aws_kms", ...its },
      { local: true },
    );
  const mine = client(tenant);
  const same = async (text: string) => Buffer.from(await mine.unwrap(TENANT, text, 7)).equals(Buffer.from(KEY));

  await tried("a wrong secret", "refused: ", () =>
    client({ ...tenant, secret_access_key: `${tenant.secret_access_key}x` }).wrap(TENANT, KEY, 7),
  );
  await tried("an unknown access key", "refused: ", () => client(NOBODY).wrap(TENANT, KEY, 7));
  const wrapped = await mine.wrap(TENANT, KEY, 7);
  await tried("wrap and unwrap", "yes", () => same(wrapped));
  await tried("for another tenant", "refused: what it had wrapped does not open", () =>
    mine.unwrap("tnt_eu_other", wrapped, 7),
  );
  await tried("for another version", "refused: what it had wrapped does not open", () =>
    mine.unwrap(TENANT, wrapped, 8),
  );
  await tried("under another key", "refused: ", () => client(tenant, otherArn).unwrap(TENANT, wrapped, 7));
  await tried("an unknown key", "refused: ", () =>
    client(tenant, arn.slice(0, -4).concat("0000")).wrap(TENANT, KEY, 7),
  );
  await iam({ Action: "DeleteUserPolicy", UserName: USER, PolicyName: POLICY }, owner);
  await tried("revoked, unwrap", "refused: ", () => mine.unwrap(TENANT, wrapped, 7));
  await tried("revoked, wrap", "refused: ", () => mine.wrap(TENANT, KEY, 7));
  await allow(USER, ACTIONS, owner);
  await tried("restored", "yes", () => same(wrapped));
  await iam({ Action: "DeleteAccessKey", UserName: USER, AccessKeyId: tenant.access_key_id }, owner);
  await tried("the access key deleted", "refused: ", () => mine.unwrap(TENANT, wrapped, 7));
} finally {
  server.kill();
}
process.exitCode = failed === 0 ? 0 : 1;
