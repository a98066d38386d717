/**
 * A tenant's identity provider: set, described, removed. A change and its entry are one transaction; before it, the provider has
 * answered, so that nobody is locked out by a misspelled address.
 */
import type { ProductAction } from "../../../core/actions/product.ts";
import { AppError } from "../../../core/errors.ts";
import type { SealPlace } from "../../../crypto/sealed.ts";
import type { AskedBy, EntryJob } from "../../tenancy/jobs.ts";
import { holdingNow } from "../people/membership.ts";
import { demandWithin, type Holding } from "../people/roles.ts";
import { openWords, type SealedWordsDeps, sealWords } from "../sealed-words.ts";
import type { DescribedProvider, ProviderWish } from "./calls.ts";
import { discover } from "./provider.ts";
import type { IdentityProvider, SsoBook, SsoDeps } from "./records.ts";

const SLOT = "oauth_tokens";
const placeOf = (tenantId: string): SealPlace => ({ table: "identity_provider", column: "secret", rowId: tenantId });

export function describeProvider({ book, people }: SsoDeps): DescribedProvider | null {
  const provider = book.provider();
  if (!provider) return null;
  const { secret: _, ...rest } = provider;
  return { ...rest, redirectUri: redirectUri(people) };
}

/** Of its own for each tenant, so that no provider's answer is taken for another's (RFC 9700 §4.4). */
export const redirectUri = ({ publicOrigin, jurisdiction, tenantId }: SsoDeps["people"]): string =>
  `${publicOrigin}/v1/auth/${jurisdiction}/sso/${tenantId}/callback`;

/** Throws as `SsoCalls.setIdentityProvider` does. */
export async function setProvider(
  wish: ProviderWish,
  by: AskedBy,
  holding: Holding,
  deps: SsoDeps,
): Promise<DescribedProvider> {
  const { people, book, memory, ask } = deps;
  const demand = () => {
    const held = holdingNow(by, holding, people);
    if (wish.join) demandWithin(wish.join.role, held);
    // A provider says who somebody is: whoever names it could be any of the members.
    for (const { role } of people.book.people()) demandWithin(role, held);
  };
  demand();
  await discover(wish.issuer, ask);
  const { clientSecret, ...rest } = wish;
  const secret = await sealWords(SLOT, clientSecret, placeOf(people.tenantId), people);
  const atMs = people.clock();
  await people.commit(
    () => {
      demand();
      const before = book.provider();
      book.setProvider({ ...rest, secret, createdAtMs: before?.createdAtMs ?? atMs, updatedAtMs: atMs });
    },
    () => [setEntry(rest, by, deps)],
  );
  memory.forget();
  const described = describeProvider(deps);
  if (!described) throw new AppError("storage.unavailable", { internal: "identity provider: removed meanwhile" });
  return described;
}

function setEntry(wish: Omit<ProviderWish, "clientSecret">, by: AskedBy, { people }: SsoDeps): EntryJob {
  const { issuer, join, trustsSecondFactor } = wish;
  const metadata = {
    issuer,
    join_role: join?.role ?? null,
    join_domains: join?.emailDomains.join(" ") ?? null,
    trusts_second_factor: trustsSecondFactor,
  };
  return entryOf("tenant.identity_provider_set", by, metadata, people);
}

/** Throws `resource.not_found`. Sessions that it opened go on: they are ended like any other. */
export async function removeProvider(by: AskedBy, { people, book, memory }: SsoDeps): Promise<void> {
  await people.commit(
    () => {
      const provider = book.provider();
      if (!provider) throw new AppError("resource.not_found");
      book.removeProvider();
      return provider;
    },
    ({ issuer }) => [entryOf("tenant.identity_provider_removed", by, { issuer }, people)],
  );
  memory.forget();
}

function entryOf(
  action: ProductAction,
  by: AskedBy,
  metadata: Record<string, string | boolean | null>,
  { tenantId, domainId, uuid }: SsoDeps["people"],
): EntryJob {
  const targets = [{ type: "tenant", id: tenantId }];
  const event = { action, actor: by, targets, metadata, clear_metadata: Object.keys(metadata) };
  return { kind: "entry", domainId, once: `${action}:${uuid()}`, event };
}

export function openSecret({ secret }: IdentityProvider, deps: SealedWordsDeps): Promise<string> {
  return openWords(SLOT, secret, placeOf(deps.tenantId), deps);
}

/** Brings the secret under the present keys; how many. */
export async function resealProvider(
  isOld: (sealed: Uint8Array) => boolean,
  book: SsoBook,
  deps: SealedWordsDeps,
): Promise<number> {
  const provider = book.provider();
  if (!provider || !isOld(provider.secret)) return 0;
  const secret = await sealWords(SLOT, await openSecret(provider, deps), placeOf(deps.tenantId), deps);
  // Replaced meanwhile: that one is sealed freshly already.
  if (book.provider()?.updatedAtMs === provider.updatedAtMs) book.setSecret(secret);
  return 1;
}
