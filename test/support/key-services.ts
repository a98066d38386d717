/** Key services of tenants that answer in place of the network. Runs in workerd. */
import { vi } from "vitest";
import { HttpsDouble, TOKEN } from "../byok/support/https-double.ts";
import { ACCESS_KEY_ID, KEY_ARN, KmsDouble, REGION, SECRET_ACCESS_KEY } from "../byok/support/kms-double.ts";

export interface KeyServices {
  https: HttpsDouble;
  /** Another one of the same tenant. */
  other: HttpsDouble;
  kms: KmsDouble;
  /** `host path` of each call. */
  calls: string[];
}

const HOSTS = { https: "keys.acme.example", other: "other.acme.example", kms: `kms.${REGION}.amazonaws.com` } as const;

export const httpsConfig = (changes: object = {}) => ({
  kind: "https" as const,
  url: `https://${HOSTS.https}/moonseal`,
  token: TOKEN,
  ...changes,
});
export const otherConfig = () => httpsConfig({ url: `https://${HOSTS.other}` });
export const kmsConfig = (changes: object = {}) => ({
  kind: "aws_kms" as const,
  region: REGION,
  key_arn: KEY_ARN,
  access_key_id: ACCESS_KEY_ID,
  secret_access_key: SECRET_ACCESS_KEY,
  ...changes,
});

/** From here on these three hosts answer, and nothing else is reached. */
export function standInKeyServices(): KeyServices {
  const services = { https: new HttpsDouble(), other: new HttpsDouble(), kms: new KmsDouble(), calls: [] as string[] };
  vi.stubGlobal("fetch", async (input: string, init: RequestInit) => {
    const { host, pathname, protocol } = new URL(input);
    services.calls.push(`${host} ${pathname}`);
    const name = (Object.keys(HOSTS) as (keyof typeof HOSTS)[]).find((candidate) => HOSTS[candidate] === host);
    if (!name || protocol !== "https:") throw new TypeError("no such host");
    return services[name].handle(new Request(input, init));
  });
  return services;
}
