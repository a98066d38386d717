/** Everything that is asked about a tenant's identity provider, over the book of its object. */
import type { SsoCalls } from "./calls.ts";
import { describeProvider, removeProvider, setProvider } from "./provider-desk.ts";
import type { SsoDeps } from "./records.ts";
import { beginSso, finishSso } from "./sign-in.ts";

export const SSO_CALLS = [
  "identityProvider",
  "setIdentityProvider",
  "removeIdentityProvider",
  "beginSso",
  "finishSso",
] as const satisfies (keyof SsoCalls)[];

function ssoCalls(deps: SsoDeps): SsoCalls {
  return {
    identityProvider: async () => describeProvider(deps),
    setIdentityProvider: (wish, by, holding) => setProvider(wish, by, holding, deps),
    removeIdentityProvider: (by) => removeProvider(by, deps),
    beginSso: (browserSecret) => beginSso(browserSecret, deps),
    finishSso: (answer) => finishSso(answer, deps),
  };
}

/** One of them by its name, as it crosses RPC. Throws TypeError on a name that is none. */
export function callSso<K extends keyof SsoCalls>(
  deps: SsoDeps,
  name: K,
  args: Parameters<SsoCalls[K]>,
): ReturnType<SsoCalls[K]> {
  if (!SSO_CALLS.includes(name)) throw new TypeError("no such call about an identity provider");
  const call = ssoCalls(deps)[name] as (...args: Parameters<SsoCalls[K]>) => ReturnType<SsoCalls[K]>;
  return call(...args);
}
